"""An inbox's account with its provider, as its channel takes it, and the way there."""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from flask import current_app

from campaigns_app.channels.provider import Account, ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import InboxUnusable
from campaigns_app.http_client import Policy
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.secrets import unlock_secrets
from campaigns_app.setting_values import IPNetwork

BASE_URL = "base_url"
"""The setting that names another address of the provider, where `PROVIDER_BASE_URLS` allows it."""

WITHDRAWN = (
    "This inbox sends to {address}, which is not in PROVIDER_BASE_URLS any more: put it back, "
    "or choose another address for the inbox."
)


class AddressWithdrawn(InboxUnusable):
    """The inbox names an address of its provider that the operator does not allow."""


def account_of(inbox: Inbox) -> Account:
    """The settings and the secrets of the inbox's channel, which must be a provider's, and where
    that is. Raises `SecretsLocked`, and `AddressWithdrawn`: what was to go to a simulator must
    never go to people."""
    account = called_account_of(inbox)
    address = account.settings.get(BASE_URL)
    if address and address not in current_app.config["PROVIDER_BASE_URLS"]:
        raise AddressWithdrawn(WITHDRAWN.format(address=address))
    return replace(account, base_url=address or None)


def called_account_of(inbox: Inbox) -> Account:
    """The same to read what the provider tells us, for which it need not be reached. Raises
    `SecretsLocked`."""
    channel = provider_of(inbox)
    if channel is None:
        raise TypeError(f"channel {inbox.inbox_type!r} has no provider")
    settings = {name: str(value) for name, value in inbox.channel.settings.items()}
    return Account(
        settings=settings,
        secrets=unlock_secrets(inbox.channel.secrets),
        callback_url=callback_url(channel, inbox),
    )


def provider_of(inbox: Inbox) -> ProviderChannel | None:
    """The inbox's channel, if it is one that sends through a provider."""
    channels = get_channels()
    channel = channels.get(inbox.inbox_type) if inbox.inbox_type in channels else None
    return channel if isinstance(channel, ProviderChannel) else None


def callback_url(channel: ProviderChannel, inbox: Inbox) -> str:
    """Where the provider is to tell what became of the inbox's messages."""
    public = current_app.config["PUBLIC_URL"]
    return f"{public}/callbacks/{channel.callback_slug}/{inbox.callback_token}"


def provider_policy(connections: int) -> Policy:
    """What an HTTP client that talks to providers may do, with so many connections at once."""
    return Policy(
        allowed_networks=_networks(current_app.config["PROVIDER_BASE_URLS"]),
        timeout_seconds=current_app.config["PROVIDER_TIMEOUT_SECONDS"],
        connections=connections,
        # What ended before there was a connection was not sent, and is told from the rest.
        connect_seconds=current_app.config["PROVIDER_TIMEOUT_SECONDS"] / 2,
    )


def _networks(urls: Iterable[str]) -> tuple[IPNetwork, ...]:
    """The addresses in `urls` as networks: what the operator names may be called."""
    networks = []
    for url in urls:
        with suppress(ValueError):
            networks.append(ipaddress.ip_network(urlsplit(url).hostname or ""))
    return tuple(networks)
