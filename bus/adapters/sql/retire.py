"""Which days does an outbox hold, what was noted about them, and how is one dropped?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Engine, MetaData, Row, String, Table, Text, func, select, text

from bus.adapters.sql.engine import create, translated
from bus.broker import Offsets
from bus.errors import Unavailable
from bus.register.outbox import install, make_partitions
from bus.register.retire import Day

_retire = Table(
    "bus_retire",
    MetaData(),
    Column("day", String(64), primary_key=True),  # the partition's name, behind that of any outbox but the register's
    Column("canonical", Text),  # and the last numbers of the day then: whoever commits late makes the note void
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
_IS_THERE = text("SELECT to_regclass('bus_outbox') IS NOT NULL")
_TODAY = text("SELECT (transaction_timestamp() AT TIME ZONE 'UTC')::date")


class SqlDays:
    """Works as the owner of an outbox, and keeps its notes in the bus's own database."""

    def __init__(self, outbox: Engine, bus: Engine, of: str = "", shards: int | None = None) -> None:
        """`of`: whose outbox; the register's has no name. `shards`: one that is not there yet is made, with so many."""
        self._outbox, self._bus, self._prefix, self._shards = outbox, bus, of and f"{of}/", shards

    def ahead(self, days: int) -> None:
        """Makes the partitions of today and the days to come."""
        with translated(), self._outbox.begin() as db:
            db.execute(text("SET LOCAL lock_timeout = '2s'"))  # writers never wait longer for us
            if self._shards is not None and not db.execute(_IS_THERE).scalar_one():
                create(db)
                install(db, self._shards)
            make_partitions(db, db.execute(_TODAY).scalar_one(), days=days)

    def today(self) -> date:
        with translated(), self._outbox.connect() as db:
            day: date = db.execute(_TODAY).scalar_one()
        return day

    def said(self) -> Mapping[int, int]:
        """Per shard the number up to which nothing is unpublished, and nobody blocked."""
        with translated(), self._outbox.connect() as db:
            return {row.shard: row.said for row in db.execute(_SAID)}

    def days(self) -> Sequence[Day]:
        with translated(), self._outbox.connect() as db:
            found = {table: _last(db, table) for (table,) in db.execute(_DAYS).all()}
        with translated(), self._bus.begin() as db:
            create(db, _retire.metadata)
            notes = {row.day: row for row in db.execute(select(_retire).where(_retire.c.dropped.is_(None)))}
        return [_day(table, last, notes.get(self._prefix + table)) for table, last in found.items()]

    def note(self, day: Day, column: str, ends: Offsets) -> None:
        mine = _retire.c.day == self._prefix + day.table
        first = {"canonical": _packed_with(day.last, ends), "narrowed": None, "dropped": None}  # it may have come back
        change = first if column == "canonical" else {column: _packed(ends)}
        with translated(), self._bus.begin() as db:
            if db.execute(select(_retire.c.day).where(mine)).first() is None:
                db.execute(_retire.insert().values(day=self._prefix + day.table))
            db.execute(_retire.update().where(mine).values(change))

    def drop(self, day: Day) -> bool:
        """Once more under a lock that no open insert survives: False when somebody writes, or wrote, into the day."""
        try:
            with translated(), self._outbox.begin() as db:
                db.execute(text("SET LOCAL lock_timeout = '2s'"))
                db.execute(text(f"LOCK TABLE {day.table} IN ACCESS EXCLUSIVE MODE"))
                if _last(db, day.table) != day.last:
                    return False
                db.execute(text(f"DROP TABLE {day.table}"))
        except Unavailable:
            return False
        with translated(), self._bus.begin() as db:
            dropped: datetime = db.execute(select(func.now())).scalar_one()
            db.execute(_retire.update().where(_retire.c.day == self._prefix + day.table).values(dropped=dropped))
        return True


def _last(db: Connection, table: str) -> dict[int, int]:
    return {shard: last for shard, last in db.execute(text(_LAST.format(table=table))) if last is not None}


def _day(table: str, last: Mapping[int, int], note: Row[Any] | None) -> Day:
    when = datetime.strptime(table[-8:], "%Y%m%d").date()  # noqa: DTZ007 — a day has no zone
    if note is None or note.canonical is None or not isinstance(noted := json.loads(note.canonical), dict):
        return Day(when, table, last)  # a list: from before the numbers were noted with it
    if dict(noted["last"]) != last:
        return Day(when, table, last)
    return Day(when, table, last, _offsets(noted["ends"]), note.narrowed and _offsets(json.loads(note.narrowed)))


def _packed_with(last: Mapping[int, int], ends: Offsets) -> str:
    return json.dumps({"last": [list(one) for one in sorted(last.items())], "ends": _listed(ends)})


def _packed(ends: Offsets) -> str:
    return json.dumps(_listed(ends))


def _listed(ends: Offsets) -> list[list[Any]]:
    return [[topic, partition, end] for (topic, partition), end in sorted(ends.items())]


def _offsets(listed: list[list[Any]]) -> Offsets:
    return {(topic, partition): end for topic, partition, end in listed}
