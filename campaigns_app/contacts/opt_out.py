"""The words with which a person says that they want no more messages, or want them again.

A message is one of them only as a whole: «stop» is, «don't stop» is not. Blanks, punctuation
and what has no width around it, capitals and accents make no difference. The English words are
those of 47 CFR 64.1200(a)(10) and of the North American carriers; they count everywhere, because
people copy what a message told them to write.
"""

import unicodedata
from enum import StrEnum

LONGEST_WORD = 40
"""Characters; whoever writes more says something else."""


class Wish(StrEnum):
    """What a person wants."""

    STOP = "stop"
    START = "start"


_STOP_WORDS = (
    # English
    *("stop", "stop all", "stopall", "quit", "end", "revoke", "opt out", "optout", "opt-out"),
    *("cancel", "unsubscribe", "remove", "td"),
    *("arret", "arreter", "desabonner", "desinscription"),  # French
    *("parar", "sair", "cancelar", "remover", "descadastrar"),  # Portuguese
    *("alto", "baja", "cancelar", "parar", "darme de baja"),  # Spanish
    *("stopp", "abmelden", "abbestellen", "austragen"),  # German
    *("ferma", "basta", "annulla", "cancellami", "disiscrivimi"),  # Italian
    *("afmelden", "uitschrijven"),  # Dutch
    *("стоп", "отписаться", "отписка"),  # Russian
    *("توقف", "停止", "退订", "配信停止", "수신거부"),  # Arabic, Chinese, Japanese, Korean
)
_START_WORDS = ("start", "unstop", "reprendre", "iniciar", "anmelden", "старт")


def read_wish(text: str) -> Wish | None:
    """What the message `text` asks for; None where it is none of the words."""
    word = _trimmed(text)
    return _WISHES.get(_folded(word)) if len(word) <= LONGEST_WORD else None


def _trimmed(text: str) -> str:
    """`text` without what stands around its words."""
    start, end = 0, len(text)
    while start < end and _is_around(text[start]):
        start += 1
    while start < end and _is_around(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_around(sign: str) -> bool:
    """Whether it is a blank, punctuation, an accent by itself, or nothing that can be seen."""
    return unicodedata.category(sign).startswith(("Z", "P", "Sk", "C"))


def _folded(text: str) -> str:
    """`text` without accents and capitals, and with single blanks."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return " ".join(plain.split())


_WISHES = {_folded(word): Wish.START for word in _START_WORDS} | {
    _folded(word): Wish.STOP for word in _STOP_WORDS
}
