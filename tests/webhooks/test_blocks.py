"""What a worker has taken, in one row."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.webhooks import blocks
from campaigns_app.webhooks.jobs import enqueue_due_deliveries
from campaigns_app.webhooks.models import WebhookBlock, WebhookDelivery, WebhookEndpoint
from tests.factories import make_account, make_endpoint
from tests.webhooks.scenes import claim, let_leases_expire, tell


@pytest.fixture
def endpoint(session: Session) -> WebhookEndpoint:
    return make_endpoint(make_account())


def on_their_way(session: Session) -> set[int]:
    return set(session.scalars(select(WebhookDelivery.id).where(blocks.is_on_its_way(session))))


def test_what_was_taken_is_on_its_way(session: Session, endpoint: WebhookEndpoint) -> None:
    tell(session, endpoint, conversations=2)

    taken = claim(session, "me", 2)

    assert on_their_way(session) == {one.id for one in taken}


def test_what_has_come_to_an_end_is_let_go_and_the_rest_is_held(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    [first, second] = claim(session, "me", 10)

    blocks.let_go(session, blocks.hold(session, {first.block_id}), {first.id})
    session.commit()

    assert on_their_way(session) == {second.id}
    assert [one.id for one in claim(session, "you", 10)] == [first.id]


def test_a_block_goes_with_the_last_of_its_deliveries(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    taken = claim(session, "me", 10)

    held = blocks.hold(session, {one.block_id for one in taken})
    blocks.let_go(session, held, {one.id for one in taken})

    assert session.scalars(select(WebhookBlock)).all() == []


def test_what_a_dead_worker_held_is_on_its_way_no_more(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    taken = claim(session, "dead", 10)
    let_leases_expire(session)

    assert on_their_way(session) == set()
    assert enqueue_due_deliveries()
    assert blocks.hold(session, {taken[0].block_id}) == {}


def test_a_claim_without_anything_to_take_leaves_no_block(
    session: Session, endpoint: WebhookEndpoint
) -> None:
    tell(session, endpoint)
    session.execute(update(WebhookEndpoint).values(enabled=False))
    session.commit()

    assert claim(session, "me", 10) == []
    assert session.scalars(select(WebhookBlock)).all() == []
