"""How does PostgreSQL take a batch quickly? Binary COPY beside the table; guard, merge and commit in one flight."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from bus.adapters.sql import bus_tables as bus
from bus.adapters.sql.engine import translated
from bus.adapters.sql.store import SqlStore
from bus.broker import Offsets
from bus.change import Row
from bus.connector.guard import FURTHEST, Outcome, Verdict, hopeful, judge
from bus.errors import Fenced, Reject, Unavailable
from bus.mirror.express import Ready
from bus.store import Again, Applied, Delivery, Seen, Table

Statement = tuple[str, Sequence[Any]]

TYPES: Final = {"text": "text", "bool": "boolean", "int": "bigint", "date": "date", "timestamp": "timestamptz"}
POSITION: Final = {
    "key": "text", "version": "bigint", "recorded": "bigint", "event_id": "text", "digest": "bytea", "gone": "boolean",
}  # fmt: skip
# A frozen owner must not keep its successor waiting for ever.
SESSION: Final = (
    "set lock_timeout = '15s'; set statement_timeout = '120s'; set idle_in_transaction_session_timeout = '30s'"
)
EVICT: Final = """select pg_terminate_backend(pid) from pg_stat_activity where application_name = :name
    and datname = current_database() and usename = current_user and pid <> pg_backend_pid()"""
NOW: Final = bus.NOW["postgresql"]
HOLD: Final = f"""update bus_owner set renewed = {NOW}, applied = applied + %s where connector = %s and epoch = %s"""
_NAMES: Final = ", ".join(POSITION)
_CHANGED: Final = [name for name in POSITION if name != "key"]
_RENEW: Final = f"({', '.join(_CHANGED)}) = ({', '.join(f'excluded.{name}' for name in _CHANGED)})"
PUT: Final = f"insert into bus_applied as a (connector, {_NAMES}) select %s, {_NAMES} from bus_new_applied"
IS_NEXT: Final = f"""excluded.event_id <> a.event_id and (excluded.version = a.version + 1
    or a.gone and excluded.version > a.version and excluded.version <= a.version + {FURTHEST})"""
OVERWRITE: Final = f"{PUT} on conflict (connector, key) do update set {_RENEW}"
# Divides by zero, and so undoes the transaction, unless every single one was the next of its person.
GUARDED: Final = f"""with done as ({PUT} where not (key = any(%s))
    on conflict (connector, key) do update set {_RENEW} where {IS_NEXT} returning 1)
    select 1 / (count(*) = %s)::int from done"""
CHECKED: Final = f"{PUT} where key = any(%s) on conflict (connector, key) do update set {_RENEW}"
MOVE: Final = f"""insert into bus_offset (connector, topic, partition, next, at)
    select %s, topic, partition, next, {NOW}
    from unnest(%s::text[], %s::bigint[], %s::bigint[]) as u (topic, partition, next)
    on conflict (connector, topic, partition) do update set next = excluded.next, at = excluded.at"""
REVIEW: Final = f"""insert into bus_review (connector, key, event_id, no, why, at)
    select %s, key, event_id, no, left(why, 255), {NOW}
    from unnest(%s::text[], %s::text[], %s::text[]) with ordinality as u (key, event_id, why, no)"""
logging.getLogger("psycopg").setLevel(logging.ERROR)  # its warnings say again what it raises


class PostgresStore(SqlStore):
    """One connection, held; everything unusual takes the portable way, with COPY in it."""

    def __init__(self, made: Engine) -> None:
        super().__init__(made)
        self._db: Connection | None = None
        self._held: dict[
            str, set[str]
        ] = {}  # connector -> persons of whom something is parked: only its owner adds to them

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with translated():
                db = self._open()
                with db.begin():
                    yield db
        except Unavailable as error:
            if not isinstance(error, Fenced):
                self._drop()
            raise

    def _open(self) -> Connection:
        if self._db is None:
            self._db = self._engine.connect()
            raw = _raw(self._db)
            raw.execute(SESSION)
            for name, types in self._beside().items():
                columns = ", ".join(f"{_quoted(column)} {kind}" for column, kind in types.items())
                raw.execute(f"create temporary table if not exists {name} ({columns}) on commit delete rows")
            raw.commit()
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.invalidate()
            db.close()

    def _beside(self) -> dict[str, Mapping[str, str]]:
        tables = {
            _beside(name): {c.name: TYPES[c.type] for c in table.columns} for name, (table, _) in self._tables.items()
        }
        return {"bus_new_applied": POSITION, **tables}

    def prepare(self, tables: Sequence[Table]) -> None:
        super().prepare(tables)
        self._drop_gently()  # the next connection has the tables beside

    def close(self) -> None:
        self._drop_gently()
        super().close()

    def _drop_gently(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.detach()
            db.close()

    def claim(self, connector: str, holder: str) -> int:
        """A former owner that is frozen in the middle of a transaction holds its locks: its session is ended."""
        name = f"bus:{connector}"[:63]
        try:
            with self._transaction() as db:
                db.execute(sa.text("set local lock_timeout = '2s'"))
                db.execute(sa.select(bus.owner.c.epoch).where(bus.owner.c.connector == connector).with_for_update())
        except Unavailable:
            with self._transaction() as db:
                db.execute(sa.text(EVICT), {"name": name})
        epoch = super().claim(connector, holder)
        with self._transaction() as db:
            db.execute(sa.text("select set_config('application_name', :name, false)"), {"name": name})
        self._held[connector] = {entry.key for entry in self.parked(connector)}
        return epoch

    def apply(
        self, connector: str, deliveries: Sequence[Delivery], upto: Offsets, again: Again | None = None
    ) -> Applied:
        outcome = hopeful(deliveries, self._held.get(connector, ()))
        if outcome is not None:
            try:
                with self._fencing(connector):
                    return self._at_once(connector, outcome, upto)
            except _UnusualError:
                pass  # nothing was written: look closer
        return super().apply(connector, deliveries, upto, again)

    def _at_once(self, connector: str, outcome: Outcome, upto: Offsets) -> Applied:
        """Every delivery is the next of its person, as PostgreSQL itself confirms before it commits."""
        with self._transaction() as db:
            raw = _raw(db)
            epoch = self._epochs.get(connector, 0)
            if not raw.execute(HOLD, (outcome.applied.fresh, connector, epoch)).rowcount:
                raise Fenced(f"another process owns {connector}", hint="it goes on from the same place; this one stops")
            several = [key for key, first in outcome.moved.items() if outcome.seen[key].version != first.version]
            self._check(db, connector, several, outcome)
            effects = self._stage(db, outcome)
            statements: list[Statement] = [(GUARDED, (connector, several, len(outcome.moved) - len(several)))]
            if several:
                statements.append((CHECKED, (connector, several)))
            statements += effects
            if outcome.reviews:
                statements.append((REVIEW, (connector, *map(list, zip(*outcome.reviews, strict=True)))))
            if upto:
                statements.append(_offsets(connector, upto))
            try:
                with raw.pipeline():
                    for sql, values in [*statements, ("commit", ())]:
                        raw.execute(sql, values)
            except psycopg.errors.DivisionByZero:
                raise _UnusualError from None
        return outcome.applied

    def _check(self, db: Connection, connector: str, keys: Sequence[str], outcome: Outcome) -> None:
        """Persons with several versions in the batch: the judge looks at the first of each."""
        seen = self._seen(db, connector, keys)
        for key in keys:
            if judge(outcome.moved[key], seen.get(key)) is not Verdict.FRESH:
                raise _UnusualError

    def _stage(self, db: Connection, outcome: Outcome) -> list[Statement]:
        """Copies everything beside the tables; returns what brings it in."""
        raw = _raw(db)
        statements: list[Statement] = []
        for name, keeps in outcome.keeps.items():
            statements += self._stage_kept(raw, name, keeps)
        for name, appends in outcome.appends.items():
            table, sql = self._table(name)
            rows = self._standing(db, sql.c[table.columns[0].name], appends)
            statements += self._stage_rows(raw, table, rows, "")
        _copy_positions(raw, [(key, *outcome.seen[key]) for key in outcome.moved])
        return statements

    def _stage_kept(
        self, raw: psycopg.Connection[Any], name: str, keeps: Mapping[str, Sequence[Row]]
    ) -> list[Statement]:
        table, _ = self._table(name)
        key, *others = (_quoted(column.name) for column in table.columns)
        loose = [one for one, rows in keeps.items() if type(rows) is not Ready]
        gone = list(keeps) if table.many else [one for one in loose if not keeps[one]]
        changes = ", ".join(f"{column} = excluded.{column}" for column in others)
        clash = "" if table.many else f" on conflict ({key}) do {f'update set {changes}' if changes else 'nothing'}"
        statements: list[Statement] = [(f"delete from {_quoted(name)} where {key} = any(%s)", (gone,))] if gone else []
        ready = [rows for rows in keeps.values() if type(rows) is Ready]
        _copy_ready(raw, _beside(name), ready)
        rows = [row for one in loose for row in keeps[one]]
        return statements + self._stage_rows(raw, table, rows, clash, is_begun=bool(ready))

    @staticmethod
    def _stage_rows(
        raw: psycopg.Connection[Any], table: Table, rows: Sequence[Row], clash: str, *, is_begun: bool = False
    ) -> list[Statement]:
        if rows:
            _copy(raw, _beside(table.name), {column.name: TYPES[column.type] for column in table.columns}, rows)
        elif not is_begun:
            return []
        columns = ", ".join(_quoted(column.name) for column in table.columns)
        return [
            (f"insert into {_quoted(table.name)} ({columns}) select {columns} from {_beside(table.name)}{clash}", ())
        ]

    def _write(self, db: Connection, connector: str, outcome: Outcome) -> None:
        raw = _raw(db)
        for sql, values in [*self._stage(db, outcome), (OVERWRITE, (connector,))]:
            raw.execute(sql, values)
        self._set_aside(db, connector, outcome)
        held = self._held.setdefault(connector, set())
        for key, queue in outcome.waiting.items():
            (held.add if queue else held.discard)(key)
        held.difference_update(key for key in outcome.seen if not outcome.waiting.get(key))

    def _move(self, db: Connection, connector: str, upto: Offsets) -> None:
        if upto:
            _raw(db).execute(*_offsets(connector, upto))

    def _seen(self, db: Connection, connector: str, keys: Iterable[str]) -> dict[str, Seen]:
        wanted = list(keys)
        if not wanted:
            return {}
        columns = ", ".join(POSITION)
        found = _raw(db).execute(
            f"select {columns} from bus_applied where connector = %s and key = any(%s)", (connector, wanted)
        )
        return {key: Seen(*seen) for key, *seen in found}


class _UnusualError(Exception):
    """Not every delivery is the next of its person."""


def _raw(db: Connection) -> psycopg.Connection[Any]:
    raw = db.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw


def _copy(raw: psycopg.Connection[Any], name: str, types: Mapping[str, str], rows: Iterable[Row]) -> None:
    columns = ", ".join(map(_quoted, types))
    with raw.cursor() as cursor, cursor.copy(f"copy {name} ({columns}) from stdin (format binary)") as copy:
        copy.set_types(list(types.values()))
        write = copy.write_row
        try:
            for row in rows:
                write(row)
        except (psycopg.ProgrammingError, ValueError, TypeError, AttributeError):
            raise Reject("a cell is of another type than its column", code="DATA") from None


def _copy_positions(raw: psycopg.Connection[Any], positions: Sequence[Row]) -> None:
    """As text, which is quicker to write than cells; unless a letter in it means something to COPY."""
    text = "".join([f"{a}\t{b}\t{c}\t{d}\t\\\\x{e.hex()}\t{'t' if f else 'f'}\n" for a, b, c, d, e, f in positions])
    count = len(positions)
    if (text.count("\t"), text.count("\n"), text.count("\\"), text.count("\r")) != (5 * count, count, 2 * count, 0):
        _copy(raw, "bus_new_applied", POSITION, positions)
        return
    with raw.cursor() as cursor, cursor.copy(f"copy bus_new_applied ({_NAMES}) from stdin (encoding 'UTF8')") as copy:
        copy.write(text.encode())


def _copy_ready(raw: psycopg.Connection[Any], name: str, rows: Iterable[Ready]) -> None:
    """Records of several versions of a schema may have their columns in several orders."""
    by_columns: dict[tuple[str, ...], list[bytes]] = {}
    for row in rows:
        by_columns.setdefault(row.columns, []).append(row.line)
    for columns, lines in by_columns.items():
        names = ", ".join(map(_quoted, columns))
        command = f"copy {name} ({names}) from stdin (null '', encoding 'UTF8')"
        with raw.cursor() as cursor, cursor.copy(command) as copy:
            copy.write(b"".join(lines))


def _offsets(connector: str, upto: Offsets) -> Statement:
    places = list(upto)
    return MOVE, (
        connector,
        [topic for topic, _ in places],
        [partition for _, partition in places],
        list(upto.values()),
    )


def _beside(name: str) -> str:
    return _quoted(f"bus_new_{name}"[:63])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
