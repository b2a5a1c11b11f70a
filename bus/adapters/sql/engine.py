"""How is a database reached, and what does a driver's error mean? The only place that knows drivers' errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, exc, make_url, text

from bus.errors import BusError, Misconfigured, Reject, Unavailable

# A dead server is noticed within seconds, also when it does not say goodbye.
_POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "bus",
    "options": "-c timezone=UTC",
}

# SQLSTATE classes: 22 data, 23 integrity, 44 check option, 54 limits (an index row too large), P0001 a trigger said no.
_DATA = ("22", "23", "44", "54", "P0001")
# 08 connection, 25 a read-only standby, 40 deadlock, 53 resources, 55 locks, 57 operator, 58 system, XX internal.
_AWAY = ("08", "25", "40", "53", "55", "57", "58", "XX")
_MYSQL_PORTABLE = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


def engine(dsn: str | URL) -> Engine:
    """A small pool that tests a connection before it is used. Nothing is connected before the first use."""
    url = make_url(dsn)
    name = {"postgresql": "postgresql+psycopg", **_MYSQL_PORTABLE}.get(url.drivername, url.drivername)
    url = url.set(drivername=name)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    arguments = _POSTGRESQL if url.get_backend_name() == "postgresql" else {}
    return create_engine(
        url,
        pool_size=2,
        max_overflow=6,
        pool_timeout=10,
        pool_pre_ping=True,
        hide_parameters=True,  # a person's values never reach a message (I14)
        connect_args={key: value for key, value in arguments.items() if key not in url.query},
    )


def _sqlite(url: URL) -> Engine:
    """Writers queue up at BEGIN and are never surprised by a lock later on."""
    made = create_engine(url, hide_parameters=True, connect_args={"timeout": 30})

    @event.listens_for(made, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # or the driver begins when it pleases
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(made, "begin")
    def _begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made


@contextmanager
def translated() -> Iterator[None]:
    """Inside, drivers' errors become ours; the driver's text, which quotes values, is not chained."""
    try:
        yield
    except (exc.SQLAlchemyError, psycopg.Error, OverflowError, UnicodeEncodeError, OSError) as error:
        raise sorted(error) from None


def sorted(error: BaseException) -> BusError:
    """Data and integrity are the event's fault; everything operational is the world's; the rest is ours."""
    if isinstance(error, BusError):
        return error
    cause = error.orig if isinstance(error, exc.StatementError) and error.orig is not None else error
    state = getattr(cause, "sqlstate", None) or ""
    if state.startswith(_DATA) or (not state and _is_data(error, cause)):
        return Reject(f"the database refuses this data: {_place(cause, state)}", code="DATA")
    if state.startswith(_AWAY) or (not state and _is_away(error, cause)):
        return Unavailable(f"the database cannot be used: {_place(cause, state)}", code="DATABASE")
    return Misconfigured(f"the database does not understand us: {_place(cause, state)}", code="DATABASE_SCHEMA")


def _is_data(error: BaseException, cause: BaseException) -> bool:
    if isinstance(error, exc.DBAPIError):
        return isinstance(error, (exc.DataError, exc.IntegrityError))
    # Raised before the database heard of it: a lone surrogate, an integer too long, a value of another type.
    return isinstance(error, exc.StatementError) or isinstance(
        cause, (psycopg.DataError, psycopg.IntegrityError, OverflowError, UnicodeEncodeError)
    )


def _is_away(error: BaseException, cause: BaseException) -> bool:
    if getattr(cause, "sqlite_errorname", None) == "SQLITE_ERROR":  # no such table
        return False
    kinds = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError, exc.DisconnectionError)
    return (
        bool(getattr(error, "connection_invalidated", False))
        or isinstance(error, (*kinds, OSError))
        or isinstance(cause, (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError))
    )


def _place(cause: BaseException, state: str) -> str:
    """Names only: the kind of error, the constraint, the table, the column. Never the driver's own text."""
    diagnosis = getattr(cause, "diag", None)
    names = [
        f"{kind} {name}"
        for kind in ("constraint", "table", "column")
        if (name := getattr(diagnosis, f"{kind}_name", None))
    ]
    kind = getattr(cause, "sqlite_errorname", None) or type(cause).__name__
    return ", ".join([f"{kind} {state}".strip(), *names])


def create(db: Connection, *metadata: MetaData) -> None:
    """What is missing. One at a time: two processes that look and then create trip over each other in PostgreSQL."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(7_010_123)"))
    for tables in metadata:
        tables.create_all(db)
