"""Which settings an inbox of a channel has, and what they must be."""

import math
from collections.abc import Iterator, Mapping, Sequence

from flask import current_app
from flask_babel import gettext as _

from campaigns_app.channels.base import Channel, SettingField
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.database.text import is_storable
from campaigns_app.destinations import LONGEST_URL
from campaigns_app.errors import FieldError
from campaigns_app.inboxes.provider_account import BASE_URL
from campaigns_app.webhooks.drafts import check_endpoint_url

NAME_LENGTH = 255
HIGHEST_RATE = 10_000


def setting_fields(channel: Channel, address: str = "") -> list[SettingField]:
    """The settings that the channel declares; behind them, where the operator allows others than
    the provider's own, its address. The present `address` of an inbox stays one to choose."""
    fields = list(channel.settings)
    allowed = current_app.config["PROVIDER_BASE_URLS"]
    urls = dict.fromkeys([*allowed, address] if address else allowed)
    if isinstance(channel, ProviderChannel) and urls:
        choices = [("", _("INBOXES.FORM.BASE_URL.USUAL")), *((url, url) for url in urls)]
        fields.append(
            SettingField(
                name=BASE_URL,
                label="INBOXES.FORM.BASE_URL.LABEL",
                kind="select",
                help="INBOXES.FORM.BASE_URL.HELP",
                extra={"choices": choices},
            )
        )
    return fields


def check_name(name: str) -> Iterator[FieldError]:
    """A name is there, short enough, and can be stored."""
    if not name:
        yield FieldError("name", _("INBOXES.ERRORS.NAME_BLANK"))
    elif len(name) > NAME_LENGTH:
        yield FieldError("name", _("INBOXES.ERRORS.NAME_LENGTH", most=NAME_LENGTH))
    elif not is_storable(name):
        yield FieldError("name", _("INBOXES.ERRORS.CHARACTERS"))


def check_rate(rate: float | None) -> Iterator[FieldError]:
    """A rate, where there is one, lets something leave and is no slip of the keyboard."""
    if rate is not None and not (math.isfinite(rate) and 0.01 <= rate <= HIGHEST_RATE):
        yield FieldError("rate", _("INBOXES.ERRORS.RATE", most=HIGHEST_RATE))


def check_each(fields: Sequence[SettingField], settings: Mapping[str, str]) -> Iterator[FieldError]:
    """What is wrong with the settings one by one. Blank ones are not in `settings`."""
    for field in fields:
        yield from _faults(field, settings.get(field.name, ""))


def _faults(field: SettingField, value: str) -> Iterator[FieldError]:
    if not value:
        if field.required:
            yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_BLANK"))
    elif len(value) > LONGEST_URL:
        yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_LENGTH", most=LONGEST_URL))
    elif not is_storable(value):
        yield FieldError(field.name, _("INBOXES.ERRORS.CHARACTERS"))
    elif field.kind == "url":
        yield from check_endpoint_url(value, field.name)
    elif field.kind == "number" and not _is_number(value):
        yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_NUMBER"))
    elif field.kind == "select" and value not in dict(field.extra["choices"]):
        yield FieldError(field.name, _("INBOXES.ERRORS.SETTING_CHOICE"))


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
