"""The words with which a person says that they want no more messages, or want them again.

A message is one of them only as a whole: «stop» is, «don't stop» is not. Blanks, punctuation
around it, capitals and accents make no difference. The English words are those of 47 CFR
64.1200(a)(10) and of the North American carriers; they count everywhere, because people copy what
a message told them to write.
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
    return _WISHES.get(_folded(text)) if len(text) <= LONGEST_WORD else None


def _folded(text: str) -> str:
    """`text` without accents, capitals, and what stands around its words."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    words = plain.split()
    return " ".join(words).strip(" .,;:!?¡¿\"'`*_«»“”‘’()[]")


_WISHES = {_folded(word): Wish.START for word in _START_WORDS} | {
    _folded(word): Wish.STOP for word in _STOP_WORDS
}
