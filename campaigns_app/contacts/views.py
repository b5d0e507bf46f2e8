"""The pages of contacts: the list, the form, blocking, deleting, importing."""

from flask import (
    Blueprint,
    Response,
    flash,
    redirect,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from campaigns_app.accounts.access import administrator_required, current_account
from campaigns_app.contacts.forms import ContactForm, UploadForm
from campaigns_app.contacts.labels import ids_by_title
from campaigns_app.contacts.listing import list_contacts
from campaigns_app.contacts.models import Contact
from campaigns_app.contacts.service import (
    create_contact,
    delete_contact,
    get_contact,
    set_blocked,
    update_contact,
)
from campaigns_app.contacts.suppressions import suppressed_addresses
from campaigns_app.contacts.uploads import get_upload, import_upload, rejected_rows_csv
from campaigns_app.data import FOLDER, SAMPLE_CONTACTS
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.extensions import db
from campaigns_app.htmx import hx_trigger, is_htmx

SHOWN_REJECTIONS = 100

blueprint = Blueprint("contacts", __name__, url_prefix="/contacts")


@blueprint.before_request
@administrator_required
def let_in() -> None:
    """Let administrators in."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The list of contacts, with search and a filter by label."""
    return render_template("contacts/index.html", **_listed())


@blueprint.get("/table")
def table() -> ResponseReturnValue:
    """The rows of the list alone, for htmx."""
    return render_template("contacts/_table.html", **_listed())


@blueprint.get("/new")
def new() -> ResponseReturnValue:
    """The form for another contact."""
    return _form_page(ContactForm(current_account().id))


@blueprint.post("")
def create() -> ResponseReturnValue:
    """Make a contact."""
    form = ContactForm(current_account().id)
    if form.validate():
        try:
            create_contact(current_account(), form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _back_to_list(_("CONTACTS.CREATED"))
    return _form_page(form), 422


@blueprint.get("/<int:contact_id>/edit")
def edit(contact_id: int) -> ResponseReturnValue:
    """The form of a contact."""
    contact = get_contact(current_account().id, contact_id)
    return _form_page(ContactForm(contact.account_id, contact), contact)


@blueprint.post("/<int:contact_id>")
def update(contact_id: int) -> ResponseReturnValue:
    """Change a contact."""
    contact = get_contact(current_account().id, contact_id)
    form = ContactForm(contact.account_id, contact)
    if form.validate():
        try:
            update_contact(current_account(), contact_id, form.to_draft(), actor=current_user)
        except InvalidInput as invalid:
            form.add_errors(invalid)
        else:
            return _back_to_list(_("CONTACTS.UPDATED"))
    return _form_page(form, contact), 422


@blueprint.post("/<int:contact_id>/block")
def block(contact_id: int) -> ResponseReturnValue:
    """Block a contact: no campaign reaches it any more."""
    set_blocked(current_account(), contact_id, True, actor=current_user)
    return _done(_("CONTACTS.BLOCKED"))


@blueprint.post("/<int:contact_id>/unblock")
def unblock(contact_id: int) -> ResponseReturnValue:
    """Let campaigns reach a contact again."""
    set_blocked(current_account(), contact_id, False, actor=current_user)
    return _done(_("CONTACTS.UNBLOCKED"))


@blueprint.get("/<int:contact_id>/delete")
def confirm_delete(contact_id: int) -> ResponseReturnValue:
    """The question before a contact is deleted: a dialog, or a page without JavaScript."""
    contact = get_contact(current_account().id, contact_id)
    page = "contacts/_delete_dialog.html" if is_htmx() else "contacts/delete.html"
    return render_template(page, contact=contact)


@blueprint.post("/<int:contact_id>/delete")
def delete(contact_id: int) -> ResponseReturnValue:
    """Delete a contact."""
    delete_contact(current_account(), contact_id, actor=current_user)
    return _done(_("CONTACTS.DELETED"))


@blueprint.get("/import")
def upload() -> ResponseReturnValue:
    """The form that takes a file, and what the file may contain. Where there are no labels yet,
    those of the file are wanted: without, no campaign could be sent to anybody in it."""
    form = UploadForm()
    form.create_labels.data = not ids_by_title(db.session(), current_account().id)
    return render_template("contacts/upload.html", form=form)


@blueprint.post("/import")
def import_file() -> ResponseReturnValue:
    """Import the file, within the request: the largest that is accepted takes half a minute."""
    form = UploadForm()
    if form.validate():
        try:
            return redirect(url_for(".imported", import_id=_import_file(form)), 303)
        except InvalidInput as invalid:
            form.add_errors(invalid)
    return render_template("contacts/upload.html", form=form), 422


@blueprint.get("/import/<int:import_id>")
def imported(import_id: int) -> ResponseReturnValue:
    """What became of a file."""
    done = get_upload(current_account().id, import_id)
    return render_template("contacts/imported.html", contact_import=done, shown=SHOWN_REJECTIONS)


@blueprint.get("/import/<int:import_id>/rejected.csv")
def rejected(import_id: int) -> ResponseReturnValue:
    """The rows that were not imported, for a spreadsheet."""
    done = get_upload(current_account().id, import_id)
    response = Response(rejected_rows_csv(done), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename="rejected-rows.csv")
    return response


@blueprint.get("/import/sample.csv")
def sample() -> ResponseReturnValue:
    """A file to try: fictional people."""
    return send_from_directory(FOLDER, SAMPLE_CONTACTS, as_attachment=True)


def _listed() -> dict[str, object]:
    """What the list shows. Raises `NotFound` for a label that the account does not have."""
    account_id = current_account().id
    search = request.args.get("search", "")
    label_id = request.args.get("label_id", type=int)
    labels = ids_by_title(db.session(), account_id)
    if label_id is not None and label_id not in labels.values():
        raise NotFound(f"no label {label_id} in account {account_id}")
    number = request.args.get("page", 1, type=int)
    found = list_contacts(account_id, search=search, label_id=label_id, page=number)
    return {
        "found": found,
        "search": search,
        "label_id": label_id,
        "labels": labels,
        "suppressed": suppressed_addresses(account_id, found.contacts),
    }


def _form_page(form: ContactForm, contact: Contact | None = None) -> str:
    return render_template("contacts/form.html", form=form, contact=contact)


def _back_to_list(message: str) -> ResponseReturnValue:
    flash(message, "success")
    return redirect(url_for("contacts.index"), 303)


def _done(message: str) -> ResponseReturnValue:
    """Tell what was done: to the page that stays, or to the list that is loaded anew."""
    return hx_trigger("contact-changed", toast=message) if is_htmx() else _back_to_list(message)


def _import_file(form: UploadForm) -> int:
    """Import the form's file; returns the id of the account of it. Raises `InvalidInput`."""
    file = form.import_file.data
    if not file:
        raise InvalidInput([FieldError("import_file", _("CONTACTS.UPLOAD.FILE_MISSING"))])
    done = import_upload(
        current_account(),
        file.stream,
        file.filename or "",
        default_region=form.default_region.data or None,
        create_labels=form.create_labels.data,
        actor=current_user,
    )
    return done.id
