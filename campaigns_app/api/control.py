"""What a program can have done with a campaign: pause, resume, cancel, settle, run again."""

from flask import Response

from campaigns_app.api.auth import api_account, api_member
from campaigns_app.api.body import read_json
from campaigns_app.api.campaigns import BY_ID, campaigns, shown
from campaigns_app.api.idempotency import read_submission
from campaigns_app.api.schemas import read_changes, read_follows, read_settled
from campaigns_app.campaigns import control
from campaigns_app.campaigns.follow_up import run_again
from campaigns_app.campaigns.service import get_campaign
from campaigns_app.campaigns.settling import settle_unknown
from campaigns_app.database.types import utcnow


@campaigns.post(f"{BY_ID}/pause")
def pause(display_id: int) -> Response:
    """Begin with no new recipient until the campaign is resumed."""
    return shown(control.pause_campaign(api_account(), display_id, actor=api_member().user))


@campaigns.post(f"{BY_ID}/resume")
def resume(display_id: int) -> Response:
    """Go on with a paused campaign; one whose time has come starts at once."""
    campaign = control.resume_campaign(
        api_account(), display_id, actor=api_member().user, now=utcnow()
    )
    return shown(campaign)


@campaigns.post(f"{BY_ID}/cancel")
def cancel(display_id: int) -> Response:
    """Begin with no new recipient ever again."""
    campaign = control.cancel_campaign(
        api_account(), display_id, actor=api_member().user, now=utcnow()
    )
    return shown(campaign)


@campaigns.post(f"{BY_ID}/recipients/<int:contact_id>/settle")
def settle(display_id: int, contact_id: int) -> Response:
    """Say what became of the message to an unknown recipient: `state` is `sent` or `failed`.

    Sends nothing. Whose message is known by now is refused.
    """
    state = read_settled(read_json())
    account, actor = api_account(), api_member().user
    settle_unknown(account, display_id, contact_id, state, actor=actor)
    return shown(get_campaign(account.id, display_id))


@campaigns.post(f"{BY_ID}/run_again")
def follow_up(display_id: int) -> Response:
    """Make a follow-up of a campaign that is over, `for` those who failed, are unknown, were
    skipped, or are new; with a title, message and time of its own where they are sent."""
    params = read_json()
    campaign = run_again(
        api_account(),
        display_id,
        read_follows(params),
        read_changes(params),
        actor=api_member().user,
        now=utcnow(),
        submission=read_submission(params),
    )
    return shown(campaign)
