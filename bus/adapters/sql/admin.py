"""How does a PostgreSQL server get its databases, one role each, closed to one another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bus.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Database:
    """`owner` owns it; `guests` may connect, and do what the owner grants them."""

    name: str
    owner: str
    guests: tuple[str, ...] = ()


def provision(dsn: str, databases: Sequence[Database], passwords: Mapping[str, str]) -> None:
    """Makes what is missing, closes what is open; again and again with the same result. Nothing is ever dropped."""
    with _connect(dsn) as server:
        roles = {row[0] for row in server.execute("SELECT rolname FROM pg_roles")}
        for role in sorted({role for database in databases for role in (database.owner, *database.guests)} - roles):
            create_role(server, role, passwords[role])
        known = {row[0]: row[1] for row in server.execute("SELECT datname, datacl::text FROM pg_database")}
        for name in ("postgres", "template1"):
            _close(server, name)
        for database in databases:
            if database.name not in known:
                create_database(server, database.name, database.owner)
            for guest in database.guests:
                server.execute(
                    sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                        sql.Identifier(database.name), sql.Identifier(guest)
                    )
                )


def create_role(server: psycopg.Connection, role: str, password: str) -> None:
    """The server never sees the password itself, so no log can hold it."""
    hashed = server.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    server.execute(
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(hashed)
        )
    )


def create_database(server: psycopg.Connection, name: str, owner: str) -> None:
    server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    _close(server, name)


def drop_database(dsn: str, name: str, owner: str) -> None:
    """For tests: with whoever is still connected."""
    with _connect(dsn) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(owner)))


def make_database(dsn: str, name: str, owner: str, password: str) -> None:
    with _connect(dsn) as server:
        create_role(server, owner, password)
        create_database(server, name, owner)


def answers(dsn: str) -> bool:
    try:
        with _connect(dsn) as server:
            server.execute("SELECT 1")
    except Unavailable:
        return False
    return True


def _close(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _connect(dsn: str) -> psycopg.Connection:
    url = make_url(dsn)
    try:
        return psycopg.connect(
            host=url.host,
            port=url.port,
            user=url.username,
            password=url.password,
            dbname=url.database,
            autocommit=True,
            connect_timeout=5,
        )
    except psycopg.OperationalError as error:
        raise Unavailable("PostgreSQL is away", code="POSTGRES_AWAY", where=f"{url.host}:{url.port}") from error
