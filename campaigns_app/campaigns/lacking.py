"""How many of those to whom a campaign would write lack something, and who: of all of them, however
many they are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, or_, select

from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.findings import LISTED
from campaigns_app.channels.base import Channel
from campaigns_app.contacts.models import Contact
from campaigns_app.extensions import db


@dataclass(frozen=True, slots=True)
class Lacking:
    """How many lack each thing, by its name, those that somebody lacks; how many lack any; and the
    first (id, name) of these."""

    counts: Mapping[str, int]
    count: int
    contacts: tuple[tuple[int, str], ...] = ()

    @property
    def text(self) -> str:
        """What is lacking, and how often."""
        return ", ".join(f"{name} ({count})" for name, count in self.counts.items())


@dataclass(frozen=True, slots=True)
class Everybody:
    """All who would be written to, `count` of them: who match, and are left out for no reason."""

    matched: ColumnElement[bool]
    channel: Channel
    count: int

    def find_lacking(self, things: Mapping[str, ColumnElement[bool]]) -> Lacking:
        """Who lacks one of `things`: for each, by its name, the condition that a contact does.

        One query, and a second where they are more than are listed: the first few are found soon
        then, and where they are all, nobody else need be counted.
        """
        if not things:
            return Lacking({}, 0)
        flags = [
            case((condition, 1), else_=0).label(f"lacks_{place}")
            for place, condition in enumerate(things.values())
        ]
        screened = screened_contacts(
            self.matched, self.channel, Contact.name.expression, *flags
        ).subquery()
        lacks = [screened.c[flag.name] for flag in flags]
        is_lacking = screened.c.reason.is_(None) & or_(*(flag == 1 for flag in lacks))
        first = select(screened.c.id, screened.c.name, *lacks).where(is_lacking)
        rows = db.session.execute(first.order_by(screened.c.id).limit(LISTED)).all()
        count = len(rows)
        numbers = [sum(row[place] for row in rows) for place in range(2, 2 + len(flags))]
        if count == LISTED:
            sums = select(func.count(), *map(func.sum, lacks)).where(is_lacking)
            count, *numbers = map(int, db.session.execute(sums).one())
        counts = {name: number for name, number in zip(things, numbers, strict=True) if number}
        return Lacking(counts, count, tuple((row[0], row[1]) for row in rows))
