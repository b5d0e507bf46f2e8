"""Whom a campaign is for, before anybody is left out: one condition for ledger, funnel and page."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, literal, select

from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.states import Follows, RecipientState
from campaigns_app.contacts.models import Contact, ContactLabel, Label


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a campaign is for: those who carry one of the labels; of a follow-up, those of the
    campaign `follows_id` that `follows` says. `campaign_id` is the campaign's own, if it has one
    already: its own ledger says nothing about whom it is for."""

    account_id: int
    label_ids: tuple[int, ...]
    follows_id: int | None = None
    follows: str | None = None
    campaign_id: int | None = None

    @classmethod
    def of(cls, campaign: Campaign) -> "Selection":
        """Whom `campaign` is for."""
        return cls(
            account_id=campaign.account_id,
            label_ids=tuple(campaign.label_ids),
            follows_id=campaign.follows_id,
            follows=campaign.follows,
            campaign_id=campaign.id,
        )


def matched_contacts(selection: Selection) -> ColumnElement[bool]:
    """That a contact is one of those whom a campaign is for."""
    if selection.follows is None:
        return _is_labelled(selection)
    if selection.follows == Follows.NEW:
        return _is_labelled(selection) & _is_new(selection)
    return (Contact.account_id == selection.account_id) & _is_left_over(selection)


def _is_labelled(selection: Selection) -> ColumnElement[bool]:
    """Carries one of the labels. That a contact is of the same account as its labels, the database
    sees to; asked of the contact, SQLite would find each by way of a second index."""
    labels = select(Label.id).where(
        Label.account_id == selection.account_id, Label.id.in_(selection.label_ids)
    )
    return Contact.id.in_(select(ContactLabel.contact_id).where(ContactLabel.label_id.in_(labels)))


def _is_new(selection: Selection) -> ColumnElement[bool]:
    """In no ledger of the campaign that is followed, or of its follow-ups.

    Once that campaign is deleted nobody can say who is new, and then nobody is.
    """
    first = select(Campaign.id).where(Campaign.id == selection.follows_id)
    family = first.union_all(_follow_ups(selection))
    return first.exists() & ~_is_recipient(CampaignRecipient.campaign_id.in_(family))


def _is_left_over(selection: Selection) -> ColumnElement[bool]:
    """In that state in the ledger of the campaign that is followed, and not taken care of yet by
    another follow-up for that state; who was cancelled there is still left."""
    # As a literal, for the database to know that its index of rare states will do.
    state = literal(selection.follows, literal_execute=True)
    left = select(CampaignRecipient.contact_id).where(
        CampaignRecipient.campaign_id == selection.follows_id, CampaignRecipient.state == state
    )
    same = _follow_ups(selection).where(Campaign.follows == selection.follows)
    taken = _is_recipient(
        CampaignRecipient.campaign_id.in_(same),
        CampaignRecipient.state != RecipientState.CANCELLED.value,
    )
    return Contact.id.in_(left) & ~taken


def _follow_ups(selection: Selection) -> Select[int]:
    return select(Campaign.id).where(
        Campaign.follows_id == selection.follows_id,
        Campaign.id.is_distinct_from(selection.campaign_id),
    )


def _is_recipient(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(CampaignRecipient.contact_id == Contact.id, *conditions)
