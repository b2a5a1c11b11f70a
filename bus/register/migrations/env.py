"""Where do Alembic's migrations run? In the one transaction of the owner's connection, grants included."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from bus.register import outbox

_CLOCK = ("clock_until", "clock_known", "clock_due", "clock_said", "clock_review")
_READ = ("incarnation", "household", "person", "resident_history", "code", *_CLOCK)
_ADD = ("household", "person", "resident_history", "access_log", *_CLOCK)


def _grant(connection: Connection, role: str) -> None:
    """The application adds history and moves `person` along; the constraint triggers say how."""
    name = connection.dialect.identifier_preparer.quote(role)
    connection.execute(text(f"GRANT SELECT ON {', '.join(_READ)} TO {name}"))
    connection.execute(text(f"GRANT INSERT ON {', '.join(_ADD)} TO {name}"))
    connection.execute(text(f"GRANT UPDATE (version, household_no, state) ON person TO {name}"))
    connection.execute(text(f"GRANT UPDATE (no) ON household TO {name}"))  # what FOR UPDATE asks for
    connection.execute(text(f"GRANT UPDATE ON clock_until, clock_known, clock_review TO {name}"))
    connection.execute(text(f"GRANT UPDATE (superseded_by) ON clock_said TO {name}"))
    connection.execute(text(f"GRANT DELETE ON clock_due, clock_review TO {name}"))
    connection.execute(text(f"GRANT USAGE ON SEQUENCE person_serial, household_serial TO {name}"))


def _codes(connection: Connection, lists: list[tuple[str, str, str]]) -> None:
    """The code lists as schemas/codes has them; a code that was once in use stays."""
    statement = (
        "INSERT INTO code (list, code, name_ja) VALUES (:list, :code, :name_ja) "
        "ON CONFLICT (list, code) DO UPDATE SET name_ja = excluded.name_ja"
    )
    rows = [{"list": name, "code": code, "name_ja": text_} for name, code, text_ in lists]
    if rows:
        connection.execute(text(statement), rows)


def _run() -> None:
    given = context.config.attributes
    url = make_url(given["dsn"])
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(7_010_122)"))  # one at a time
        context.configure(connection=connection)
        context.run_migrations()
        _codes(connection, given["codes"])
        outbox.install(connection, given["shards"])
        outbox.grant(connection, writer=given["app_role"], relay=given["relay_role"])
        if given["app_role"] is not None:
            _grant(connection, given["app_role"])


_run()
