"""The audit log: who did what, when, from where, and what it changed."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from campaigns_app.accounts.audit_log import AuditFilter, AuditLine, read_audit_log
from campaigns_app.api.audit_params import read_audit_params
from campaigns_app.api.auth import api_account
from campaigns_app.api.paging import with_link
from campaigns_app.webhooks.events import iso

audit_log = Blueprint("audit_log", __name__)


@audit_log.get("")
def index() -> Response:
    """A page of the account's audit log, newest first, as a bare array.

    `Link` says where the next page is: it begins before the last entry of this one.
    """
    wanted = read_audit_params(request.args)
    chosen = AuditFilter(wanted.user_id, wanted.action, wanted.before)
    page = read_audit_log(api_account().id, chosen, wanted.per_page)
    return with_link(jsonify([_entry_object(line) for line in page.lines]), page.next_before)


def _entry_object(line: AuditLine) -> dict[str, Any]:
    entry = line.entry
    subject = {"type": entry.subject_type, "id": entry.subject_id, "title": line.title}
    return {
        "id": entry.id,
        "action": entry.action,
        "user": None if line.person is None else {"id": entry.user_id, "name": line.person},
        "subject": None if entry.subject_type is None else subject,
        "remote_address": entry.remote_address,
        "before": entry.before,
        "after": entry.after,
        "note": entry.note,
        "created_at": iso(entry.created_at),
    }
