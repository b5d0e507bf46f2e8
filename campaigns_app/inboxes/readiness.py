"""Whether an inbox has all that its channel needs to send, without asking anybody."""

from collections.abc import Iterator

from flask_babel import gettext as _

from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.errors import InboxUnusable
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import account_of


def faults_of(inbox: Inbox, channel: ProviderChannel) -> Iterator[str]:
    """What the inbox lacks, a sender or credentials for example; sentences for people,
    without their full stops."""
    try:
        account = account_of(inbox)
    except InboxUnusable as error:
        yield str(error)
        return
    given = {**account.settings, **account.secrets}
    values = {name: text for name, text in given.items() if text}
    for field in channel.settings:
        if field.required and field.name not in values:
            yield str(_("INBOXES.ERRORS.MISSING", field=_(field.label)))
    for _name, text in channel.faults(values):
        yield str(_(text))
