"""What the codes of the WhatsApp Cloud API mean
(https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).

Meta asks to go by the code: neither HTTP status nor title is stable.
"""

from collections.abc import Mapping

from campaigns_app.channels.verdicts import (
    Verdict,
    pause,
    pause_campaign,
    permanent,
    retry,
    suppress,
)

_TOKEN = pause("the access token is wrong or has expired")
_PERMISSION = pause("the access token lacks a permission")
_TOO_FAST = retry("too many messages at once", 2, growth=4, slows_down=True)
_TEMPLATE = "the template "
_TROUBLE = retry("WhatsApp has trouble", 5, growth=4)

VERDICTS: Mapping[str, Verdict] = {
    "0": _TOKEN,
    "190": _TOKEN,
    "3": _PERMISSION,
    "10": _PERMISSION,
    **{str(code): _PERMISSION for code in range(200, 300)},
    "368": pause("blocked for a violation of policy"),
    "131031": pause("the account is locked"),
    "130497": pause("the account may not message this country"),
    "4": _TOO_FAST,
    "80007": _TOO_FAST,
    "130429": _TOO_FAST,
    "131056": retry("too many messages to this person", 1, growth=4),
    "131048": pause("limited because messages were reported as spam"),
    "131049": permanent("held back by WhatsApp: the person has had many such messages"),
    "131050": suppress("the person has stopped marketing messages"),
    "130472": permanent("the person is in an experiment of Meta's"),
    "131026": permanent("not on WhatsApp, or cannot receive the message"),
    "131047": permanent("more than 24 hours since the person wrote: a template is needed"),
    "131051": permanent("a kind of message that is not supported"),
    "131008": permanent("a parameter is missing"),
    "131009": permanent("a parameter has a wrong value"),
    "100": permanent("a parameter is wrong"),
    "33": permanent("a parameter is wrong"),
    "131021": permanent("sender and recipient are the same"),
    "132000": pause_campaign(_TEMPLATE + "wants another number of parameters"),
    "132001": pause_campaign(_TEMPLATE + "does not exist in this language"),
    "132005": pause_campaign(_TEMPLATE + "becomes too long"),
    "132007": pause_campaign(_TEMPLATE + "violates a policy"),
    "132012": pause_campaign(_TEMPLATE + "wants parameters of another format"),
    "132015": pause_campaign(_TEMPLATE + "was paused for its quality"),
    "132016": pause_campaign(_TEMPLATE + "was disabled for its quality"),
    "131042": pause("something is wrong with the payment method"),
    "131053": permanent("the media cannot be used"),
    "131052": permanent("the media cannot be fetched"),
    "1": _TROUBLE,
    "2": _TROUBLE,
    "131000": _TROUBLE,
    "131016": _TROUBLE,
    "131057": retry("the account is being upgraded or maintained", 60, slows_down=True),
    "133004": _TROUBLE,
}
"""Codes of answers and of callbacks alike."""

TRANSIENT = retry("refused for now", 5, growth=4)
"""Any other code with `is_transient`."""
