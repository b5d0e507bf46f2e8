"""The demonstration's receiver, asked over real HTTP."""

from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from campaigns_app.database.types import utcnow
from campaigns_app.operations.demo.receiver import Arrivals, Webhook, WebhookReceiver
from campaigns_app.webhooks.signing import new_secret, signature_headers

BODY = b'{"event": "message_created"}'


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """A receiver with a secret."""
    with WebhookReceiver() as receiver:
        receiver.secret = new_secret()
        yield receiver


def signed(secret: str, uid: str = "msg_1") -> dict[str, str]:
    """The headers of a delivery made now."""
    return signature_headers([secret], uid, int(utcnow().timestamp()), BODY)


def post(receiver: WebhookReceiver, headers: dict[str, str]) -> int:
    """The status with which a delivery is answered."""
    try:
        with urlopen(Request(receiver.url, BODY, headers)) as response:  # noqa: S310
            return int(response.status)
    except HTTPError as refusal:
        with refusal:
            return refusal.code


def test_the_same_webhook_arriving_twice_counts_once(receiver: WebhookReceiver) -> None:
    headers = signed(receiver.secret)

    assert [post(receiver, headers), post(receiver, headers)] == [204, 204]
    assert receiver.arrivals == Arrivals(verified=1, refused=0)
    assert receiver.history == {Webhook.of("msg_1", BODY): 2}


def test_a_webhook_signed_with_another_secret_is_refused(receiver: WebhookReceiver) -> None:
    assert post(receiver, signed(new_secret())) == 401
    assert receiver.arrivals == Arrivals(verified=0, refused=1)


@pytest.mark.parametrize(
    "header", ["webhook-signature", "X-Chatwoot-Signature", "X-Chatwoot-Timestamp"]
)
def test_each_signature_is_looked_at(receiver: WebhookReceiver, header: str) -> None:
    headers = signed(receiver.secret)
    headers[next(name for name in headers if name.lower() == header.lower())] = "wrong"

    assert post(receiver, headers) == 401
