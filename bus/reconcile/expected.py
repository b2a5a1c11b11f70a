"""What ought to stand in a department's tables? Folded anew from what was said, at its source; no bus is asked.

Shared with the path is the law alone: which paths are granted and hidden, and what the department's manifest means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol

from bus.change import Keep, Row
from bus.dates import day
from bus.disclosure.protect import is_hidden, protects
from bus.errors import Reject
from bus.event import Event
from bus.store import Table

CLOCK = "CLOCK"
REPEATED = frozenset({"REGISTER", "IDENTITY", CLOCK})  # said to everybody concerned, whatever differs


class Department(Protocol):
    """What is needed of a department's view of one entity (connector.view.View)."""

    @property
    def tables(self) -> Sequence[Table]: ...

    def concerns(self, image: Mapping[str, Any] | None, on: date) -> bool: ...

    def project(self, event: Event) -> Any: ...


@dataclass(slots=True)
class Expected:
    """table -> whose rows (kept: the person's key; appended: the event's id) -> the rows."""

    tables: dict[str, dict[str, tuple[Row, ...]]]
    heard: int = 0  # persons the department has ever heard about
    concerned: int = 0  # persons that concern it now
    asked: int = 0  # rows appended
    refused: set[str] = field(default_factory=set)  # keys of persons one of whose events its rules refuse
    reviews: int = 0  # times a rule could not tell


class Sight:
    """What one subscription may see of an image. `hiding`: protection may hide something in it from somebody."""

    def __init__(self, paths: Sequence[str], hidden: Collection[str], *, hiding: bool = True) -> None:
        self.paths, self.hiding = tuple(paths), hiding
        self.open = tuple(path for path in paths if not is_hidden(path, hidden))

    def visible(self, *, protected: bool) -> tuple[str, ...]:
        return self.open if protected else self.paths

    def values(self, image: Mapping[str, Any], *, protected: bool) -> tuple[Any, ...]:
        return tuple(_at(image, path) for path in self.visible(protected=protected))

    def image(self, image: Mapping[str, Any], *, protected: bool) -> dict[str, Any]:
        seen = set(self.visible(protected=protected))
        nested: dict[str, Any] = {}
        for path in self.paths:
            *groups, leaf = path.split(".")
            at = nested
            for group in groups:
                at = at.setdefault(group, {})
            at[leaf] = _at(image, path) if path in seen else None
        return nested


@dataclass(slots=True)
class _Person:
    """One person's way through one department."""

    concerned: bool = False
    by_version: bool = False  # the same on the day of the last version, whatever the calendar said since
    heard: bool = False
    protected: bool = False
    values: tuple[Any, ...] = ()
    kept: dict[str, tuple[Row, ...]] = field(default_factory=dict)
    appended: dict[str, dict[str, Row]] = field(default_factory=dict)
    reviews: int = 0


class Recomputation:
    """One department, told each person's history; what it ought to hold stands in `found`."""

    def __init__(self, department: Department, sight: Sight, *, clock: Collection[str] = ()) -> None:
        """`clock`: the duties of the calendar it listens for."""
        self.department, self.sight, self.clock = department, sight, frozenset(clock)
        self.found = Expected({table.name: {} for table in department.tables})
        self._kept = {table.name for table in department.tables if table.kept}

    def tell(self, history: Sequence[Event]) -> None:
        """One person's events as the register has them, in the order of their versions."""
        found, key, person = self.found, history[0].key, _Person()
        try:
            for event in history:
                if event.kind == CLOCK and event.reason not in self.clock:
                    continue
                _tell(person, event, self.department, self.sight, self._kept)
        except Reject:
            found.refused.add(key)
            return
        found.heard += person.heard
        found.concerned += person.concerned
        found.reviews += person.reviews
        for table, rows in person.kept.items():
            if rows:
                found.tables[table][key] = rows
        for table, by_event in person.appended.items():
            found.asked += len(by_event)
            found.tables[table] |= {event: (row,) for event, row in by_event.items()}


def _tell(person: _Person, event: Event, department: Department, sight: Sight, kept: set[str]) -> None:
    """One more version, as decision 17 has it."""
    protected = protects(event.data, hiding=sight.hiding)
    image = sight.image(event.data, protected=protected)
    values = sight.values(event.data, protected=protected)
    concerned = department.concerns(image, day(event.recorded))
    news = (
        not person.by_version
        or event.kind in REPEATED
        or (protected, values) != (person.protected, person.values)
        or _takes_back(event, sight.visible(protected=protected))
    )
    if person.concerned and not concerned:
        person.kept = dict.fromkeys(kept, ())
    elif concerned and news:
        _effect(person, replace(event, data=image, protected=protected, before=None, undoes=()), department)
    person.heard |= concerned
    person.concerned, person.protected, person.values = concerned, protected, values
    if event.kind != CLOCK:
        person.by_version = concerned


def _effect(person: _Person, event: Event, department: Department) -> None:
    projected = department.project(event)
    person.reviews += len(projected.reviews)
    for change in projected.changes:
        if isinstance(change, Keep):
            person.kept[change.table] = tuple(change.rows)
        else:
            rows = person.appended.setdefault(change.table, {})
            if change.follows is None or change.follows in rows:
                rows[event.id] = change.row


def _takes_back(event: Event, visible: Sequence[str]) -> bool:
    if event.supersedes is None:
        return False
    return any(f"{a}.".startswith(f"{b}.") or f"{b}.".startswith(f"{a}.") for a in event.undoes for b in visible)


def _at(image: Mapping[str, Any], path: str) -> Any:
    value: Any = image
    for part in path.split("."):
        if value is None:
            return None
        value = value[part]
    return value
