"""What a person does with campaigns: create, change, delete. Each function is one commit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Select, delete, select, update

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns import doubles, rules
from campaigns_app.campaigns.choices import find_inbox
from campaigns_app.campaigns.clearance import refuse_lost_template, refuse_obstacles
from campaigns_app.campaigns.drafts import CHANGEABLE, CampaignDraft, draft_of
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.signals import CREATE_CAMPAIGN, campaign_created
from campaigns_app.campaigns.states import CampaignStatus, CampaignType, Follows
from campaigns_app.campaigns.template_choice import choose_template
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import FieldError, InvalidInput, NotFound, Refused
from campaigns_app.extensions import db
from campaigns_app.inboxes.provider_account import provider_of
from campaigns_app.inboxes.template_list import sends_templates
from campaigns_app.job_queue import CAMPAIGNS, enqueue, enqueue_at

ALREADY_COMPLETED = "Status The campaign is already completed"
BEING_SENT = "The campaign is being sent; cancel it, or wait until it has finished"
PAUSED_ON_THE_WAY = "The campaign is paused with recipients left; cancel it first"
FOLLOWED = "A follow-up of the campaign has not started; delete or cancel that first"


def create_campaign(
    account: Account,
    draft: CampaignDraft,
    *,
    actor: User | None,
    now: datetime,
    submission: doubles.Submission | None = None,
) -> Campaign:
    """Save a campaign and have it executed at its time.

    Where the `submission` came before, returns the campaign that was made then and makes none.
    Raises `InvalidInput`, and `AlreadyMade` where somebody else asked for the same a moment ago.
    Commits.
    """
    submission = submission or doubles.Submission()
    if doubles.find_answered(db.session(), account.id, submission) is None:
        _look_ahead(account, draft, now)
    # Whoever else makes a campaign in this account waits here until this one is there.
    display_id = _next_display_id(account.id)
    made = doubles.find_answered(db.session(), account.id, submission)
    if made is not None:
        db.session.rollback()
        return made
    checked = check_draft(account.id, draft, now)
    campaign = Campaign(
        account_id=account.id,
        display_id=display_id,
        created_by_id=actor.id if actor else None,
        **_columns(checked),
        **_as_new(submission),
    )
    doubles.refuse_double(db.session(), campaign, submission, now)
    db.session.add(campaign)
    record("campaign.created", actor, campaign, after={"title": campaign.title})
    db.session.commit()
    ring_at_its_time(campaign, now)
    campaign_created.send(
        CREATE_CAMPAIGN, type="one_off", campaign_id=campaign.id, account_id=account.id
    )
    return campaign


def update_campaign(
    account: Account,
    display_id: int,
    changes: Mapping[str, Any],
    *,
    actor: User | None,
    now: datetime,
) -> Campaign:
    """Change a campaign that has not started; `changes` has values by the names of a draft.

    Raises `NotFound`, `InvalidInput`, and `Refused` once execution has begun. Commits.
    """
    changes = {name: changes[name] for name in CHANGEABLE & set(changes)}
    campaign = get_campaign(account.id, display_id)
    if not campaign.is_completed:
        before = draft_of(campaign)
        _look_ahead(account, replace(before, **changes), now, unchanged=before)
    campaign = lock_campaign(account.id, display_id)
    if campaign.is_completed:
        db.session.rollback()
        raise Refused(ALREADY_COMPLETED)
    before = draft_of(campaign)
    draft = replace(before, **changes)
    checked = check_draft(account.id, draft, now, unchanged=before)
    for name, value in _columns(checked).items():
        setattr(campaign, name, value)
    record("campaign.updated", actor, campaign, after={"changed": sorted(changes)})
    db.session.commit()
    ring_at_its_time(campaign, now)
    return campaign


def delete_campaign(
    account: Account, display_id: int, *, actor: User | None, now: datetime
) -> None:
    """Delete a campaign and its ledger; the conversations it made stay.

    Raises `NotFound`, and `Refused` from its start until it is over, paused or not, and while a
    follow-up still has to look into its ledger. Commits.
    """
    campaign = lock_campaign(account.id, display_id)
    reason = _reason_to_keep(campaign)
    if reason is not None:
        db.session.rollback()
        raise Refused(reason)
    record("campaign.deleted", actor, campaign, before={"title": campaign.title})
    db.session.execute(delete(Campaign).where(Campaign.id == campaign.id))
    db.session.commit()


def _reason_to_keep(campaign: Campaign) -> str | None:
    if campaign.is_under_way:
        return BEING_SENT if campaign.enabled else PAUSED_ON_THE_WAY
    waiting = select(Campaign.id).where(
        Campaign.follows_id == campaign.id,
        Campaign.campaign_status == CampaignStatus.ACTIVE.value,
    )
    return FOLLOWED if db.session.scalar(waiting.limit(1)) is not None else None


def get_campaign(account_id: int, display_id: int) -> Campaign:
    """The account's campaign with that display id. Raises `NotFound`."""
    campaign = db.session.scalar(_by_display_id(account_id, display_id))
    if campaign is None:
        raise NotFound(f"no campaign {display_id}")
    return campaign


def check_draft(
    account_id: int, draft: CampaignDraft, now: datetime, unchanged: CampaignDraft | None = None
) -> CampaignDraft:
    """The draft as it is to be saved. Raises `InvalidInput` with everything that is wrong.

    What stands as it stood in `unchanged` is not asked again: a label of its audience may be gone,
    and its time may have come, without the person having a part in it.
    """
    audience = draft.audience
    if unchanged is None or audience != unchanged.audience:
        audience = rules.existing_labels(db.session(), account_id, audience)
    draft, of_message = _with_template(account_id, draft, unchanged)
    checked = replace(draft, audience=audience, scheduled_at=draft.scheduled_at or now)
    errors = [
        *rules.check_title(checked.title),
        *of_message,
        *_faults(account_id, checked, now, unchanged),
    ]
    if errors:
        db.session.rollback()
        raise InvalidInput(errors)
    return checked


def _look_ahead(
    account: Account, draft: CampaignDraft, now: datetime, unchanged: CampaignDraft | None = None
) -> None:
    """Raise `InvalidInput` where something stands in the draft's way. To be called before anything
    is locked: a provider may be asked. Ends the present transaction."""
    inbox = find_inbox(account.id, draft.inbox_id)
    if inbox is None or inbox.inbox_type not in get_channels():
        return  # The draft is refused for it.
    if provider_of(inbox) is not None:
        # What is wrong with the draft itself is told first, without asking anybody.
        draft = check_draft(account.id, draft, now, unchanged)
    refuse_obstacles(account, inbox, draft, now, unchanged)


def look_ahead_again(account: Account, campaign: Campaign, now: datetime) -> None:
    """Raise `InvalidInput` where something stands in the way of a paused campaign: of one that has
    begun, only that its template was taken back. To be called before anything is locked. Ends the
    present transaction."""
    if campaign.is_over or campaign.enabled:
        return
    if campaign.is_completed:
        refuse_lost_template(campaign)
        return
    draft = replace(draft_of(campaign), enabled=True)
    if campaign.inbox.inbox_type in get_channels():
        refuse_obstacles(account, campaign.inbox, draft, now)


def _faults(
    account_id: int, draft: CampaignDraft, now: datetime, unchanged: CampaignDraft | None
) -> Iterator[FieldError]:
    session, channels = db.session(), get_channels()
    yield from rules.check_inbox(session, channels, account_id, draft.inbox_id)
    yield from rules.check_sender(session, account_id, draft.sender_id)
    by_labels = draft.follows in (None, Follows.NEW)
    if by_labels and (unchanged is None or draft.audience != unchanged.audience):
        yield from rules.check_audience(draft.audience)
    if draft.scheduled_at is not None and (
        unchanged is None or draft.scheduled_at != unchanged.scheduled_at
    ):
        grace = current_app.config["SCHEDULE_GRACE_SECONDS"]
        yield from rules.check_schedule(draft.scheduled_at, now, grace)


def _with_template(
    account_id: int, draft: CampaignDraft, unchanged: CampaignDraft | None
) -> tuple[CampaignDraft, Sequence[FieldError]]:
    """The draft, and what is wrong with its message; where templates leave from its inbox, with the
    template as it is to be saved and, unless it has words of its own, what that says."""
    inbox = find_inbox(account_id, draft.inbox_id)
    same = unchanged is not None and (draft.inbox_id, draft.template_params) == (
        unchanged.inbox_id,
        unchanged.template_params,
    )
    if inbox is None or same or not sends_templates(inbox):
        return draft, list(rules.check_message_text(draft.message))
    choice = choose_template(inbox, draft.template_params)
    faults = [*choice.faults, *choice.value_faults]
    is_own = bool(draft.message.strip()) and (not unchanged or draft.message != unchanged.message)
    draft = replace(
        draft, template_params=choice.params, message=draft.message if is_own else choice.message
    )
    if is_own or not faults:
        faults += rules.check_message_text(draft.message)
    return draft, faults


def _as_new(submission: doubles.Submission) -> dict[str, Any]:
    """What a campaign begins with that nobody chooses."""
    return {
        "campaign_type": CampaignType.ONE_OFF.value,
        "campaign_status": CampaignStatus.ACTIVE.value,
        "idempotency_key": submission.key,
        "idempotency_fingerprint": submission.fingerprint,
    }


def _columns(draft: CampaignDraft) -> dict[str, Any]:
    return {entry.name: getattr(draft, entry.name) for entry in fields(draft)}


def unsaved_campaign(account: Account, draft: CampaignDraft) -> Campaign:
    """The campaign that a checked draft would make, to look at; it is not saved."""
    return Campaign(
        account_id=account.id,
        account=account,
        inbox=find_inbox(account.id, draft.inbox_id),
        sender=db.session.get(User, draft.sender_id) if draft.sender_id else None,
        **_columns(draft),
    )


def _next_display_id(account_id: int) -> int:
    return db.session.scalars(
        update(Account)
        .where(Account.id == account_id)
        .values(last_campaign_display_id=Account.last_campaign_display_id + 1)
        .returning(Account.last_campaign_display_id)
        .execution_options(synchronize_session=False)
    ).one()


def lock_campaign(account_id: int, display_id: int) -> Campaign:
    """The campaign, which cannot start until this transaction ends. Raises `NotFound`."""
    statement = _by_display_id(account_id, display_id).with_for_update()
    campaign = db.session.scalar(statement.execution_options(populate_existing=True))
    if campaign is None:
        raise NotFound(f"no campaign {display_id}")
    return campaign


def _by_display_id(account_id: int, display_id: int) -> Select[Campaign]:
    return select(Campaign).where(
        Campaign.account_id == account_id, Campaign.display_id == display_id
    )


def ring_at_its_time(campaign: Campaign, now: datetime) -> None:
    """Have the campaign executed at its time; the sweep does so if the queue forgets."""
    if campaign.scheduled_at is None or not campaign.enabled:
        return
    if campaign.scheduled_at <= now:
        enqueue(CAMPAIGNS, execute_campaign, campaign.id)
    else:
        enqueue_at(CAMPAIGNS, campaign.scheduled_at, execute_campaign, campaign.id)
