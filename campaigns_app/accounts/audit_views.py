"""The page of the audit log."""

from flask import Blueprint, render_template, request

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.accounts.audit import ACTIONS, KNOWN_ACTIONS
from campaigns_app.accounts.audit_log import AuditFilter, list_people, read_audit_log

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> str:
    """Who did what, newest first, of the part that the address asks for: `user_id`, `action`."""
    account_id = current_account().id
    people = list_people(account_id)
    chosen = _chosen()
    return render_template(
        "settings/audit.html",
        page=read_audit_log(account_id, chosen),
        people=people,
        actions=ACTIONS,
        chosen=chosen,
        place={"user_id": chosen.user_id, "action": chosen.action},
    )


def _chosen() -> AuditFilter:
    """What the address asks for, as far as there can be such a thing."""
    action = request.args.get("action")
    return AuditFilter(
        user_id=_row_id("user_id"),
        action=action if action in KNOWN_ACTIONS else None,
        before=_row_id("before"),
    )


def _row_id(name: str) -> int | None:
    number = request.args.get(name, type=int)
    return number if number is not None and 0 < number < 2**63 else None
