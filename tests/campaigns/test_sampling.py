"""Of a large audience some are looked at, at even distances; of a small one all."""

import pytest
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.sampling import some_recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.channels.twilio_sms import TwilioSmsChannel
from tests.factories import make_contact, make_label


@pytest.mark.parametrize(
    ("most", "places"),
    [(20, range(10)), (10, range(10)), (9, range(0, 10, 2)), (4, (0, 3, 6, 9)), (1, (0,))],
)
def test_they_are_taken_from_all_over_the_audience(
    session: Session, account: Account, most: int, places: tuple[int, ...]
) -> None:
    label = make_label(account)
    ids = []
    for number in range(10):
        make_contact(account, label, phone_number=None)
        ids.append(make_contact(account, label, phone_number=f"+1415555{number:04d}").id)
    matched = matched_contacts(Selection(account.id, (label.id,)))

    rows = some_recipients(matched, TwilioSmsChannel(), most, 10)

    assert [row.id for row in rows] == [ids[place] for place in places]
