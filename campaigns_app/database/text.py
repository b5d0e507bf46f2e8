"""What can be stored as text."""


def is_storable(value: str) -> bool:
    """Whether every database takes it: no NUL, and no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


def made_storable(value: str, longest: int | None = None) -> str:
    """`value` without what `is_storable` refuses, and not longer than `longest` characters."""
    return value.replace("\x00", "").encode(errors="replace").decode()[:longest]
