"""A message that is one of the words, and nothing else, is a wish."""

import pytest

from campaigns_app.contacts.opt_out import Wish, read_wish


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop\n", "STOP.", "“Stop!”", "ＳＴＯＰ", "stop  all", "STOPALL"),
        *("\u200bSTOP\u200b", "\ufeffStop", "Stop\u200e.", "\u2060\u200c\u200d\u200fSTOP\u2060!"),
        *("-STOP-", "'stop'", '"stop"', "停止。", "停止！", "توقف؟", "— stop —", "\xa0stop\u3000"),
        *("STOP" + " " * 50, "\n" * 50 + "Stop" + "!" * 50, " " * 3000 + "stop"),
        *("quit", "End", "REVOKE", "Opt out", "OPT-OUT", "optout", "cancel", "Unsubscribe", "TD"),
        *("ARRET", "Arrêt", "ARRE\u0302T", "parar", "SAIR", "Alto", "¡BAJA!", "Cancelar"),
        *("STOPP", "Abmelden", "СТОП", "退订", "수신거부"),
    ],
)
def test_a_word_in_any_spelling_stops(text: str) -> None:
    assert read_wish(text) is Wish.STOP


@pytest.mark.parametrize("text", ["START", "unstop", " Start! "])
def test_start_starts_again(text: str) -> None:
    assert read_wish(text) is Wish.START


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "don't stop", "stop it", "stopping", "non stop", "st op", "Yes", "HELP"),
        *("the end", "cancel my order", "stop start", "s" * 100_000, "STOP " * 1000, "🛑"),
        *("stop - or go", "please stop.", "s.t.o.p", "\u200b", "!" * 50),
    ],
)
def test_anything_else_is_no_wish(text: str) -> None:
    assert read_wish(text) is None
