"""What is to be said, and what is known of the same fact so far?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from bus.dates import Uncertain
from bus.errors import Reject
from bus.fact.shape import ACTIVE, FactShape, Flat
from bus.resident.image import text, uncertain

_PLAIN_KEY: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{1,64}")  # what every store takes for a key, without a colon


@dataclass(frozen=True, slots=True)
class Say:
    """One thing a department says. `image` has dotted paths and their values; `active` follows from the reason."""

    entity: str  # <system>.<name>
    key: str  # <system>/…
    reason: str  # of schemas/codes/fact_reason.yaml
    image: Mapping[str, Any] = field(default_factory=dict)
    effective: Uncertain | str | None = None  # may be left out where an event is named: then it is that event's
    supersedes: str | None = None  # id of the event of this fact that is corrected or annulled
    cause: str | None = None  # id of the event that led to this: kept in the history, never published

    def values(self, shape: FactShape) -> Flat:
        """The image, checked against the schema. Raises Reject naming the field."""
        if ACTIVE in self.image:
            raise Reject("whether a fact stands follows from the reason", code="FIELD", where=ACTIVE)
        return {path: shape.value(path, given) for path, given in self.image.items()}

    def when(self) -> Uncertain | None:
        if self.effective is None or isinstance(self.effective, Uncertain):
            return self.effective
        return uncertain(self.effective, "effective")

    def check(self) -> None:
        """The key begins with the system that says it, so that no two systems ever speak under one key."""
        system = self.entity.partition(".")[0]
        if not self.key.startswith(f"{system}/") or not _PLAIN_KEY.fullmatch(self.key):
            raise Reject(f"a key is {system}/…: at most 64 plain characters, no colon", code="KEY", where="key")
        text(self.key, "key")


class Present(NamedTuple):
    """A fact as it is now, locked."""

    version: int
    image: Flat
    recorded: datetime


class Past(NamedTuple):
    """One version of a fact."""

    id: str
    kind: str
    supersedes: str | None
    effective: Uncertain
    said: Flat  # what the department said: paths and values
    before: Flat | None
    after: Flat
