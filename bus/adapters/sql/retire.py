"""Which days does an outbox hold, what was noted about them, and how is one dropped?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Engine, MetaData, Row, String, Table, Text, func, select, text

from bus.adapters.sql.engine import translated
from bus.broker import Offsets
from bus.errors import Unavailable
from bus.register.outbox import make_partitions
from bus.register.retire import Day

_retire = Table(
    "bus_retire",
    MetaData(),
    Column("day", String(64), primary_key=True),  # the partition's name
    Column("canonical", Text),
    Column("narrowed", Text),
    Column("dropped", DateTime(timezone=True)),
)

_DAYS = text("""
    SELECT child.relname FROM pg_inherits i JOIN pg_class child ON child.oid = i.inhrelid
    WHERE i.inhparent = 'bus_outbox'::regclass AND child.relname ~ '^bus_outbox_[0-9]{8}$' ORDER BY 1
""")
_SAID = text("""
    SELECT l.shard, least(l.cursor, (SELECT min(seq) - 1 FROM bus_blocked b WHERE b.shard = l.shard)) AS said
    FROM bus_lease l
""")
_LAST = "SELECT shard, (SELECT max(seq) FROM {table} p WHERE p.shard = l.shard) FROM bus_lease l"
_TODAY = text("SELECT (transaction_timestamp() AT TIME ZONE 'UTC')::date")


class SqlDays:
    """Works as the owner of the register's outbox, and keeps its notes in the bus's own database."""

    def __init__(self, register: Engine, bus: Engine) -> None:
        self._register, self._bus = register, bus

    def ahead(self, days: int) -> None:
        """Makes the partitions of today and the days to come."""
        with translated(), self._register.begin() as db:
            db.execute(text("SET LOCAL lock_timeout = '2s'"))  # writers never wait longer for us
            make_partitions(db, db.execute(_TODAY).scalar_one(), days=days)

    def today(self) -> date:
        with translated(), self._register.connect() as db:
            day: date = db.execute(_TODAY).scalar_one()
        return day

    def said(self) -> Mapping[int, int]:
        """Per shard the number up to which nothing is unpublished, and nobody blocked."""
        with translated(), self._register.connect() as db:
            return {row.shard: row.said for row in db.execute(_SAID)}

    def days(self) -> Sequence[Day]:
        with translated(), self._register.connect() as db:
            found = {table: _last(db, table) for (table,) in db.execute(_DAYS).all()}
        with translated():
            _retire.create(self._bus, checkfirst=True)
            with self._bus.connect() as db:
                notes = {row.day: row for row in db.execute(select(_retire).where(_retire.c.dropped.is_(None)))}
        return [_day(table, last, notes.get(table)) for table, last in found.items()]

    def note(self, day: Day, column: str, ends: Offsets) -> None:
        with translated(), self._bus.begin() as db:
            if db.execute(select(_retire.c.day).where(_retire.c.day == day.table)).first() is None:
                db.execute(_retire.insert().values(day=day.table))
            db.execute(_retire.update().where(_retire.c.day == day.table).values({column: _packed(ends)}))

    def drop(self, day: Day) -> bool:
        """Once more under a lock that no open insert survives: False when somebody writes, or wrote, into the day."""
        try:
            with translated(), self._register.begin() as db:
                db.execute(text("SET LOCAL lock_timeout = '2s'"))
                db.execute(text(f"LOCK TABLE {day.table} IN ACCESS EXCLUSIVE MODE"))
                if _last(db, day.table) != day.last:
                    return False
                db.execute(text(f"DROP TABLE {day.table}"))
        except Unavailable:
            return False
        with translated(), self._bus.begin() as db:
            dropped: datetime = db.execute(select(func.now())).scalar_one()
            db.execute(_retire.update().where(_retire.c.day == day.table).values(dropped=dropped))
        return True


def _last(db: Connection, table: str) -> dict[int, int]:
    return {shard: last for shard, last in db.execute(text(_LAST.format(table=table))) if last is not None}


def _day(table: str, last: Mapping[int, int], note: Row[Any] | None) -> Day:
    when = datetime.strptime(table[-8:], "%Y%m%d").date()  # noqa: DTZ007 — a day has no zone
    if note is None:
        return Day(when, table, last)
    return Day(when, table, last, _unpacked(note.canonical), _unpacked(note.narrowed))


def _packed(ends: Offsets) -> str:
    return json.dumps([[topic, partition, end] for (topic, partition), end in sorted(ends.items())])


def _unpacked(text: str | None) -> Offsets | None:
    return None if text is None else {(topic, partition): end for topic, partition, end in json.loads(text)}
