"""Which words has a manifest? Five (house 3.4), and what they are put together to: a plan for one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from bus.change import Row
from bus.errors import Reject
from bus.event import Event
from bus.language.rules import Rule

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# The head of a decoded record (contract.decoder), before the values of the paths.
ID, KEY, VERSION, RECORDED, MODE, KIND, REASON, EFFECTIVE, SUPERSEDES, CHANGE_SET, PROTECTED, VALUES = range(12)


@dataclass(frozen=True, slots=True)
class Field:
    """A granted field: address.town_code, birth.text."""

    path: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A field of the event itself: event.effective."""

    name: str


@dataclass(frozen=True, slots=True)
class Decide:
    """A function in rules.py: entry_year()."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Value:
    """A constant: {value: juki}."""

    value: Any


@dataclass(frozen=True, slots=True)
class Code:
    """A field translated by a code list: {code: sex, in: sex}."""

    path: str
    list_name: str
    meanings: Mapping[str, str]

    def translate(self, value: Any) -> Any:
        if not value:
            return None
        try:
            return self.meanings[value if value in self.meanings else value.lstrip("0")]  # cells come as 2 and as 02
        except KeyError:
            raise Reject(f"{self.path} holds a code that is not in the list {self.list_name}", code="CODE") from None


Word = Field | Envelope | Decide | Value | Code

# name -> (column type, of the event, of the flat record)
ENVELOPE: Final[Mapping[str, tuple[str, Callable[[Event], Any], Callable[[Row], Any]]]] = {
    "id": ("text", lambda e: e.id, itemgetter(ID)),
    "kind": ("text", lambda e: e.kind, itemgetter(KIND)),
    "reason": ("text", lambda e: e.reason, itemgetter(REASON)),
    "key": ("text", lambda e: e.key, itemgetter(KEY)),
    "version": ("int", lambda e: e.version, itemgetter(VERSION)),
    "recorded": ("timestamp", lambda e: e.recorded, lambda row: EPOCH + timedelta(microseconds=row[RECORDED])),
    "effective": ("text", lambda e: e.effective.text, lambda row: row[EFFECTIVE].text),
    "effective.earliest": ("date", lambda e: e.effective.earliest, lambda row: row[EFFECTIVE].earliest),
    "effective.latest": ("date", lambda e: e.effective.latest, lambda row: row[EFFECTIVE].latest),
    "supersedes": ("text", lambda e: e.supersedes, itemgetter(SUPERSEDES)),
    "change_set": (
        "text",
        lambda e: e.change_set and e.change_set.id,
        lambda row: row[CHANGE_SET] and row[CHANGE_SET][0],
    ),
    "protected": ("bool", lambda e: e.protected, itemgetter(PROTECTED)),
}
DIRECT: Final = {
    "id": ID,
    "kind": KIND,
    "reason": REASON,
    "key": KEY,
    "version": VERSION,
    "supersedes": SUPERSEDES,
    "protected": PROTECTED,
}
KEPT_ENVELOPE: Final = (
    "key",
    "protected",
)  # a kept row is a function of the image, the day and the law: it names no event


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done in one table: its words, in the order of its columns after the automatic ones."""

    table: str
    kept: bool
    words: tuple[Word, ...] = ()
    only_if: Rule | None = None
    rows: Rule | None = None  # kept: several rows for one person
    reasons: frozenset[str] = frozenset()  # appended: from
