"""`campaigns rotate-secrets`: encrypt the secrets of channels with the newest key."""

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from campaigns_app.extensions import db
from campaigns_app.inboxes.models import Channel, Inbox
from campaigns_app.inboxes.secrets import SecretsLocked, lock_again

SOME_LEFT = 1


@click.command("rotate-secrets")
@with_appcontext
def rotate_secrets_command() -> None:
    """Encrypt the secrets of all inboxes with the first of ENCRYPTION_KEYS.

    Afterwards the other keys can be taken out. Exit status: 0 when every secret was encrypted
    again, 1 when some could not be read; those are named and stay as they are.
    """
    channels = db.session.scalars(
        select(Channel).where(Channel.secrets.is_not(None)).with_for_update()
    ).all()
    unreadable = []
    for channel in channels:
        try:
            channel.secrets = lock_again(channel.secrets or "")
        except SecretsLocked:
            unreadable.append(channel.id)
    db.session.commit()
    click.echo(f"Encrypted with the first key: the secrets of {len(channels) - len(unreadable)}.")
    if unreadable:
        names = db.session.scalars(
            select(Inbox.name).where(Inbox.channel_id.in_(unreadable)).order_by(Inbox.name)
        )
        click.echo(f"No key fits these; enter their secrets again: {', '.join(names)}", err=True)
        raise SystemExit(SOME_LEFT)
