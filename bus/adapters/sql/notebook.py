"""How does a processor remember? Memory, positions and what it says are one transaction of the bus's own database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, DateTime, Engine, Integer, MetaData, String, Table
from sqlalchemy.dialects.postgresql import JSONB

from bus.adapters.sql.engine import create, translated
from bus.adapters.sql.positions import BYTES, KEY, SqlPositions, alive, forget, mark, packed, put, unpacked
from bus.broker import Offsets
from bus.contract.schema import Contract
from bus.disclosure.positions import BEHIND, Held, Person, Place
from bus.event import Event
from bus.processor.fold import Spoken, State, spoken_by
from bus.processor.notebook import Counts, Position, Standing, Turn
from bus.register import outbox

_MOST: Final = 500  # values in one statement
_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")

_tables: Final = MetaData()


def _of(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _tables, Column("processor", String(64), primary_key=True), *columns)


_processor: Final = _of(
    "bus_processor",
    Column("generation", Integer, nullable=False),  # grows with every rebuilding
    Column("incarnation", String(36), nullable=False),
    Column("rebuilding", sa.Text),  # until where; null: not
    Column("asked", String(500)),  # why what waits is to be released
)
_memory: Final = _of("bus_memory", Column("key", String(300), primary_key=True), Column("state", _JSON, nullable=False))
_folded: Final = _of(
    "bus_folded",
    Column("person", String(200), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
)
_said: Final = _of(
    "bus_said",
    Column("key", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("recorded", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("image", _JSON, nullable=False),
)
_aside: Final = _of(
    "bus_aside",
    Column("topic", String(249), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("key", KEY, nullable=False),
    Column("code", String(64), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("decision", String(64)),
    Column("why", String(500)),
    Column("settled", DateTime(timezone=True)),  # the row stays as a trace; the bytes do not
    Column("stamp", BigInteger, nullable=False),
    Column("record_key", BYTES),
    Column("value", BYTES),
    Column("headers", BYTES),
)
_PLACE: Final = (_aside.c.topic, _aside.c.partition, _aside.c.offset)


class Outlet(Protocol):
    """Where what is said goes, in the same transaction."""

    def prepare(self, db: Connection) -> None: ...
    def put(self, db: Connection, events: Sequence[Event], incarnation: str) -> None: ...


class OutboxOutlet:
    """The outbox of the bus's own PostgreSQL database; one shard, from which the relay takes it."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def prepare(self, db: Connection) -> None:
        outbox.install(db, shards=1)

    def put(self, db: Connection, events: Sequence[Event], incarnation: str) -> None:
        contract = self._contract
        outbox.put_many(db, events, contract, contract.town, incarnation, contract.entity, shards=1)


class SqlNotebook:
    """Implements processor.notebook.Notebook. Ownership and offsets are kept where the projector's are."""

    def __init__(self, engine: Engine, outlet: Outlet) -> None:
        self._engine, self._outlet = engine, outlet
        self._positions = SqlPositions(engine)
        self.claim, self.renew, self.release = self._positions.claim, self._positions.renew, self._positions.release
        self.owner, self.offsets = self._positions.owner, self._positions.offsets

    def prepare(self) -> None:
        self._positions.prepare()
        with translated(), self._engine.begin() as db:
            create(db, _tables)
            self._outlet.prepare(db)

    def recall(self, name: str, keys: Sequence[str]) -> Mapping[str, State]:
        return {row.key: row.state for row in self._rows(_memory, _memory.c.key, name, keys)}

    def keys(self, name: str, prefix: str, after: str = "", limit: int | None = None) -> Sequence[str]:
        wanted = (_memory.c.processor == name) & _memory.c.key.startswith(prefix, autoescape=True)
        query = sa.select(_memory.c.key).where(wanted & (_memory.c.key > after)).order_by(_memory.c.key).limit(limit)
        with translated(), self._engine.connect() as db:
            return list(db.execute(query).scalars())

    def seen(self, name: str, persons: Sequence[str]) -> Mapping[str, Position]:
        generation = self._row(name)[0]
        rows = self._rows(_folded, _folded.c.person, name, persons)
        return {row.person: (row.version, row.recorded) for row in rows if row.generation == generation}

    def spoken(self, name: str, keys: Sequence[str]) -> Mapping[str, Spoken]:
        rows = self._rows(_said, _said.c.key, name, keys)
        return {row.key: Spoken(row.version, row.recorded, row.image) for row in rows}

    def commit(self, name: str, epoch: int, turn: Turn) -> None:
        with translated(), self._engine.begin() as db:
            now = alive(db, name, epoch)
            mark(db, name, turn.upto)
            if not turn and not turn.seen:
                return
            row = _processor_row(db, name)
            _remember(db, name, turn, row.generation)
            if turn.said:
                self._outlet.put(db, turn.said, row.incarnation)
            _set_aside(db, name, turn, now)
            change = ({"asked": None} if turn.released else {}) | ({"rebuilding": None} if turn.rebuilt else {})
            if change:
                db.execute(_processor.update().where(_processor.c.processor == name).values(change))

    def standing(self, name: str) -> Standing:
        _, rebuilding, asked = self._row(name)
        return Standing(None if rebuilding is None else _offsets(rebuilding), asked)

    def rebuild(self, name: str, epoch: int, upto: Offsets) -> None:
        until = json.dumps([[topic, partition, end] for (topic, partition), end in sorted(upto.items())])
        with translated(), self._engine.begin() as db:
            alive(db, name, epoch)
            forget(db, name)
            change = {"generation": _processor_row(db, name).generation + 1, "rebuilding": until}
            db.execute(_processor.update().where(_processor.c.processor == name).values(change))

    def ask(self, name: str, why: str) -> None:
        with translated(), self._engine.begin() as db:
            _processor_row(db, name)
            db.execute(_processor.update().where(_processor.c.processor == name).values(asked=why[:500]))

    def held(self, name: str, person: Person | None = None, *, decided: bool = False) -> Sequence[Held]:
        waits = (_aside.c.processor == name) & _aside.c.settled.is_(None)
        if person is not None:
            topic, partition, key = person
            waits &= (_aside.c.topic == topic) & (_aside.c.partition == partition) & (_aside.c.key == key)
        if decided:
            waits &= _aside.c.decision.is_not(None)
        with translated(), self._engine.connect() as db:
            return [unpacked(row) for row in db.execute(sa.select(_aside).where(waits).order_by(*_PLACE))]

    def decide(self, name: str, place: Place, decision: str, why: str) -> bool:
        first = _at(name, place) & _aside.c.settled.is_(None) & (_aside.c.code != BEHIND)
        with translated(), self._engine.begin() as db:
            return db.execute(_aside.update().where(first).values(decision=decision, why=why[:500])).rowcount == 1

    def counts(self, name: str) -> Counts:
        with translated(), self._engine.connect() as db:

            def count(table: Table, *more: sa.ColumnElement[bool]) -> int:
                query = sa.select(sa.func.count()).select_from(table).where(table.c.processor == name, *more)
                return int(db.execute(query).scalar_one())

            return Counts(count(_said), count(_said, _said.c.active), count(_memory), count(_folded))

    def _row(self, name: str) -> tuple[int, str | None, str | None]:
        query = sa.select(_processor).where(_processor.c.processor == name)
        with translated(), self._engine.connect() as db:
            row = db.execute(query).one_or_none()
        return (0, None, None) if row is None else (row.generation, row.rebuilding, row.asked)

    def _rows(self, table: Table, column: Column[Any], name: str, keys: Sequence[str]) -> Iterator[Any]:
        with translated(), self._engine.connect() as db:
            for some in _some(keys):
                yield from db.execute(sa.select(table).where(table.c.processor == name, column.in_(some)))


def _remember(db: Connection, name: str, turn: Turn, generation: int) -> None:
    states = [{"key": key, "state": state} for key, state in turn.states.items() if state is not None]
    _replace(db, _memory, name, turn.states, states)
    seen = [{"person": p, "generation": generation, "version": v, "recorded": r} for p, (v, r) in turn.seen.items()]
    _replace(db, _folded, name, turn.seen, seen)
    said = {event.key: _said_row(event) for event in turn.said}  # the last one of each
    _replace(db, _said, name, said, list(said.values()))


def _said_row(event: Event) -> dict[str, Any]:
    spoken = spoken_by(event)
    return {
        "key": event.key,
        "version": spoken.version,
        "recorded": spoken.recorded,
        "active": bool(event.data["active"]),
        "image": event.data,
    }


def _replace(db: Connection, table: Table, name: str, keys: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    """Portable: the owner's row is locked, so nobody sees the gap between."""
    column = table.primary_key.columns.values()[1]
    for some in _some(keys):
        db.execute(table.delete().where(table.c.processor == name, column.in_(some)))
    if rows:
        db.execute(table.insert(), [row | {"processor": name} for row in rows])


def _set_aside(db: Connection, name: str, turn: Turn, now: datetime) -> None:
    for one in turn.held:
        topic, partition, key = one.person
        record = one.record
        place = {"processor": name, "topic": topic, "partition": partition, "offset": record.offset}
        first = {
            "key": key, "since": now, "stamp": record.timestamp, "record_key": record.key, "value": record.value,
            "headers": packed(record),
        }  # fmt: skip
        put(db, _aside, place, {"code": one.code, "decision": None, "settled": None}, first)
    gone: dict[str, Any] = {"settled": now, "record_key": None, "value": None, "headers": None}
    for done in turn.settled:
        db.execute(_aside.update().where(_at(name, done)).values(gone))


def _processor_row(db: Connection, name: str) -> Any:
    mine = sa.select(_processor).where(_processor.c.processor == name)
    if (row := db.execute(mine).one_or_none()) is not None:
        return row
    db.execute(_processor.insert().values(processor=name, generation=0, incarnation=str(uuid4())))
    return db.execute(mine).one()


def _at(name: str, place: Place) -> sa.ColumnElement[bool]:
    here = (column == value for column, value in zip(_PLACE, place, strict=True))
    return sa.and_(_aside.c.processor == name, *here)


def _some(keys: Iterable[str]) -> Iterator[list[str]]:
    every = list(keys)
    for first in range(0, len(every), _MOST):
        yield every[first : first + _MOST]


def _offsets(text: str) -> Offsets:
    return {(topic, partition): end for topic, partition, end in json.loads(text)}
