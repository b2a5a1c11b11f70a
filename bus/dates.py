"""When was it? Legal dates may be uncertain: the text is the fact, earliest and latest bound the day (domain R4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeVar

from bus.errors import Undecided

T = TypeVar("T")

JAPAN = timezone(timedelta(hours=9), "JST")


def day(instant: datetime) -> date:
    """The calendar day an instant falls on in Japan: what `on` means to a rule (the day the register spoke)."""
    return instant.astimezone(JAPAN).date()


class Uncertain(NamedTuple):
    """A legal date as it was written, with the earliest and latest day it can mean; None where nothing bounds it."""

    text: str
    earliest: date | None = None
    latest: date | None = None

    @classmethod
    def on(cls, day: date) -> Uncertain:
        return cls(day.isoformat(), day, day)

    @classmethod
    def parse(cls, text: str) -> Uncertain:
        """An ISO day is certain; any other text is kept as it is, without bounds."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return cls(text)
        return cls(text, day, day)

    @classmethod
    def from_json(cls, value: Any) -> Uncertain:
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, date):
            return cls.on(value)
        ends = (value.get("earliest"), value.get("latest"))
        return cls(value["text"], *(date.fromisoformat(end) if isinstance(end, str) else end for end in ends))

    def as_json(self) -> dict[str, str | None]:
        return {
            "text": self.text,
            "earliest": self.earliest.isoformat() if self.earliest else None,
            "latest": self.latest.isoformat() if self.latest else None,
        }

    @property
    def is_certain(self) -> bool:
        return self.earliest is not None and self.earliest == self.latest


def attains(born: date, age: int) -> date:
    """The day an age is attained: the day before the birthday (年齢計算ニ関スル法律); of 29 February, 28 February."""
    if (born.month, born.day) == (2, 29):
        return date(born.year + age, 2, 28)
    return date(born.year + age, born.month, born.day) - timedelta(days=1)


def certain(when: Uncertain | None, answer: Callable[[date], T]) -> T:
    """The answer, if the earliest and the latest possible day agree on it; else Undecided.

    Use it with answers that never turn back (a year, an age), not with a band.
    """
    if when is None or when.earliest is None or when.latest is None:
        raise Undecided("the date is not known closely enough to decide", code="DATE_UNKNOWN")
    first, last = answer(when.earliest), answer(when.latest)
    if first != last:
        raise Undecided(f"the date leaves open {first} to {last}", code="DATE_STRADDLES")
    return first
