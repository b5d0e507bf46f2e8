"""What Bandwidth's errors mean (https://dev.bandwidth.com/docs/messaging/errors)."""

from collections.abc import Mapping

from campaigns_app.channels.verdicts import Verdict, pause, permanent, retry, suppress, unknown

ANSWERS: Mapping[str, Verdict] = {
    "unauthorized": pause("the credentials are wrong, or not those of the account"),
    "forbidden": pause("the credentials may not send messages"),
    "unsupported-content-type": pause("the request was not understood"),
    "max-message-queue-size-exceeded": retry("the account's queue is full", 15, slows_down=True),
}
"""Types of refused requests. That of `request-validation` depends on the field it names."""

_CARRIER_TROUBLE = retry("the carrier has trouble", 900)
_SERVICE_TROUBLE = retry("Bandwidth has trouble", 60)
_TOO_MANY = retry("too many messages for the carrier", 3600, growth=1, slows_down=True)
_SPAM = pause("taken for spam: more of the same makes it worse")

RECEIPTS: Mapping[str, Verdict] = {
    "4001": pause("the service is not allowed in the account"),
    "4301": permanent("characters that cannot be sent"),
    "4302": permanent("the sender is no number that can be routed"),
    "4303": permanent("no number that can be routed"),
    "4350": permanent("malformed for this destination"),
    "4360": permanent("expired before it was sent"),
    # Of 4401 to 4409 those about the sender stop everybody; 4401, 4404, 4406 and 4408 come of the
    # number, which is set up wrongly or belongs to nobody.
    "4401": permanent("no route, or sender and recipient are the same"),
    "4403": pause("the sender is not the account's, or not enabled for messages"),
    "4404": permanent("messages to this number are forbidden"),
    "4405": pause("the sender is not in use"),
    "4406": permanent("the number is not in use"),
    "4407": pause("the sender is not of this account"),
    "4408": permanent("the number cannot receive messages"),
    "4409": pause("the sender's profile is invalid"),
    "4431": pause("the account may not use short codes"),
    "4432": permanent("messages to this country are not enabled"),
    "4433": pause("the account may not use toll-free numbers"),
    "4434": permanent("messages to this toll-free number are not allowed"),
    "4451": pause("the user id is wrong"),
    "4452": pause("the application id is wrong"),
    "4470": _SPAM,
    "4481": pause("the sender is blocked"),
    "4482": suppress("the number is blocked from receiving messages"),
    "4492": permanent("an emergency number"),
    "4493": pause("the sender is not authorised"),
    "4700": permanent("the carrier or handset takes no messages"),
    "4701": permanent("the number cannot be reached"),
    "4702": retry("the person is not available", 3600, growth=1),
    "4711": permanent("the media is too large"),
    "4712": permanent("the media is of a kind that cannot be sent"),
    "4720": permanent("not a number that can be messaged"),
    "4721": permanent("the number is no longer in use"),
    "4730": permanent("the carrier has no route"),
    "4740": permanent("the carrier does not know the sender"),
    "4750": permanent("refused by the carrier"),
    "4751": permanent("too long for the carrier"),
    "4752": permanent("malformed for the carrier"),
    "4770": _SPAM,
    "4771": pause("the carrier refuses shortened links"),
    "4772": permanent("sender or recipient is blocked"),
    "4773": pause("the sender's 10DLC campaign is not active"),
    "4774": pause("the sender is not registered as it should be"),
    "4775": suppress("the person has opted out"),
    "4780": _TOO_MANY,
    "4781": _TOO_MANY,
    "4785": _TOO_MANY,
    "4790": permanent("the number takes no messages from short codes"),
    "4791": permanent("the carrier does not allow the short code's campaign"),
    "4792": permanent("the carrier does not know the short code"),
    "4793": permanent("the short code has expired with the carrier"),
    "4795": pause("the toll-free sender is not verified"),
    **dict.fromkeys(
        ("5100", "5101", "5106", "5111", "5201", "5211", "5220"),
        _SERVICE_TROUBLE,
    ),
    **dict.fromkeys(("5500", "5501", "5600", "5610", "5620", "5630", "5650"), _CARRIER_TROUBLE),
    "5231": permanent("parts of the message were missing"),
    "5999": unknown("failed for an unknown reason"),
    "9902": unknown("the carrier sent no receipt"),
    "9999": unknown("the carrier's reason is unknown"),
}
"""Codes that come later, in a callback."""

VERDICTS: Mapping[str, Verdict] = {**ANSWERS, **RECEIPTS}
"""Both."""
