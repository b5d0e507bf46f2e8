"""`campaigns create-admin`."""

from secrets import token_urlsafe

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from campaigns_app.accounts.models import Account
from campaigns_app.accounts.service import NewAdministrator, create_administrator, found_account
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db

ACCOUNT = "Campaigns"


@click.command("create-admin")
@click.option("--email", prompt="E-mail", help="What they log in with.")
@click.option("--name", prompt="Name", help="How they are called.")
@click.option(
    "--account",
    "account_name",
    help="The account; created if there is none of that name.  "
    f"[default: the only one, or «{ACCOUNT}»]",
)
@with_appcontext
def create_admin_command(email: str, name: str, account_name: str | None) -> None:
    """Create an administrator, and print the password made for them."""
    password = token_urlsafe(12)
    account = _find_account(account_name)
    if account is None:
        title = account_name or ACCOUNT
        user = found_account(title, NewAdministrator(email, name, password))
    else:
        title = account.name
        user = create_administrator(account, email, name, password)
    click.echo(f"{user.name} administers the account «{title}».")
    click.echo(f"E-mail:   {user.email}")
    click.echo(f"Password: {password}    (shown only now)")


def _find_account(name: str | None) -> Account | None:
    """The account called `name`, or the only one; None when there is none yet."""
    accounts = db.session.scalars(select(Account).order_by(Account.id)).all()
    matching = [account for account in accounts if name in (None, account.name)]
    if len(matching) > 1:
        names = ", ".join(sorted({account.name for account in matching}))
        raise CannotStart(f"There are several accounts: name one with --account ({names}).")
    return matching[0] if matching else None
