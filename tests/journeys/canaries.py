"""Where does what stands in a field go? Households whose every field holds a text that stands nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from bus.dates import Uncertain
from bus.register.entry import Entry
from bus.resident.image import Shape
from bus.resident.load import found
from bus.resident.numbers import issued

MARK = "KANARIA"  # ASCII, so that no escaping of a log hides it
BEGAN = datetime(2026, 4, 6, 1, tzinfo=UTC)
BORN = {"parent": "1981-06-10", "child": "2018-05-05", "elder": "1956-02-03"}
RELATION = {"parent": "02", "child": "20", "elder": "51"}

# What has to hold something that rules understand.
PLAIN = {
    "state": "1", "municipality_code": "999999", "resident_type": "1", "sex": "1", "ward": "0", "schemes.kokuho": "1",
    "resident_since": Uncertain.on(date(2020, 4, 1)), "move_out.planned_on": None,
}  # fmt: skip
# Written out, and not taken from the code that hides them: where a protected person lives, will live and lived, where
# the family register is, and whatever tells that, or since when, there is a new address.
SECRET = ("address.", "previous.", "honseki.full", "honseki.town", "honseki.lot", "honseki.municipality", "movement.")


class Canary(NamedTuple):
    text: str
    path: str
    who: str  # household and person
    protected: bool  # is everything about this person hidden that tells an address?

    def is_allowed(self, granted: Iterable[str]) -> bool:
        is_secret = self.path.startswith(SECRET) or (
            self.path.startswith("move_out.") and not self.path.endswith("_on")
        )
        return self.path in granted and not (self.protected and is_secret)


class Aviary:
    """Releases canaries, and knows them all."""

    def __init__(self, entry: Entry) -> None:
        self.entry, self.shape = entry, Shape(entry.contract.image)
        self.canaries: list[Canary] = []
        self.keys: dict[str, str] = {}  # household/person -> key
        self._now = BEGAN

    def canary(self, path: str, who: str, *, protected: bool) -> Any:
        text = f"{MARK}:{len(self.canaries)}:{path}:"
        self.canaries.append(Canary(text, path, who, protected))
        return Uncertain(text) if self.shape.kinds[path] == "date" else text

    def settle(self, household: str, *, protected: bool) -> None:
        """Three persons as the register was found with them, one for every department's concern."""
        no = self.canary("household.no", household, protected=protected)
        changes = []
        for role, born in BORN.items():
            who, key = f"{household}/{role}", issued(900_001 + len(self.keys))
            self.keys[who] = key
            given = {
                **PLAIN, "household.no": no, "household.relation_code": RELATION[role],
                "birth": Uncertain.on(date.fromisoformat(born)), "is_resident": True,
            }  # fmt: skip
            image = {path: self._cell(path, given, who, protected=protected) for path in self.shape.kinds}
            changes.append(found(key, image, BEGAN, self.shape))
        assert self.entry.add_found(changes) == (3, [])

    def _cell(self, path: str, given: Mapping[str, Any], who: str, *, protected: bool) -> Any:
        if path in given:
            return given[path]
        if path.startswith("unknown."):
            return "0"
        if path.startswith("protection.") and not protected:
            return None
        if path.startswith("identity."):
            return None  # everybody is himself: a record that is another one now could not be moved
        return self.canary(path, who, protected=protected)

    def act(self, reason: str, household: str, paths: Iterable[str] = (), *, protected: bool, **given: Any) -> None:
        """All three, with fresh canaries in these fields."""
        self._now += timedelta(hours=1)
        persons = [
            {"key": key, "set": {path: self._given(path, who, protected=protected) for path in paths}}
            for who, key in self.keys.items()
            if who.startswith(f"{household}/") and who.endswith(given.get("only", ""))
        ]
        day = self._now.date().isoformat()
        self.entry.enter({"reason": reason, "effective": day, "persons": persons, "recorded": self._now.isoformat()})

    def _given(self, path: str, who: str, *, protected: bool) -> Any:
        value = self.canary(path, who, protected=protected)
        return value.as_json() if isinstance(value, Uncertain) else value

    def is_older_than_was_thought(self, household: str) -> None:
        """So that the child concerns the school no more: what it is told then is that, and nothing else."""
        self._now += timedelta(hours=1)
        persons = [{"key": self.keys[f"{household}/child"], "set": {"birth": "1990-05-05"}}]
        day = self._now.date().isoformat()
        request = {"reason": "GOKI_SHUSEI", "effective": day, "persons": persons, "recorded": self._now.isoformat()}
        self.entry.enter(request)

    def move_and_leave(self, household: str, *, protected: bool) -> None:
        """Everything that brings new addresses: a move, one announced, one executed, one confirmed."""
        parts = ("town_code", "prefecture", "city", "town", "lot", "building", "postal_code", "district")
        hidden = [f"honseki.{part}" for part in ("full", "town", "lot", "town_code", "head_full")]
        self.act("SHOKKEN_SHUSEI", household, [*hidden, "schemes.nenkin_no", "foreign.card_no"], protected=protected)
        self.act("SHOKKEN_SHUSEI", household, [f"previous.{p}" for p in parts if p != "district"], protected=protected)
        self.act("TENKYO", household, [f"address.{part}" for part in parts], protected=protected)
        self.act(
            "SHIMEI_HENKO", household, ["name.full", "name.kana", "name.family"], protected=protected, only="parent"
        )
        planned = ("municipality_code", "prefecture", "city", "town", "lot", "building")
        self.act("TENSHUTSU_TODOKE", household, [f"move_out.planned_{p}" for p in planned], protected=protected)
        self.act("TENSHUTSU", household, protected=protected)
        there = [f"move_out.{part}" for part in (*planned, "postal_code")]
        self.act("TENSHUTSU_KAKUTEI", household, there, protected=protected)


class Haystack:
    """Bytes from many places; says which canaries are in it."""

    def __init__(self, parts: Iterable[bytes | None]) -> None:
        self._all = b"\0".join(part for part in parts if part)

    def __len__(self) -> int:
        return len(self._all)

    def sing(self, canaries: Iterable[Canary]) -> list[str]:
        return [f"{canary.text} of {canary.who}" for canary in canaries if canary.text.encode() in self._all]

    def __contains__(self, text: str) -> bool:
        return text.encode() in self._all
