"""Signatures as the specifications and the official library have them."""

import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from campaigns_app.webhooks.signing import (
    SignatureRefused,
    new_secret,
    sign,
    signature_headers,
    verify,
)

BODY = '{"event": "ü"}'.encode()
UID = "msg_0123456789abcdef"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
TIMESTAMP = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("secret", "uid", "timestamp", "body", "signature"),
    [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1731705121,
            '{"event_type":"ping","data":{"success":true}}',
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "msg_01HZZZZZZZZZZZZZZZZZZZZZZZ",
            1767225600,
            '{"type":"message.delivered","data":{"n":"ü"}}',
            "v1,NKBHBO26IT4A1yarOHl6yai7Fg1PyeO1ucWV9uySkGU=",
        ),
    ],
)
def test_the_published_vectors_come_out(
    secret: str, uid: str, timestamp: int, body: str, signature: str
) -> None:
    assert sign(secret, uid, timestamp, body.encode()) == signature


def test_the_official_library_accepts_our_headers() -> None:
    secret = new_secret()

    headers = signature_headers([secret], UID, int(time.time()), BODY)

    assert Webhook(secret).verify(BODY, headers) == {"event": "ü"}


def test_while_a_secret_is_replaced_both_verify() -> None:
    new, old = new_secret(), new_secret()

    headers = signature_headers([new, old], UID, int(time.time()), BODY)

    Webhook(new).verify(BODY, headers)
    Webhook(old).verify(BODY, headers)


def test_chatwoots_signature_takes_the_secrets_text_as_its_key() -> None:
    secret = new_secret()

    headers = signature_headers([secret], UID, TIMESTAMP, BODY)

    signed = f"{TIMESTAMP}.".encode() + BODY
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Chatwoot-Signature"] == f"sha256={digest}"
    assert headers["X-Chatwoot-Timestamp"] == str(TIMESTAMP)
    assert headers["X-Chatwoot-Delivery"] == UID


def test_a_secret_is_32_random_bytes() -> None:
    assert len(new_secret()) == len("whsec_") + 44
    assert new_secret() != new_secret()


def test_what_we_sign_we_accept() -> None:
    secret = new_secret()
    headers = signature_headers([secret, new_secret()], UID, TIMESTAMP, BODY)

    verify(secret, {name.upper(): value for name, value in headers.items()}, BODY, now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        *({"webhook-id": ""}, {"webhook-id": "msg_other"}, {"webhook-timestamp": "soon"}),
        *({"webhook-timestamp": "9" * 500}, {"webhook-timestamp": str(TIMESTAMP - 301)}),
        *({"webhook-timestamp": str(TIMESTAMP + 301)}, {"webhook-timestamp": str(TIMESTAMP - 1)}),
        *({"webhook-signature": ""}, {"webhook-signature": "v1"}, {"webhook-signature": "ü"}),
    ],
)
def test_a_changed_header_is_refused(changed: dict[str, str]) -> None:
    secret = new_secret()
    headers = signature_headers([secret], UID, TIMESTAMP, BODY) | changed

    with pytest.raises(SignatureRefused):
        verify(secret, headers, BODY, now=NOW)


def test_a_changed_body_and_another_secret_are_refused() -> None:
    secret = new_secret()
    headers = signature_headers([secret], UID, TIMESTAMP, BODY)

    with pytest.raises(SignatureRefused, match="no signature"):
        verify(secret, headers, BODY + b" ", now=NOW)
    with pytest.raises(SignatureRefused, match="no signature"):
        verify(new_secret(), headers, BODY, now=NOW)
