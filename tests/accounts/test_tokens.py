"""Access tokens: what is kept of them, when they are good, and who may have one."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import AccessToken, AuditEntry, Role
from campaigns_app.accounts.tokens import (
    create_token,
    get_token,
    list_tokens,
    revoke_token,
    use_token,
)
from campaigns_app.errors import InvalidInput, NotAllowed, NotFound
from tests.factories import make_account, make_token, make_user

NOW = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)


def test_a_token_is_recognised_as_its_owner(session: Session) -> None:
    user = make_user(make_account())

    member = use_token(make_token(user), NOW)

    assert member is not None
    assert member.user_id == user.id


def test_a_token_has_the_form_that_scanners_look_for(session: Session) -> None:
    text = make_token(make_user(make_account()))

    prefix, kind, secret, checksum = text.split("_")
    assert (prefix, kind, len(secret), len(checksum)) == ("cmp", "live", 43, 6)


def test_the_token_itself_is_not_kept(session: Session) -> None:
    text = make_token(make_user(make_account()))

    row = session.scalars(select(AccessToken)).one()
    kept = " ".join(str(getattr(row, column.key)) for column in AccessToken.__table__.columns)
    assert text not in kept
    assert text.split("_")[2][:8] not in kept


def test_its_hint_is_enough_to_know_it_by(session: Session) -> None:
    text = make_token(make_user(make_account()))

    row = session.scalars(select(AccessToken)).one()
    assert row.hint == f"cmp_live_…{text[-4:]}"


@pytest.mark.parametrize("text", ["", "cmp_live_", "a" * 59, "cmp_live_" + "0" * 43 + "_000000"])
def test_what_is_no_token_is_nobodys(session: Session, text: str) -> None:
    assert use_token(text, NOW) is None


def test_a_mistyped_token_is_nobodys(session: Session) -> None:
    text = make_token(make_user(make_account()))

    assert use_token(text[:-1] + ("0" if text[-1] != "0" else "1"), NOW) is None


def test_a_token_is_good_until_it_expires(session: Session) -> None:
    text = make_token(make_user(make_account()), NOW, expires_at=NOW + timedelta(days=1))

    assert use_token(text, NOW + timedelta(hours=23)) is not None
    assert use_token(text, NOW + timedelta(days=1)) is None


def test_a_revoked_token_is_worthless(session: Session) -> None:
    user = make_user(account := make_account())
    text = make_token(user)

    revoke_token(account.id, session.scalars(select(AccessToken.id)).one(), actor=user, now=NOW)

    assert use_token(text, NOW) is None


def test_a_token_ends_with_its_owners_membership(session: Session) -> None:
    user = make_user(make_account())
    text = make_token(user)
    session.delete(user.memberships[0])
    session.commit()

    assert use_token(text, NOW) is None


def test_the_last_use_is_noted_at_most_once_a_minute(session: Session) -> None:
    text = make_token(make_user(make_account()))
    noted = []

    for seconds in (0, 59, 60):
        use_token(text, NOW + timedelta(seconds=seconds))
        session.rollback()
        noted.append(session.scalars(select(AccessToken.last_used_at)).one())

    assert noted == [NOW, NOW, NOW + timedelta(seconds=60)]


def test_an_agent_gets_no_token(session: Session) -> None:
    agent = make_user(make_account(), role=Role.AGENT)

    with pytest.raises(NotAllowed):
        create_token(agent.memberships[0], "Shop", expires_at=None, now=NOW)


@pytest.mark.parametrize("name", ["", "  ", "a" * 256, "a\x00b"])
def test_a_token_needs_a_name_that_can_be_kept(session: Session, name: str) -> None:
    owner = make_user(make_account()).memberships[0]

    with pytest.raises(InvalidInput) as refusal:
        create_token(owner, name, expires_at=None, now=NOW)

    assert refusal.value.fields == ["name"]


def test_a_token_cannot_have_expired_before_it_is_made(session: Session) -> None:
    owner = make_user(make_account()).memberships[0]

    with pytest.raises(InvalidInput) as refusal:
        create_token(owner, "Shop", expires_at=NOW, now=NOW)

    assert refusal.value.fields == ["expires_at"]


def test_the_list_shows_the_accounts_own_tokens_newest_first(session: Session) -> None:
    user = make_user(account := make_account())
    first, second = make_token(user), make_token(user)
    make_token(make_user(make_account()))

    hints = [token.hint[-4:] for token, owner in list_tokens(account.id)]

    assert hints == [second[-4:], first[-4:]]


def test_another_accounts_token_cannot_be_found_or_revoked(session: Session) -> None:
    text = make_token(make_user(make_account()))
    stranger = make_user(other := make_account())
    token_id = session.scalars(select(AccessToken.id)).one()

    with pytest.raises(NotFound):
        get_token(other.id, token_id)
    with pytest.raises(NotFound):
        revoke_token(other.id, token_id, actor=stranger, now=NOW)
    assert use_token(text, NOW) is not None


def test_making_and_revoking_are_in_the_audit_log_without_the_token(session: Session) -> None:
    user = make_user(account := make_account())
    text = make_token(user)
    revoke_token(account.id, session.scalars(select(AccessToken.id)).one(), actor=user, now=NOW)

    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()

    assert [entry.action for entry in entries] == ["token.created", "token.revoked"]
    assert all(text not in str((entry.before, entry.after)) for entry in entries)
