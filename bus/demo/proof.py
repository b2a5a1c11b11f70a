"""What does each department hold, what was it asked to do, and does it equal what was said at the source?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from bus.change import Row
from bus.contract.grant import protected_paths
from bus.demo.outlook import Outlook
from bus.disclosure.protect import hides
from bus.event import RESIDENT, Event
from bus.kit.standing import standings
from bus.reconcile.compare import Finding, compare
from bus.reconcile.expected import Recomputation, Sight
from bus.register.entry import Entry
from bus.store import Parked
from bus.topology.model import REGISTER, producer
from bus.wiring import Wiring

HOUSEHOLD: Final = "juki.household"


@dataclass(slots=True)
class Department:
    id: str
    name_ja: str
    holds: dict[str, int] = field(default_factory=dict)  # kept table -> persons
    asked: dict[str, int] = field(default_factory=dict)  # appended table -> rows
    parked: int = 0  # persons
    waiting: int = 0  # records, the first of each person included
    codes: list[str] = field(default_factory=list)  # why the first of each was set aside
    reviews: int = 0
    applied: int = 0
    stale: int = 0
    fenced: int = 0
    truth_age_seconds: float | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return bool(self.findings) and all(finding.equal for finding in self.findings)


@dataclass(slots=True)
class Ought:
    """What one department ought to hold of one entity, and what of it waits for a decision."""

    fold: Recomputation
    held: set[str]  # keys, and the events of those keys

    def tell(self, history: Sequence[Event]) -> None:
        self.fold.tell(history)
        if history[0].key in self.held:
            self.held |= {event.id for event in history}


def prove(wiring: Wiring, outlook: Outlook, entry: Entry) -> list[Department]:
    """One pass over everything that was ever said, for all departments: the register's, then each department's book."""
    parked = {name: outlook.stores[name].parked(name) for name in outlook.connectors}
    oughts = {
        (name, entity): _ought(wiring, outlook, name, entity, parked[name])
        for name in outlook.connectors
        for entity in outlook.departments[name].views
    }
    for entity in {entity for _, entity in oughts}:
        listening = [ought for (_, of), ought in oughts.items() if of == entity]
        for history in said(wiring, outlook, entry, entity):
            for ought in listening:
                ought.tell(history)
    standing = {one.id: one for one in standings(wiring, outlook.connectors)}
    found = []
    for name in outlook.connectors:
        mine = {entity: ought for (of, entity), ought in oughts.items() if of == name}
        department = _department(outlook, name, mine, parked[name])
        department.truth_age_seconds = standing[name].truth_age_seconds
        found.append(department)
    return found


def households(wiring: Wiring, outlook: Outlook, entry: Entry) -> Finding:
    """Does the household processor say who lives together as the register's own last images do?"""
    wanted: dict[str, set[str]] = {}
    for key, _, image, _ in entry.latest():
        if image["is_resident"] and not image["identity"]["merged_into"] and image["household"]["no"]:
            wanted.setdefault(image["household"]["no"], set()).add(key)
    told = {history[0].key: history[-1].data for history in said(wiring, outlook, entry, HOUSEHOLD)}
    actual = {no: {member["key"] for member in image["members"]} for no, image in told.items() if image["active"]}
    finding = Finding(HOUSEHOLD, expected=len(wanted), actual=len(actual))
    finding.missing, finding.extra = len(wanted.keys() - actual.keys()), len(actual.keys() - wanted.keys())
    finding.differing = sum(wanted[no] != actual[no] for no in wanted.keys() & actual.keys())
    return finding


def said(wiring: Wiring, outlook: Outlook, entry: Entry, entity: str) -> Iterator[list[Event]]:
    """Histories as their source keeps them, not Kafka; a processor's is what it wrote to its outbox."""
    if entity == RESIDENT:
        return entry.histories(clock=True)
    if producer(entity) == REGISTER:
        if not outlook.processors:
            return iter(())  # nobody folds, so nobody has said anything
        decode = wiring.contracts.canonical(entity).decode
        return _lives(decode(payload) for payload in outlook.processed.payloads(entity))
    return wiring.facts(producer(entity)).histories(entity)


def _lives(events: Iterable[Event]) -> Iterator[list[Event]]:
    for _, versions in groupby(events, key=lambda event: event.key):
        yield list(versions)


def _ought(wiring: Wiring, outlook: Outlook, name: str, entity: str, parked: Sequence[Parked]) -> Ought:
    stanza, image = wiring.topology.subscriptions[name], wiring.contracts.canonical(entity).image
    hidden = frozenset() if stanza.sees_protected else hides(image)
    sight = Sight(wiring.contracts.narrowed(name, entity).paths, hidden, hiding=bool(protected_paths(image)))
    topic = wiring.topology.narrowed(name, entity)
    held = {(one.record.key or b"").decode("ascii", "replace") for one in parked if one.record.topic == topic}
    clock = stanza.clock if entity == RESIDENT else ()
    return Ought(Recomputation(outlook.departments[name].views[entity], sight, clock=clock), held)


def _department(outlook: Outlook, name: str, oughts: Mapping[str, Ought], parked: Sequence[Parked]) -> Department:
    connector, store = outlook.departments[name], outlook.stores[name]
    expected: dict[str, dict[str, Sequence[Row]]] = {table.name: {} for table in connector.tables}
    held: dict[str, set[str]] = {table.name: set() for table in connector.tables}
    for ought in oughts.values():
        for table, rows in ought.fold.found.tables.items():
            expected[table] |= rows
            held[table] |= ought.held
    findings = compare(connector.tables, expected, store, held)
    progress = store.progress(name)
    actual = {finding.table: finding.actual for finding in findings}
    first = {one.key: one.code for one in reversed(parked)}
    shown = [table for table in connector.tables if not table.name.startswith("bus_")]
    return Department(
        name, connector.name_ja,
        holds={table.name: actual[table.name] for table in shown if table.kept},
        asked={table.name: actual[table.name] for table in shown if not table.kept},
        parked=len(first), waiting=len(parked), codes=sorted(first.values()), reviews=progress.reviews,
        applied=progress.applied, stale=progress.stale, fenced=progress.fenced,
        findings=findings,
    )  # fmt: skip


def as_dict(department: Department) -> dict[str, Any]:
    return {
        "id": department.id, "name_ja": department.name_ja, "holds": department.holds, "asked": department.asked,
        "parked": department.parked, "waiting": department.waiting, "codes": department.codes,
        "reviews": department.reviews, "applied": department.applied, "stale": department.stale,
        "fenced": department.fenced, "truth_age_seconds": department.truth_age_seconds, "equal": department.equal,
        "tables": [finding.as_dict() for finding in department.findings],
    }  # fmt: skip
