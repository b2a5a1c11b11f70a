"""How does the projector remember, in any SQL database, where it stands and what it has set aside?"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, DateTime, Engine, Integer, LargeBinary, MetaData, String, Table

from bus.adapters.sql.engine import create, translated
from bus.broker import Offsets, Record
from bus.connector.ownership import is_dead_here
from bus.disclosure.positions import BEHIND, Held, Person, Place
from bus.errors import Fenced

_NAME, _TOPIC = String(64), String(249)
KEY: Final = LargeBinary(1024).with_variant(
    sa.VARBINARY(1024), "mysql", "mariadb"
)  # a key of a comparison needs a length there
BYTES: Final = LargeBinary(2**24)
_WHEN = DateTime(timezone=True)

_tables = MetaData()
_owner = Table(
    "bus_owner",
    _tables,
    Column("connector", _NAME, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", String(200), nullable=False),
    Column("renewed", _WHEN, nullable=False),
)
_offset = Table(
    "bus_offset",
    _tables,
    Column("connector", _NAME, primary_key=True),
    Column("topic", _TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
)
_held = Table(
    "bus_held",
    _tables,
    Column("topic", _TOPIC, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("key", KEY, nullable=False),
    Column("code", _NAME, nullable=False),
    Column("since", _WHEN, nullable=False),
    Column("decision", _NAME),
    Column("why", String(500)),  # the operator's words
    Column("settled", _WHEN),  # the row stays as a trace; the bytes do not
    Column("stamp", BigInteger, nullable=False),
    Column("record_key", BYTES),
    Column("value", BYTES),
    Column("headers", BYTES),
)
_PLACE: Final = (_held.c.topic, _held.c.partition, _held.c.offset)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SqlPositions:
    """Implements disclosure.positions.Positions; one engine, one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def prepare(self) -> None:
        with translated(), self._engine.begin() as db:
            create(db, _tables)

    def claim(self, name: str, holder: str, lease: float) -> int | None:
        with translated(), self._engine.begin() as db:
            row = db.execute(_one_owner(name).with_for_update()).one_or_none()
            now = _now(db)
            if row is None:
                db.execute(_owner.insert().values(connector=name, epoch=1, holder=holder, renewed=now))
                return 1
            lives = now - utc(row.renewed) < timedelta(seconds=lease) and not is_dead_here(row.holder)
            if row.holder != holder and lives:
                return None
            change = {"epoch": row.epoch + 1, "holder": holder, "renewed": now}
            db.execute(_owner.update().where(_owner.c.connector == name).values(change))
            return int(row.epoch) + 1

    def renew(self, name: str, epoch: int) -> None:
        with translated(), self._engine.begin() as db:
            alive(db, name, epoch)

    def release(self, name: str, epoch: int) -> None:
        with translated(), self._engine.begin() as db:
            mine = (_owner.c.connector == name) & (_owner.c.epoch == epoch)
            db.execute(_owner.update().where(mine).values(renewed=LONG_AGO))

    def owner(self, name: str) -> tuple[str, int, datetime] | None:
        with translated(), self._engine.connect() as db:
            row = db.execute(_one_owner(name)).one_or_none()
        return None if row is None else (row.holder, row.epoch, utc(row.renewed))

    def offsets(self, name: str) -> Offsets:
        with translated(), self._engine.connect() as db:
            rows = db.execute(sa.select(_offset).where(_offset.c.connector == name)).all()
        return {(row.topic, row.partition): row.next for row in rows}

    def commit(self, name: str, epoch: int, upto: Offsets, held: Sequence[Held], settled: Sequence[Place] = ()) -> None:
        with translated(), self._engine.begin() as db:
            now = alive(db, name, epoch)
            mark(db, name, upto)
            for one in held:
                self._hold(db, one, now)
            gone: dict[str, Any] = {"settled": now, "record_key": None, "value": None, "headers": None}
            for done in settled:
                db.execute(_held.update().where(_at(done)).values(gone))

    def _hold(self, db: Connection, one: Held, now: datetime) -> None:
        topic, partition, key = one.person
        record = one.record
        put(
            db,
            _held,
            {"topic": topic, "partition": partition, "offset": record.offset},
            {"code": one.code, "decision": None, "settled": None},
            {
                "key": key,
                "since": now,
                "stamp": record.timestamp,
                "record_key": record.key,
                "value": record.value,
                "headers": packed(record),
            },
        )

    def held(self, person: Person | None = None, *, decided: bool = False) -> Sequence[Held]:
        query = sa.select(_held).where(_held.c.settled.is_(None)).order_by(*_PLACE)
        if person is not None:
            query = query.where(_of(person))
        if decided:
            query = query.where(_held.c.decision.is_not(None))
        with translated(), self._engine.connect() as db:
            return [unpacked(row) for row in db.execute(query)]

    def waiting(self) -> Sequence[tuple[Person, int]]:
        who = (_held.c.topic, _held.c.partition, _held.c.key)
        query = sa.select(*who, sa.func.count()).where(_held.c.settled.is_(None)).group_by(*who).order_by(*who)
        with translated(), self._engine.connect() as db:
            return [((topic, partition, bytes(key)), count) for topic, partition, key, count in db.execute(query)]

    def decide(self, place: Place, decision: str, why: str) -> bool:
        first = _at(place) & _held.c.settled.is_(None) & (_held.c.code != BEHIND)
        with translated(), self._engine.begin() as db:
            return db.execute(_held.update().where(first).values(decision=decision, why=why[:500])).rowcount == 1


def alive(db: Connection, name: str, epoch: int) -> datetime:
    """Locks the owner's row until the transaction ends. Raises Fenced."""
    now = _now(db)
    mine = (_owner.c.connector == name) & (_owner.c.epoch == epoch)
    if db.execute(_owner.update().where(mine).values(renewed=now)).rowcount != 1:
        raise Fenced(f"another process runs {name} now")
    return now


def mark(db: Connection, name: str, upto: Offsets) -> None:
    for (topic, partition), position in upto.items():
        place = {"connector": name, "topic": topic, "partition": partition}
        put(db, _offset, place, {"next": position}, {})


def forget(db: Connection, name: str) -> None:
    """Begins anew with the first record there is."""
    db.execute(_offset.delete().where(_offset.c.connector == name))


def _one_owner(name: str) -> sa.Select[Any]:
    return sa.select(_owner).where(_owner.c.connector == name)


def _at(place: Place) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == value for column, value in zip(_PLACE, place, strict=True)))


def _of(person: Person) -> sa.ColumnElement[bool]:
    topic, partition, key = person
    return (_held.c.topic == topic) & (_held.c.partition == partition) & (_held.c.key == key)


def put(db: Connection, table: Table, place: dict[str, Any], change: dict[str, Any], first: dict[str, Any]) -> None:
    """Update, else insert; safe without dialects' upserts because the owner's row is locked."""
    where = sa.and_(*(table.c[name] == value for name, value in place.items()))
    if db.execute(sa.select(sa.literal(1)).select_from(table).where(where)).first() is None:
        db.execute(table.insert().values(place | change | first))
    else:
        db.execute(table.update().where(where).values(change))


def _now(db: Connection) -> datetime:
    """The database's clock: those of two machines are never compared."""
    return utc(db.execute(sa.select(sa.func.now())).scalar_one())


def utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def packed(record: Record) -> bytes:
    coded = [[name, None if value is None else base64.b64encode(value).decode()] for name, value in record.headers]
    return json.dumps(coded).encode()


def unpacked(row: Any) -> Held:
    headers = [(name, None if value is None else base64.b64decode(value)) for name, value in json.loads(row.headers)]
    record = Record(row.topic, row.partition, row.offset, row.record_key, row.value, headers, row.stamp)
    return Held(record, row.code, utc(row.since), row.decision)
