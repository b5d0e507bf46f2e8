"""The page of the account's settings."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AuditEntry, Role, User
from tests.conftest import log_in
from tests.factories import make_account, make_user

WINDOW = {"start": "08:00", "end": "21:30"}


def test_quiet_hours_are_kept_shown_and_taken_away(
    admin_client: FlaskClient, admin: User, session: Session
) -> None:
    account = admin.memberships[0].account

    admin_client.post("/settings", data=WINDOW)
    session.refresh(account)
    kept, page = account.quiet_hours, admin_client.get("/settings").text
    admin_client.post("/settings", data={"start": "", "end": ""})
    session.refresh(account)

    assert kept == {"from": "08:00", "to": "21:30"}
    assert 'value="08:00"' in page and 'value="21:30"' in page  # noqa: PT018
    assert account.quiet_hours is None
    actions = session.scalars(select(AuditEntry.action).filter_by(action="account.updated"))
    assert len(actions.all()) == 2


@pytest.mark.parametrize(
    "wrong", [{"end": ""}, {"start": ""}, {"start": "21:30"}, {"start": "25:00"}, {"end": "soon"}]
)
def test_what_is_no_window_is_refused(
    admin_client: FlaskClient, admin: User, session: Session, wrong: dict[str, str]
) -> None:
    answer = admin_client.post("/settings", data=WINDOW | wrong)

    assert answer.status_code == 422
    assert 'class="error"' in answer.text
    assert admin.memberships[0].account.quiet_hours is None


def test_agents_are_not_let_in(client: FlaskClient) -> None:
    log_in(client, make_user(make_account(), role=Role.AGENT))

    assert client.get("/settings").status_code == 403
