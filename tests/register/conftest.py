"""What do tests of the register on PostgreSQL share? A migrated database, with the roles that a city gives out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from bus.adapters.sql.admin import drop_database, make_database
from bus.adapters.sql.engine import engine as connect
from bus.contract.schema import Contracts
from bus.register.entry import Entry
from bus.register.schema import migrate
from bus.settings import ROOT
from bus.topology.model import load


@dataclass(frozen=True)
class Register:
    dsn: str
    owner: Engine
    app: Engine
    relay: Engine
    entry: Entry


def migrated(database: Callable[..., str]) -> Register:
    """The database first: it is dropped before the roles that have rights in it."""
    dsn = database("register")
    url = make_url(dsn)
    guests = [make_url(database(role)) for role in ("app", "relay")]
    owner = connect(dsn)
    with owner.begin() as db:
        for guest in guests:
            db.execute(text(f'GRANT CONNECT ON DATABASE "{url.database}" TO "{guest.username}"'))
    for _ in range(2):  # again and again with the same result
        migrate(dsn, app_role=guests[0].username, relay_role=guests[1].username)
    app, relay = (connect(guest.set(database=url.database)) for guest in guests)
    topology = load(ROOT / "topology.yaml")
    contract = Contracts(ROOT / "schemas", topology).canonical()
    return Register(
        app.url.render_as_string(hide_password=False), owner, app, relay, Entry.open(app, contract, "999999")
    )


@pytest.fixture(scope="session")
def register(stack: Any) -> Iterator[Register]:
    """One for all tests: each of them brings its own people."""
    yield from one_register(stack)


def one_register(stack: Any) -> Iterator[Register]:
    names: list[str] = []

    def database(name: str) -> str:
        names.append(f"t_{name}_{secrets.token_hex(4)}")
        make_database(stack.pg_admin_dsn, names[-1], names[-1], "secret")
        server = stack.pg_admin_dsn.rpartition("@")[2].partition("/")[0]
        return f"postgresql+psycopg://{names[-1]}:secret@{server}/{names[-1]}"

    made = migrated(database)
    yield made
    for engine in (made.owner, made.app, made.relay):
        engine.dispose()
    for name in names:
        drop_database(stack.pg_admin_dsn, name, name)


@pytest.fixture(scope="session")
def second_register(stack: Any) -> Iterator[Register]:
    yield from one_register(stack)


@pytest.fixture
def empty_register(second_register: Register) -> Register:
    """For tests that speak of everybody there is."""
    with second_register.owner.begin() as db:
        tables = set(db.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars())
        kept = {"alembic_version", "incarnation", "code", "bus_lease"}
        db.execute(text(f"TRUNCATE {', '.join(tables - kept)} RESTART IDENTITY CASCADE"))
    return second_register
