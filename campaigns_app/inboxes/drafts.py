"""What a person says about an inbox, and what of it is to be saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from campaigns_app.channels.base import Channel, SettingField
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.inboxes import settings as rules
from campaigns_app.inboxes.secrets import SecretsLocked, lock_secrets, unlock_secrets


@dataclass(frozen=True, slots=True)
class InboxDraft:
    """What a person says about an inbox. `settings` are its channel's, secrets among them, by
    their names: a secret that is not named stays as it is, a blank one is forgotten. `rate` is
    what may leave in a second, in the channel's unit; None: as usual."""

    name: str
    inbox_type: str
    settings: Mapping[str, str]
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft as it is to be saved: trimmed, without settings that are blank or that the channel
    does not have. `secrets` are encrypted; `changed_secrets` are the names of those that differ."""

    name: str
    inbox_type: str
    settings: dict[str, str]
    rate: float | None
    secrets: str | None
    changed_secrets: tuple[str, ...]


def check_draft(draft: InboxDraft, locked: str | None = None, address: str = "") -> CheckedDraft:
    """The draft as it is to be saved, of an inbox whose encrypted secrets are `locked` and whose
    provider is at `address`, if elsewhere than usual.

    Asks the name service, which can take seconds: end the present transaction before. Raises
    `InvalidInput`.
    """
    if draft.inbox_type not in get_channels():
        raise InvalidInput([FieldError("inbox_type", _("INBOXES.ERRORS.TYPE_UNKNOWN"))])
    channel = get_channels().get(draft.inbox_type)
    fields = rules.setting_fields(channel, address)
    is_secret = {field.name: field.secret for field in fields}
    said = {name: draft.settings[name].strip() for name in is_secret if name in draft.settings}
    settings = {name: text for name, text in said.items() if text and not is_secret[name]}
    new = {name: text for name, text in said.items() if is_secret[name]}
    kept = _readable(locked)
    secrets = {name: text for name, text in ((kept or {}) | new).items() if text}
    name = draft.name.strip()
    errors = [*rules.check_name(name), *rules.check_rate(draft.rate)]
    if kept is None and not new:
        # They cannot be read, so nobody knows whether they are right; but nobody touches them.
        errors += rules.check_each([one for one in fields if not one.secret], settings)
    else:
        errors += _check(channel, fields, settings | secrets)
    if errors:
        raise InvalidInput(errors)
    changed = tuple(one for one, text in new.items() if text != (kept or {}).get(one, ""))
    if changed:
        locked = _locked(secrets, changed[0]) if secrets else None
    return CheckedDraft(name, draft.inbox_type, settings, draft.rate, locked, changed)


def _check(
    channel: Channel, fields: Sequence[SettingField], settings: Mapping[str, str]
) -> list[FieldError]:
    faults = list(rules.check_each(fields, settings))
    if faults or not isinstance(channel, ProviderChannel):
        return faults
    return [FieldError(name, _(text)) for name, text in channel.faults(settings)]


def _readable(locked: str | None) -> dict[str, str] | None:
    """The secrets; None where they cannot be read."""
    try:
        return unlock_secrets(locked)
    except SecretsLocked:
        return None


def _locked(secrets: Mapping[str, str], field: str) -> str:
    try:
        return lock_secrets(secrets)
    except SecretsLocked as error:
        raise InvalidInput([FieldError(field, str(error))]) from error
