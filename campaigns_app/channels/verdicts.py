"""How a message can fare that a provider did not take, and what a provider's code says of it.

Outcome
├── Permanent      this message will not go to this person; others may
├── Suppress       this address must not be written to any more
├── Retry          nothing was sent; it may be tried again after a time
├── AccountPause   nothing was sent, and nobody else can be reached either: somebody must act
├── CampaignPause  nothing was sent, and nobody else gets this message either: somebody must act
└── Unknown        it may have been sent, or not

An adapter's table maps the provider's codes to verdicts. It is data, to be compared line by line
with the provider's documentation.
"""

from dataclasses import dataclass

from campaigns_app.database.text import made_storable

LONGEST_TEXT = 500
LONGEST_CODE = 40
LONGEST_ID = 255
"""Of what a provider says so much is stored: a longer id is no id."""

MOST_WAIT_SECONDS = 3600.0
MOST_GROWTH = 30
"""After so many attempts the wait grows no more."""


class Outcome(Exception):
    """A message that was not accepted. `code` is the provider's own, `text` is for people; neither
    holds a secret or a number of the person's. Both are cut to what can be stored: they may be
    anything that came in an answer."""

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.text = made_storable(text, LONGEST_TEXT)
        self.code = made_storable(code, LONGEST_CODE) if code is not None else None

    @property
    def told(self) -> str:
        """The text, with the code where there is one."""
        return f"{self.text} ({self.code})" if self.code else self.text


class Permanent(Outcome):
    """This message will not go to this person, however often one tries."""


class Suppress(Outcome):
    """The person, or the provider for them, said no: the address is not written to any more."""


class Retry(Outcome):
    """Nothing was sent. `after` is the seconds to wait at least, an hour at most; `slows_down` says
    that it was the inbox that was too fast, not this one message that was unlucky."""

    def __init__(
        self, text: str, code: str | None = None, *, after: float, slows_down: bool = False
    ) -> None:
        super().__init__(text, code)
        self.after = after if 0 <= after <= MOST_WAIT_SECONDS else MOST_WAIT_SECONDS
        self.slows_down = slows_down


class AccountPause(Outcome):
    """Nothing was sent, and nothing will be until somebody acts: credentials, balance, an account
    that was locked."""


class CampaignPause(Outcome):
    """Nothing was sent, and nobody will get this campaign's message until somebody acts: a template
    that was withdrawn or changed. Other campaigns of the inbox go on."""


class Unknown(Outcome):
    """It may have been sent, or not, and nobody can say now."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a code means. For `Retry`: the seconds `after` which it may be tried again, `growth`
    times as long after each attempt, `most` of all, and whether it was the inbox that was too
    fast."""

    kind: type[Outcome]
    meaning: str
    after: float = 0
    growth: float = 1
    most: float = MOST_WAIT_SECONDS
    slows_down: bool = False

    def outcome(
        self, code: str | None, *, attempts: int = 0, retry_after: float | None = None
    ) -> Outcome:
        """The outcome to raise after so many earlier attempts; `retry_after` is what the provider
        asked for, and wins."""
        if self.kind is not Retry:
            return self.kind(self.meaning, code)
        wait = min(self.after * self.growth ** min(attempts, MOST_GROWTH), self.most)
        return Retry(
            self.meaning,
            code,
            after=wait if retry_after is None else retry_after,
            slows_down=self.slows_down,
        )


def permanent(meaning: str) -> Verdict:
    """This message will not go to this person."""
    return Verdict(Permanent, meaning)


def suppress(meaning: str) -> Verdict:
    """The address is not written to any more."""
    return Verdict(Suppress, meaning)


def retry(
    meaning: str,
    after: float,
    *,
    growth: float = 2,
    most: float = MOST_WAIT_SECONDS,
    slows_down: bool = False,
) -> Verdict:
    """It may be tried again after so many seconds."""
    return Verdict(Retry, meaning, after, growth, most, slows_down)


def pause(meaning: str) -> Verdict:
    """Nobody can be reached until somebody acts."""
    return Verdict(AccountPause, meaning)


def pause_campaign(meaning: str) -> Verdict:
    """Nobody gets what the campaign says until somebody acts."""
    return Verdict(CampaignPause, meaning)


def unknown(meaning: str) -> Verdict:
    """It may have been sent."""
    return Verdict(Unknown, meaning)
