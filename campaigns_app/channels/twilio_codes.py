"""What Twilio's error codes mean (https://www.twilio.com/docs/api/errors)."""

from collections.abc import Mapping

from campaigns_app.channels.verdicts import Verdict, pause, permanent, retry, suppress, unknown

ANSWERS: Mapping[str, Verdict] = {
    "20003": pause("the credentials are wrong, or lack the permission"),
    "20404": pause("no such account or resource: is the account SID right?"),
    "20429": retry("too many requests at once", 0.1, most=30, slows_down=True),
    "21211": permanent("not a phone number"),
    "21212": pause("the sender is not a phone number"),
    "21408": permanent("messages to this country are not enabled in the account"),
    "21602": permanent("the message has no text"),
    "21619": permanent("the message has no text"),
    "21606": pause("the sender is not the account's, or cannot send messages"),
    "21608": permanent("a trial account reaches verified numbers only"),
    "21610": suppress("the person has replied STOP to this sender"),
    "21611": retry("the sender's queue is full", 900, growth=1, slows_down=True),
    "21612": permanent("no route from this sender to the number"),
    "21614": permanent("not a mobile number"),
    "21635": permanent("a landline"),
    "21617": permanent("the text is too long"),
    "21658": permanent("a parameter is too long"),
    "14107": retry("too many replies between two numbers", 30, growth=1),
}
"""Codes with which a request is refused: nothing was sent."""

RECEIPTS: Mapping[str, Verdict] = {
    "30001": retry("the sender's queue was full", 900, growth=1),
    "30003": retry("the handset cannot be reached", 3600, growth=1),
    "30004": permanent("blocked by the person or the carrier"),
    "30005": permanent("the number is unknown or not in use"),
    "30006": permanent("a landline, or a carrier that cannot be reached"),
    "30007": pause("taken for spam by the carrier: more of the same makes it worse"),
    "30008": unknown("not delivered, for a reason the carrier does not tell"),
    "30034": pause("the sender is not registered for A2P 10DLC"),
}
"""Codes that come later, in a callback."""

VERDICTS: Mapping[str, Verdict] = {**ANSWERS, **RECEIPTS}
"""Both."""
