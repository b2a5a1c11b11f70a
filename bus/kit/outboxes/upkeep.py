"""How is every outbox looked after in one call, so that one that is away keeps its days and stops no other?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bus.adapters.sql.positions import SqlPositions
from bus.adapters.sql.retire import SqlDays
from bus.broker import Broker, Offsets
from bus.errors import BusError, Misconfigured, Unavailable
from bus.kit.outboxes.reach import engine_of
from bus.processor.driver import name_of
from bus.register.retire import KEEP, Progress, maintain
from bus.topology.outboxes import REGISTERS, Outbox
from bus.wiring import Wiring

if TYPE_CHECKING:
    from sqlalchemy import Engine

SHARDS = 1  # of every outbox but the register's


class Row(NamedTuple):
    """One day of one outbox; no day: nothing could be done for this outbox."""

    outbox: str
    day: str | None
    done: str
    waits_for: str | None


class Positions(NamedTuple):
    """How far everybody is who hears anything."""

    projector: Offsets
    processors: Mapping[str, Offsets]
    departments: Mapping[str, Offsets]


@dataclass(slots=True)
class Upkeep:
    rows: list[Row] = field(default_factory=list)
    failed: dict[str, BusError] = field(default_factory=dict)  # whose database could not be asked


def upkeep(wiring: Wiring, chosen: Sequence[Outbox], ahead: int) -> Upkeep:
    """The bus's own database must be there: the notes are in it, and where projector and processors stand."""
    done, bus = Upkeep(), wiring.engine("bus")
    reached = _reached(wiring, bus, chosen, done.failed)
    with closing(wiring.broker("admin")) as broker:
        ends = Ends(broker)
        for outbox in chosen:
            try:
                done.rows += _one(wiring, bus, outbox, reached, ends, ahead)
            except BusError as error:
                done.failed[outbox.name] = error
                done.rows.append(Row(outbox.name, None, KEEP, error.code))
    return done


def _one(wiring: Wiring, bus: Engine, outbox: Outbox, reached: Positions, ends: Ends, ahead: int) -> list[Row]:
    """What others have reached is older than what is asked of the outbox, and that is older than the broker's ends."""
    made = engine_of(wiring, outbox.name, "owner")
    try:
        days = SqlDays(made, bus) if outbox.name == REGISTERS else SqlDays(made, bus, outbox.name, SHARDS)
        days.ahead(ahead)
        progress = Progress(
            days.today(), days.said(), reached.projector, reached.departments, outbox.subscribed,
            reached.processors, outbox.heard,
        )  # fmt: skip
        report = maintain(days, progress, lambda: ends(outbox.canonical), lambda: ends(outbox.narrowed))
    finally:
        made.dispose()
    return [Row(outbox.name, table, action, waits or None) for table, action, waits in report]


class Ends:
    """What the broker says; once it has not answered it is not asked for the next outbox."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._away: Unavailable | None = None

    def __call__(self, topics: Iterable[str]) -> Offsets:
        if self._away is not None:
            raise self._away
        try:
            return self._broker.ends(sorted(topics))
        except Unavailable as error:
            self._away = error
            raise


def _reached(wiring: Wiring, bus: Engine, chosen: Sequence[Outbox], failed: dict[str, BusError]) -> Positions:
    positions = SqlPositions(bus)
    positions.prepare()
    processors = {one for outbox in chosen for one in outbox.heard}
    departments: dict[str, Offsets] = {}
    for name in sorted({one for outbox in chosen for one in outbox.subscribed}):
        try:
            departments[name] = _taken(wiring, name)
        except BusError as error:
            failed[name] = error  # as long as it cannot be asked it has confirmed nothing
    return Positions(
        positions.offsets("projector"), {one: positions.offsets(name_of(one)) for one in processors}, departments
    )


def _taken(wiring: Wiring, department: str) -> Offsets:
    """One that has never run has no tables yet, and stands at the beginning."""
    with closing(wiring.store(department)) as store:
        try:
            return store.offsets(department)
        except Misconfigured:
            return {}
