"""How does a department's database take a batch, whatever its make? Portable SQL: Core alone, no dialect's upsert."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, bindparam

from bus.adapters.sql import bus_tables as bus
from bus.adapters.sql.engine import create, engine, translated
from bus.broker import Offsets
from bus.change import Append, Row
from bus.connector.guard import Outcome, in_line, settle
from bus.errors import Fenced, Misconfigured
from bus.store import Again, Applied, Delivery, Owner, Parked, Progress, Seen, Table, in_order

CHUNK: Final = 500  # keys in one IN (…)
BEGINNING: Final = 0


def open_store(dsn: str) -> SqlStore:
    made = engine(dsn)
    if made.dialect.name == "postgresql":
        from bus.adapters.sql.postgres import PostgresStore

        return PostgresStore(made)
    return SqlStore(made)


class SqlStore:
    def __init__(self, made: Engine) -> None:
        self._engine = made
        self._epochs: dict[str, int] = {}
        self._tables: dict[str, tuple[Table, sa.Table]] = {}
        self._now: sa.ColumnElement[int] = sa.literal_column(bus.NOW.get(made.dialect.name, "current_timestamp"))

    def prepare(self, tables: Sequence[Table]) -> None:
        known = sa.MetaData()
        self._tables = {table.name: (table, bus.department(table, known)) for table in tables}
        with self._transaction() as db:
            create(db, bus.metadata, known)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with translated(), self._engine.begin() as db:
            yield db

    # Ownership

    def claim(self, connector: str, holder: str) -> int:
        with self._transaction() as db:
            mine = bus.owner.c.connector == connector
            taken = {"holder": holder, "renewed": self._now, "stopped": ""}
            if not db.execute(bus.owner.update().where(mine).values(epoch=bus.owner.c.epoch + 1, **taken)).rowcount:
                db.execute(
                    bus.owner.insert().values(
                        connector=connector, epoch=1, **taken, paused="", applied=0, stale=0, fenced=0
                    )
                )
            self._epochs[connector] = int(db.execute(sa.select(bus.owner.c.epoch).where(mine)).scalar_one())
        return self._epochs[connector]

    def renew(self, connector: str) -> None:
        with self._fencing(connector), self._transaction() as db:
            self._hold(db, connector)

    def resign(self, connector: str, why: str = "") -> None:
        epoch = self._epochs.pop(connector, 0)
        with self._transaction() as db:
            db.execute(bus.owner.update().where(_mine(connector, epoch)).values(renewed=BEGINNING, stopped=why))

    def owner(self, connector: str) -> Owner | None:
        with self._transaction() as db:
            found = bus.owner.c
            query = sa.select(
                found.holder, found.epoch, found.renewed, found.paused, found.stopped, self._now.label("now")
            )
            row = db.execute(query.where(found.connector == connector)).first()
        if row is None:
            return None
        return Owner(
            row.holder, row.epoch, bus.instant(row.renewed), (row.now - row.renewed) / 1e6, row.paused, row.stopped
        )

    def pause(self, connector: str, why: str) -> None:
        with self._transaction() as db:
            if not db.execute(
                bus.owner.update().where(bus.owner.c.connector == connector).values(paused=why[:255])
            ).rowcount:
                raise Misconfigured(f"{connector} has never run here", code="CONNECTOR_UNKNOWN")

    def _hold(self, db: Connection, connector: str, **counted: Any) -> None:
        """Locks the owner's row, which must be ours, until the end: a zombie cannot write behind the next one."""
        values = {"renewed": self._now} | counted
        if not db.execute(
            bus.owner.update().where(_mine(connector, self._epochs.get(connector, 0))).values(values)
        ).rowcount:
            raise Fenced(f"another process owns {connector}", hint="it goes on from the same place; this one stops")

    @contextmanager
    def _fencing(self, connector: str) -> Iterator[None]:
        """Counts the attempts of processes that are no longer the owner: proof that the fence was needed, and held."""
        try:
            yield
        except Fenced:
            with self._transaction() as db:
                db.execute(
                    bus.owner.update().where(bus.owner.c.connector == connector).values(fenced=bus.owner.c.fenced + 1)
                )
            raise

    # The batch

    def apply(
        self, connector: str, deliveries: Sequence[Delivery], upto: Offsets, again: Again | None = None
    ) -> Applied:
        with self._fencing(connector), self._transaction() as db:
            self._hold(db, connector)
            keys = {delivery.key for delivery in deliveries}
            outcome = settle(deliveries, self._seen(db, connector, keys), self._waiting(db, connector, keys), again)
            self._write(db, connector, outcome)
            self._move(db, connector, upto)
            self._count(db, connector, outcome.applied)
        return outcome.applied

    def release(self, connector: str, key: str, again: Again) -> Applied:
        done = Applied()
        while True:
            with self._transaction() as db:
                db.execute(bus.owner.update().where(bus.owner.c.connector == connector).values(epoch=bus.owner.c.epoch))
                waiting = self._waiting(db, connector, [key])
                if not waiting:
                    return done
                outcome = Outcome(self._seen(db, connector, [key]), waiting)
                if not outcome.retry(in_line(waiting[key])[0], again):
                    return done
                self._write(db, connector, outcome)
                self._count(db, connector, outcome.applied)
            done.add(outcome.applied)

    def _write(self, db: Connection, connector: str, outcome: Outcome) -> None:
        for table, keeps in outcome.keeps.items():
            self._keep(db, table, keeps)
        for table, appends in outcome.appends.items():
            self._append(db, table, appends)
        self._position(db, connector, {key: outcome.seen[key] for key in outcome.moved})
        self._set_aside(db, connector, outcome)

    def _keep(self, db: Connection, name: str, keeps: Mapping[str, Sequence[Row]]) -> None:
        """A single row is updated in place, so that the department's own rows may point at it."""
        table, sql = self._table(name)
        key, *others = (column.name for column in table.columns)
        single = not table.many
        there = self._existing(db, sql.c[key], keeps) if single else set()
        rows = [dict(zip((key, *others), row, strict=True)) for rows in keeps.values() for row in rows]
        gone = [{"this": one} for one, left in keeps.items() if not left or not single]
        if gone:
            db.execute(sql.delete().where(sql.c[key] == bindparam("this")), gone)
        changed = [row | {"this": row[key]} for row in rows if row[key] in there]
        if changed and others:
            changes: dict[Any, Any] = {sql.c[name]: bindparam(name) for name in others}
            db.execute(sql.update().where(sql.c[key] == bindparam("this")).values(changes), changed)
        if fresh := [row for row in rows if row[key] not in there]:
            db.execute(sql.insert(), fresh)

    def _append(self, db: Connection, name: str, appends: Sequence[Append]) -> None:
        table, sql = self._table(name)
        rows = self._standing(db, sql.c[table.columns[0].name], appends)
        if rows:
            db.execute(
                sql.insert(), [dict(zip((column.name for column in table.columns), row, strict=True)) for row in rows]
            )

    def _standing(self, db: Connection, event: sa.Column[Any], appends: Sequence[Append]) -> list[Row]:
        """Without the rows that follow an event whose own row is not there."""
        followed = {append.follows for append in appends if append.follows is not None}
        there = self._existing(db, event, followed) if followed else set()
        rows: list[Row] = []
        for append in appends:
            if append.follows is None or append.follows in there:
                rows.append(append.row)
                there.add(append.row[0])
        return rows

    def _position(self, db: Connection, connector: str, moved: Mapping[str, Seen]) -> None:
        there = self._existing(db, bus.applied.c.key, moved, bus.applied.c.connector == connector)
        names = ("version", "recorded", "event_id", "digest", "gone")
        rows = [{"c": connector, "k": key} | dict(zip(names, seen, strict=True)) for key, seen in moved.items()]
        if known := [row for row in rows if row["k"] in there]:
            where = (bus.applied.c.connector == bindparam("c")) & (bus.applied.c.key == bindparam("k"))
            db.execute(bus.applied.update().where(where).values({name: bindparam(name) for name in names}), known)
        if fresh := [row for row in rows if row["k"] not in there]:
            values: dict[str, Any] = {"connector": bindparam("c"), "key": bindparam("k")} | {
                name: bindparam(name) for name in names
            }
            db.execute(bus.applied.insert().values(values), fresh)

    def _set_aside(self, db: Connection, connector: str, outcome: Outcome) -> None:
        at = bus.parked.c
        for key, seq in outcome.freed:
            db.execute(bus.parked.delete().where((at.connector == connector) & (at.key == key) & (at.seq == seq)))
        for entry in outcome.parked.values():
            db.execute(bus.parked.insert().values(bus.pack(connector, entry, self._now)))
        for no, (key, event_id, why) in enumerate(outcome.reviews):
            row = {
                "connector": connector,
                "key": key,
                "event_id": event_id,
                "no": no,
                "why": why[:255],
                "at": self._now,
            }
            db.execute(bus.review.insert().values(row))

    def _move(self, db: Connection, connector: str, upto: Offsets) -> None:
        at = bus.offset.c
        for (topic, partition), following in upto.items():
            place = (at.connector == connector) & (at.topic == topic) & (at.partition == partition)
            if not db.execute(bus.offset.update().where(place).values(next=following, at=self._now)).rowcount:
                values = {
                    "connector": connector,
                    "topic": topic,
                    "partition": partition,
                    "next": following,
                    "at": self._now,
                }
                db.execute(bus.offset.insert().values(values))

    def _count(self, db: Connection, connector: str, applied: Applied) -> None:
        counted = {
            "applied": bus.owner.c.applied + applied.fresh + applied.released,
            "stale": bus.owner.c.stale + applied.stale,
        }
        db.execute(bus.owner.update().where(bus.owner.c.connector == connector).values(counted))

    # Reading

    def _table(self, name: str) -> tuple[Table, sa.Table]:
        if name not in self._tables:
            raise Misconfigured(f"no table {name} was prepared", code="TABLE_UNKNOWN")
        return self._tables[name]

    @staticmethod
    def _existing(
        db: Connection, column: sa.Column[Any], values: Iterable[Any], *where: sa.ColumnElement[bool]
    ) -> set[Any]:
        found: set[Any] = set()
        for chunk in _chunks(values):
            found.update(db.execute(sa.select(column).where(column.in_(chunk), *where)).scalars())
        return found

    def _seen(self, db: Connection, connector: str, keys: Iterable[str]) -> dict[str, Seen]:
        at = bus.applied.c
        query = sa.select(at.key, at.version, at.recorded, at.event_id, at.digest, at.gone).where(
            at.connector == connector
        )
        return {
            key: Seen(version, recorded, event, bytes(digest), bool(gone))
            for chunk in _chunks(keys)
            for key, version, recorded, event, digest, gone in db.execute(query.where(at.key.in_(chunk)))
        }

    def _waiting(self, db: Connection, connector: str, keys: Iterable[str]) -> dict[str, list[Parked]]:
        at = bus.parked.c
        found: dict[str, list[Parked]] = {}
        for chunk in _chunks(keys):
            query = bus.parked.select().where((at.connector == connector) & at.key.in_(chunk)).order_by(at.key, at.seq)
            for row in db.execute(query):
                found.setdefault(row.key, []).append(bus.unpack(row))
        return found

    def offsets(self, connector: str) -> Offsets:
        at = bus.offset.c
        with self._transaction() as db:
            found = db.execute(sa.select(at.topic, at.partition, at.next).where(at.connector == connector))
            return {(topic, partition): following for topic, partition, following in found}

    def parked(self, connector: str, key: str | None = None) -> Sequence[Parked]:
        at = bus.parked.c
        query = bus.parked.select().where(at.connector == connector).order_by(at.key, at.seq)
        with self._transaction() as db:
            return [bus.unpack(row) for row in db.execute(query if key is None else query.where(at.key == key))]

    def progress(self, connector: str) -> Progress:
        def number(what: Any, table: sa.Table, *where: Any) -> Any:
            return sa.select(what).where(table.c.connector == connector, *where).scalar_subquery()

        count = sa.func.count
        with self._transaction() as db:
            row = db.execute(
                sa.select(
                    number(count(), bus.applied),
                    *(number(bus.owner.c[name], bus.owner) for name in ("applied", "stale", "fenced")),
                    number(count(sa.distinct(bus.parked.c.key)), bus.parked),
                    number(count(), bus.review, bus.review.c.resolved.is_(None)),
                    number(sa.func.max(bus.offset.c.at), bus.offset),
                )
            ).one()
        *counts, last = row
        persons, done, stale, fenced, held, reviews = (int(value or 0) for value in counts)
        return Progress(persons, done, stale, fenced, held, reviews, None if last is None else bus.instant(last))

    def rows(self, table: str) -> Sequence[Row]:
        _, sql = self._table(table)
        with self._transaction() as db:
            return in_order([tuple(row) for row in db.execute(sa.select(sql))])

    def close(self) -> None:
        self._engine.dispose()


def _mine(connector: str, epoch: int) -> sa.ColumnElement[bool]:
    return (bus.owner.c.connector == connector) & (bus.owner.c.epoch == epoch)


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(values)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
