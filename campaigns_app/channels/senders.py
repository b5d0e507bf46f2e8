"""What an SMS may come from: a number, a short code, or a name of at most eleven characters."""

import re

_SENDER = re.compile(
    r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=[0-9 &+_-]*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}", re.ASCII
)


def is_sender(text: str) -> bool:
    """Whether a provider could send from that; whether it may, only the provider knows."""
    return _SENDER.fullmatch(text) is not None
