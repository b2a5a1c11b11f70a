"""What does each department hold, what was it asked to do, and does it equal what the register says?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bus.demo.outlook import ENTITY, Outlook
from bus.disclosure.protect import hides
from bus.kit.standing import standings
from bus.reconcile.compare import Finding, compare
from bus.reconcile.expected import Recomputation, View
from bus.register.entry import Entry
from bus.store import Parked
from bus.wiring import Wiring


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


def prove(wiring: Wiring, outlook: Outlook, entry: Entry) -> list[Department]:
    """One pass over the register's histories for all departments."""
    image = wiring.contracts.canonical().image
    folds: dict[str, Recomputation] = {}
    held: dict[str, set[str]] = {}
    parked: dict[str, Sequence[Parked]] = {}
    for name in outlook.connectors:
        exempt = wiring.topology.subscriptions[name].sees_protected
        paths = wiring.contracts.narrowed(name, ENTITY).paths
        folds[name] = Recomputation(outlook.departments[name], View(paths, frozenset() if exempt else hides(image)))
        parked[name] = outlook.stores[name].parked(name)
        held[name] = {one.key for one in parked[name]}
    for history in entry.histories():
        for name, fold in folds.items():
            fold.tell(history)
            if history[0].key in held[name]:
                held[name] |= {event.id for event in history}
    standing = {one.id: one for one in standings(wiring, outlook.connectors)}
    found = [_department(outlook, name, folds[name], parked[name], held[name]) for name in outlook.connectors]
    for department in found:
        department.truth_age_seconds = standing[department.id].truth_age_seconds
    return found


def _department(
    outlook: Outlook, name: str, fold: Recomputation, parked: Sequence[Parked], held: set[str]
) -> Department:
    connector, store = outlook.departments[name], outlook.stores[name]
    findings = compare(connector.tables, fold.found, store, held)
    progress = store.progress(name)
    actual = {finding.table: finding.actual for finding in findings}
    first = {one.key: one.code for one in reversed(parked)}
    return Department(
        name, connector.name_ja,
        holds={table.name: actual[table.name] for table in connector.tables if table.kept},
        asked={table.name: actual[table.name] for table in connector.tables if not table.kept},
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
