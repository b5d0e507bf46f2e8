"""All promises, in the order in which they are shown."""

from collections.abc import Sequence

from campaigns_app.campaigns.checking import of_conversations, of_ledger
from campaigns_app.campaigns.checking.promise import Promise, Thing

UNTOLD = "The tables do not say which of the two is right; look at these by hand."

PROMISES: Sequence[Promise] = (
    Promise(
        "The states of a batch sum to its total",
        Thing.BATCH,
        of_ledger.counters_sum_to_total,
        is_cheap=True,
    ),
    Promise(
        "A batch's counters are what the ledger says",
        Thing.BATCH,
        of_ledger.counters_match_the_ledger,
    ),
    Promise(
        "Every recipient is in one batch",
        Thing.CAMPAIGN,
        of_ledger.every_recipient_is_in_one_batch,
        "Who is in no batch has not been written to; whether they still should be is not ours "
        "to decide.",
    ),
    Promise(
        "Nobody who is pending has a conversation",
        Thing.CONTACT,
        of_conversations.nobody_pending_has_a_conversation,
    ),
    Promise(
        "Everybody sent to has a conversation",
        Thing.CONTACT,
        of_conversations.everybody_sent_to_has_a_conversation,
        "Whether there was a conversation that somebody deleted cannot be told; writing again "
        "could be a second message.",
    ),
    Promise(
        "Every conversation is of somebody sent to",
        Thing.CONVERSATION,
        of_conversations.every_conversation_is_of_somebody_sent_to,
        UNTOLD,
    ),
    Promise(
        "Conversations are as many as recipients sent to",
        Thing.CAMPAIGN,
        of_conversations.conversations_are_as_many_as_sent,
        UNTOLD,
    ),
    Promise(
        "Each conversation has one first message",
        Thing.CONVERSATION,
        of_conversations.each_conversation_has_one_first_message,
        "What the message said cannot be known afterwards, nor which of several was read.",
    ),
    Promise(
        "No contact inbox was made without its conversation",
        Thing.CONTACT_INBOX,
        of_conversations.no_contact_inbox_is_orphaned,
        "An integration may have taken note of its source id; the contact's next campaign uses it.",
    ),
    Promise(
        "Nobody is left in a finished batch",
        Thing.BATCH,
        of_ledger.finished_batches_are_done,
        "Who is still pending after the recount has not been written to; run the campaign again "
        "for them if they should be.",
        is_cheap=True,
    ),
    Promise(
        "A finished campaign has no open batch",
        Thing.BATCH,
        of_ledger.finished_campaigns_are_done,
        "Workers take the open batches up as always; nothing is lost.",
        is_cheap=True,
    ),
    Promise(
        "A campaign whose batches are finished is finished",
        Thing.CAMPAIGN,
        of_ledger.campaigns_that_are_done_are_finished,
        is_cheap=True,
    ),
    Promise(
        "Nobody is being sent to without a live lease",
        Thing.CONTACT,
        of_ledger.nobody_is_sent_to_without_a_lease,
        "The sweep turns these into unknown. Is one running?",
    ),
)
