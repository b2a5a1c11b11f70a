"""What could the departments say of themselves? Random facts under the real rules: what they refuse is not said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from bus.dates import day
from bus.errors import Reject
from bus.event import Event
from bus.fact.decide import Rules, decide
from bus.fact.reasons import reasons
from bus.fact.say import Past, Present, Say
from bus.fact.shape import FactShape

from .hall import CONTRACTS, ROOT, TOPOLOGY

SCHEMAS: Final = ROOT / "schemas"
FACTS: Final = tuple(sorted(entity for entity in TOPOLOGY.topics if not entity.startswith("juki.")))
REASONS: Final = ("KETTEI", "KETTEI", "HENKO", "SHURYO", "SHURYO", "TEISEI", "TORIKESHI", "TOGO")
DAYS: Final = ("2024-04-01", "2025-02-28", None, {"text": "このころ", "earliest": "2024-01-01", "latest": "2024-12-31"})
TEXTS: Final = {
    "kind": ["1", "2", "身体"], "year": ["2024", "2025"], "merged_into": ["jutogai/2"], "grade": ["1級", "7級"],
    "system": ["kojin_juminzei", "hojin_juminzei", "kotei_shisanzei", "keiji_zei", "kokuho", "kaigo", "kouki"],
    "protection.level": [None, None, "SHIEN"], "collection": ["F", "T"], "ground": ["年齢", "障害認定"],
    "state": ["proposed", "confirmed", "rejected"], "claim_kind": ["旅費", "時間外"],
}  # fmt: skip
WHO: Final = ("person", "subject", "payee_no")


@cache
def _rules(entity: str) -> Rules:
    return Rules(FactShape(CONTRACTS.canonical(entity).image), reasons(SCHEMAS))


class Facts:
    """What departments say themselves, under the real rules of facts."""

    def __init__(self, chance: Random, new_id: Callable[[], str]) -> None:
        self.chance, self.new_id = chance, new_id
        self.present: dict[tuple[str, str], Present] = {}
        self.pasts: dict[tuple[str, str], list[Past]] = {}

    def one(self, entity: str, now: datetime, people: list[str], reason: str | None = None) -> Event | None:
        at = (entity, f"{entity.partition('.')[0]}/{self.chance.randrange(1, 4)}")
        reason = reason or self.chance.choice(REASONS)
        pasts = self.pasts.get(at, [])
        image = {} if reason == "TORIKESHI" else dict(self._image(entity, people, reason))
        target = self.chance.choice(pasts).id if pasts and reason in ("TEISEI", "TORIKESHI") else None
        with suppress(Reject):
            return self._enter(at, Say(*at, reason, image, day(now).isoformat(), supersedes=target), now)
        return None

    def annul(self, entity: str, event: Event, now: datetime) -> Event | None:
        return self._enter((entity, event.key), Say(entity, event.key, "TORIKESHI", {}, None, supersedes=event.id), now)

    def _enter(self, at: tuple[str, str], say: Say, now: datetime) -> Event | None:
        present, pasts = self.present.get(at), self.pasts.setdefault(at, [])
        moment = max(now, present.recorded + timedelta(microseconds=1)) if present else now
        decided = decide(_rules(at[0]), present, pasts, say, moment, self.new_id())
        if decided is None:
            return None
        event, after = decided.event, decided.after
        before = present.image if present else None
        pasts.append(Past(event.id, event.kind, event.supersedes, event.effective, decided.said, before, after))
        self.present[at] = Present(event.version, after, event.recorded)
        return event

    def _image(self, entity: str, people: list[str], reason: str) -> Iterator[tuple[str, Any]]:
        """Of a first image everything, of a later one some of it; into which other fact it went, a merge alone says."""
        for path, kind in _rules(entity).shape.kinds.items():
            merges = path.startswith("merged_")
            said = reason == "TOGO" if merges else reason == "KETTEI" or self.chance.random() < 0.3
            if path != "active" and said:
                yield path, self._cell(path, kind, people)

    def _cell(self, path: str, kind: str, people: list[str]) -> Any:
        chance = self.chance
        if kind == "flag":
            return chance.random() < 0.5
        if kind == "long":
            return chance.choice([0, 1, 5_000, 4_000_000])
        if kind == "date":
            return chance.choice(DAYS)
        return chance.choice(people if path in WHO else TEXTS.get(path, ["甲", "乙", None]))
