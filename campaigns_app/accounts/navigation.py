"""The sidebar: which sections of the app the person sees."""

from dataclasses import dataclass

from flask import current_app, request
from flask_babel import gettext as _

from campaigns_app.accounts.access import find_member
from campaigns_app.accounts.models import CAMPAIGNS_FEATURE, Membership


@dataclass(frozen=True, slots=True)
class Section:
    """A link of the sidebar. `feature` is the account's flag that switches the section off."""

    endpoint: str
    icon: str
    title_key: str
    feature: str | None = None

    @property
    def title(self) -> str:
        """Its name in the language of the request."""
        return str(_(self.title_key))

    @property
    def is_current(self) -> bool:
        """Whether the present page belongs to it."""
        return self.endpoint.partition(".")[0] in request.blueprints

    def is_open_to(self, member: Membership) -> bool:
        """Whether the member may enter: administrators, where the account has the feature."""
        allowed = self.feature is None or member.account.has_feature(self.feature)
        return member.is_administrator and allowed


SECTIONS = (
    Section("campaigns.index", "campaign", "NAV.CAMPAIGNS", CAMPAIGNS_FEATURE),
    Section("contacts.index", "contacts", "NAV.CONTACTS"),
    Section("labels.index", "label", "NAV.LABELS"),
    Section("suppressions.index", "ban", "NAV.SUPPRESSIONS"),
    Section("inboxes.index", "inbox", "NAV.INBOXES"),
    Section("webhooks.index", "webhook", "NAV.WEBHOOKS"),
    Section("tokens.index", "key", "NAV.TOKENS"),
    Section("settings.show", "clock", "NAV.SETTINGS"),
)


def visible_sections() -> list[Section]:
    """The sections that the present person may enter, in the order of the sidebar."""
    member = find_member()
    if member is None:
        return []
    known = current_app.view_functions
    return [one for one in SECTIONS if one.endpoint in known and one.is_open_to(member)]
