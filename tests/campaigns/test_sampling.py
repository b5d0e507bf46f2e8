"""Of a large audience some are looked at, from all over it; of a small one all."""

import pytest
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.sampling import some_recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from campaigns_app.operations.bench.seeding import make_contacts
from tests.factories import make_contact, make_label


@pytest.mark.parametrize(("most", "count"), [(20, 10), (10, 10), (9, 9), (4, 4), (1, 1)])
def test_they_are_as_many_as_were_asked_for_and_none_who_is_left_out(
    session: Session, account: Account, most: int, count: int
) -> None:
    label = make_label(account)
    ids = []
    for number in range(10):
        make_contact(account, label, phone_number=None)
        ids.append(make_contact(account, label, phone_number=f"+1415555{number:04d}").id)
    matched = matched_contacts(Selection(account.id, (label.id,)))

    rows = some_recipients(matched, TwilioSmsChannel(), most, 10)

    assert len(rows) == count
    assert {row.id for row in rows} <= set(ids)


@pytest.mark.parametrize("every", [1, 2, 7])
def test_each_tenth_of_the_audience_gives_about_a_tenth_of_them(
    session: Session, account: Account, every: int
) -> None:
    label = make_label(account)
    make_contacts(session, account.id, label.id, 7000, every=every)
    matched = matched_contacts(Selection(account.id, (label.id,)))
    everybody = some_recipients(matched, TwilioSmsChannel(), 7000, 7000)
    places = {row.id: place for place, row in enumerate(everybody)}

    rows = some_recipients(matched, TwilioSmsChannel(), 200, len(everybody))

    tenths = [10 * places[row.id] // len(everybody) for row in rows]
    assert [10 < tenths.count(tenth) < 30 for tenth in range(10)] == [True] * 10
