"""What pages and the API show of campaigns."""

from collections.abc import Callable

from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.report import (
    Counts,
    count_states,
    list_campaigns,
    list_recipients,
)
from campaigns_app.conversations.models import Conversation
from campaigns_app.extensions import db
from tests.factories import make_account, make_campaign, make_contact, make_inbox, make_label


def test_campaigns_are_listed_newest_first(session: Session) -> None:
    account = make_account()
    first, second = (make_campaign(account, make_label(account)) for _ in range(2))

    page = list_campaigns(account.id)

    assert [row.campaign.id for row in page.rows] == [second.id, first.id]
    assert (page.total, page.page, page.pages) == (2, 1, 1)


def test_another_accounts_campaigns_are_not_listed(session: Session) -> None:
    other = make_account()
    make_campaign(other, make_label(other))

    assert list_campaigns(make_account().id).rows == []


def test_a_search_looks_into_titles_and_messages(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    by_title = make_campaign(account, label, title="50% OFF")
    by_message = make_campaign(account, label, message="all 50% off today")
    make_campaign(account, label, title="500 off")

    found = [row.campaign.id for row in list_campaigns(account.id, search="50% off").rows]

    assert found == [by_message.id, by_title.id]


def test_a_list_can_be_of_some_channels_only(session: Session) -> None:
    account = make_account()
    label = make_label(account)
    sms = make_inbox(account, inbox_type="Sms")
    make_campaign(account, label)
    wanted = make_campaign(account, label, inbox_id=sms.id)

    found = [row.campaign.id for row in list_campaigns(account.id, inbox_types=["Sms"]).rows]

    assert found == [wanted.id]


def test_the_list_costs_the_same_whatever_its_length(session: Session) -> None:
    short, long = make_account(), make_account()
    make_campaign(short, make_label(short))
    label = make_label(long)
    for _ in range(10):
        make_campaign(long, label)

    account_ids = short.id, long.id
    costs = {_cost_of_list(session, account_id) for account_id in account_ids}

    assert len(costs) == 1


def _cost_of_list(session: Session, account_id: int) -> int:
    session.expunge_all()
    with _counted() as count:
        assert all(row.campaign.inbox.channel for row in list_campaigns(account_id).rows)
    return count()


def test_counts_are_nought_before_the_start(session: Session) -> None:
    account = make_account()

    assert count_states(make_campaign(account, make_label(account)).id) == Counts()


def test_recipients_show_what_became_of_them(
    session: Session, carry_out: Callable[[Campaign], None]
) -> None:
    account = make_account()
    label = make_label(account)
    make_contact(account, label, name="Ana")
    make_contact(account, label, blocked=True)
    campaign = make_campaign(account, label)
    carry_out(campaign)

    sent, skipped = list_recipients(campaign).rows

    number = session.scalars(select(Conversation.display_id)).one()
    assert (sent.name, sent.state, sent.conversation_display_id) == ("Ana", "sent", number)
    assert (skipped.state, skipped.reason) == ("skipped", "blocked")


def test_recipients_can_be_of_one_state_only(session: Session, app: Flask) -> None:
    account = make_account()
    label = make_label(account)
    for blocked in (False, True, True):
        make_contact(account, label, blocked=blocked)
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)

    page = list_recipients(campaign, state="skipped", per_page=1, page=2)

    assert (page.total, page.pages, [row.state for row in page.rows]) == (2, 2, ["skipped"])


class _counted:
    """Counts the statements sent to the database inside the block."""

    def __enter__(self) -> Callable[[], int]:
        self._count = 0
        event.listen(db.engine, "before_cursor_execute", self._add)
        return lambda: self._count

    def __exit__(self, *exc: object) -> None:
        event.remove(db.engine, "before_cursor_execute", self._add)

    def _add(self, *arguments: object) -> None:
        self._count += 1
