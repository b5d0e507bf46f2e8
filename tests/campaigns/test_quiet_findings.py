"""What quiet hours will do to a campaign is said before it is scheduled."""

from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.findings import Finding, Severity
from campaigns_app.campaigns.quiet_findings import find_quiet_days, find_quiet_hours

DAY = {"from": "08:00", "to": "20:00"}
NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2030, 6, 1, 0, tzinfo=UTC)


def people(*zones: str) -> list[dict[str, Any]]:
    return [
        {"id": n, "name": f"{n}", "phone_number": None, "custom_attributes": {"timezone": zone}}
        for n, zone in enumerate(zones, 1)
    ]


def find(
    account: Account,
    contacts: list[dict[str, Any]],
    start: datetime = NOON,
    **window: str,
) -> list[Finding]:
    account.quiet_hours = {**DAY, **window}
    return list(find_quiet_hours(account, contacts, start))


def test_in_the_middle_of_the_day_there_is_nothing_to_say(account: Account) -> None:
    assert find(account, people("Europe/Berlin", "UTC")) == []


def test_without_quiet_hours_there_is_nothing_to_say(account: Account) -> None:
    assert list(find_quiet_hours(account, people("UTC"), MIDNIGHT)) == []


def test_a_night_for_everybody_says_when_the_first_are_written_to(account: Account) -> None:
    (finding,) = find(account, people("UTC", "Europe/Berlin"), MIDNIGHT)

    assert (finding.name, finding.severity, finding.count) == ("quiet_start", Severity.WARN, 2)
    assert "6:00" in finding.detail


def test_a_night_for_some_says_when_the_last_are_written_to(account: Account) -> None:
    (finding,) = find(account, people("UTC", "Asia/Tokyo", "America/Los_Angeles"))

    assert (finding.name, finding.count) == ("quiet_some", 2)
    assert "11:00" in finding.detail


def test_who_never_has_an_hour_is_named(account: Account) -> None:
    nowhere = {"id": 9, "name": "Ada", "phone_number": "+79000000000", "custom_attributes": {}}

    (finding,) = find(account, [*people("UTC"), nowhere], to="09:00")[:1]

    assert (finding.name, finding.severity) == ("quiet_never", Severity.WARN)
    assert finding.contacts == ((9, "Ada"),)


def test_where_nobody_ever_has_an_hour_nothing_can_be_scheduled(account: Account) -> None:
    nowhere = {"id": 9, "name": "Ada", "phone_number": "+79000000000", "custom_attributes": {}}

    (finding,) = find(account, [nowhere], to="09:00")

    assert (finding.name, finding.severity, finding.field) == (
        *("quiet_always", Severity.BLOCK),
        "audience",
    )


@pytest.mark.parametrize(("seconds", "days"), [(12 * 3600, None), (12 * 3600 + 1, 2), (172800, 4)])
def test_what_does_not_fit_into_a_day_takes_several(
    account: Account, seconds: float, days: int | None
) -> None:
    account.quiet_hours = DAY

    found = [one.count for one in find_quiet_days(account, seconds)]

    assert found == ([] if days is None else [days])


def test_a_window_over_midnight_is_as_long_as_it_is(account: Account) -> None:
    account.quiet_hours = {"from": "22:00", "to": "02:00"}

    found = find_quiet_days(account, 5 * 3600)

    assert [(one.name, one.count) for one in found] == [("quiet_days", 2)]
