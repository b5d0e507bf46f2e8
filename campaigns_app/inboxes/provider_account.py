"""An inbox's account with its provider, as its channel takes it."""

from flask import current_app

from campaigns_app.channels.provider import Account, ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.secrets import unlock_secrets

BASE_URL = "base_url"
"""The setting that names another address of the provider, where `PROVIDER_BASE_URLS` allows it."""


def account_of(inbox: Inbox) -> Account:
    """The settings and the secrets of the inbox's channel. Its channel must be a provider's."""
    channel = get_channels().get(inbox.inbox_type)
    if not isinstance(channel, ProviderChannel):
        raise TypeError(f"channel {channel.name!r} has no provider")
    settings = {name: str(value) for name, value in inbox.channel.settings.items()}
    base_url = settings.get(BASE_URL)
    return Account(
        settings=settings,
        secrets=unlock_secrets(inbox.channel.secrets),
        callback_url=(
            f"{current_app.config['PUBLIC_URL']}/callbacks/{channel.callback_slug}"
            f"/{inbox.callback_token}"
        ),
        base_url=base_url if base_url in current_app.config["PROVIDER_BASE_URLS"] else None,
    )
