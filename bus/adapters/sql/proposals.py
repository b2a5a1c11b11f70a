"""What did a department decide about each request it heard, and which facts did that lead to?

A row that a connector appended is a request, and received. Staff propose, then confirm or reject: a state only goes
forward, and a final one is acknowledged by the fact `<department>.decision`, in the transaction that decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from bus.adapters.sql.engine import create, translated
from bus.adapters.sql.facts import FactBook
from bus.dates import Uncertain, day
from bus.errors import Reject
from bus.event import Event
from bus.fact.say import Say
from bus.register.outbox import Transaction

RECEIVED, PROPOSED, CONFIRMED, REJECTED = "received", "proposed", "confirmed", "rejected"
FINAL: Final = (CONFIRMED, REJECTED)
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS bus_proposal (
        request text NOT NULL,
        event_id text NOT NULL,
        state text NOT NULL CHECK (state IN ('received', 'proposed', 'confirmed', 'rejected')),
        decided_by text,
        decided_at timestamptz,
        note text,
        PRIMARY KEY (request, event_id)
    )""",
    """CREATE TABLE IF NOT EXISTS bus_proposal_fact (
        request text NOT NULL,
        event_id text NOT NULL,
        fact_event_id uuid NOT NULL,
        PRIMARY KEY (request, event_id, fact_event_id),
        FOREIGN KEY (request, event_id) REFERENCES bus_proposal
    )""",
)
_BEGIN: Final = text(
    "INSERT INTO bus_proposal (request, event_id, state) VALUES (:request, :event_id, 'received') "
    "ON CONFLICT DO NOTHING"
)
_LOCK: Final = text("SELECT state FROM bus_proposal WHERE request = :request AND event_id = :event_id FOR UPDATE")
_DECIDE: Final = text(
    "UPDATE bus_proposal SET state = :state, decided_by = :by, decided_at = :at, note = :note "
    "WHERE request = :request AND event_id = :event_id"
)
_LEAD: Final = text("INSERT INTO bus_proposal_fact VALUES (:request, :event_id, CAST(:fact AS uuid))")
_LED: Final = text(
    "SELECT fact_event_id::text FROM bus_proposal_fact WHERE request = :request AND event_id = :event_id ORDER BY 1"
)
_IS_OPEN: Final = "p.state IS NULL OR p.state NOT IN ('confirmed', 'rejected')"
_THERE: Final = text("SELECT to_regclass(:name) IS NOT NULL")


class Request(NamedTuple):
    """A row of an appended table, and how far it has come."""

    table: str
    event_id: str
    kind: str
    supersedes: str | None
    state: str
    decided_by: str | None
    decided_at: datetime | None
    note: str | None
    row: Mapping[str, Any]  # every column of the request itself


class Decision(NamedTuple):
    """The state a request has now; ids of all events it led to, the acknowledgement among them."""

    state: str
    facts: tuple[str, ...]
    is_new: bool = True  # False: it had been decided so before, and nothing was done


@dataclass(frozen=True, slots=True)
class Proposals:
    book: FactBook
    tables: Sequence[str]  # the appended tables of the department's connector

    def prepare(self) -> None:
        """Makes what is missing; also while others do the same."""
        self.book.prepare()
        with translated(), self.book.engine.begin() as connection:
            create(connection)
            for statement in _TABLES:
                connection.execute(text(statement))

    def open(self, limit: int = 1_000) -> list[Request]:
        """What waits for a decision, as it came."""
        found: list[Request] = []
        with translated(), self.book.engine.connect() as connection:
            for table in self.tables:
                found += self._requests(connection, table, _IS_OPEN, limit - len(found))
        return found

    def all(self) -> list[Request]:
        with translated(), self.book.engine.connect() as connection:
            return [one for table in self.tables for one in self._requests(connection, table, "true", None)]

    def asked(self, event_id: str) -> list[str]:
        """The tables that ask something because of this event."""
        with translated(), self.book.engine.connect() as connection:
            return [table for table in self.tables if self._row(connection, table, event_id) is not None]

    def led(self, table: str, event_id: str) -> tuple[str, ...]:
        """The ids of all events that one request led to, the acknowledgement among them."""
        with translated(), self.book.engine.connect() as connection:
            return tuple(connection.execute(_LED, {"request": table, "event_id": event_id}).scalars())

    def propose(
        self, table: str, event_id: str, *, by: str, note: str = "", recorded: datetime | None = None,
        transaction: Transaction | None = None,
    ) -> Decision:  # fmt: skip
        """A draft that somebody else may confirm: no fact follows from it yet."""
        return self._decided(table, event_id, PROPOSED, by, note, (), recorded, transaction)

    def confirm(
        self, table: str, event_id: str, says: Sequence[Say] = (), *, by: str, note: str = "",
        recorded: datetime | None = None, transaction: Transaction | None = None,
    ) -> Decision:  # fmt: skip
        """What the decision says is said with it; `cause` is the request's event unless given."""
        return self._decided(table, event_id, CONFIRMED, by, note, says, recorded, transaction)

    def reject(
        self, table: str, event_id: str, says: Sequence[Say] = (), *, by: str, note: str = "",
        recorded: datetime | None = None, transaction: Transaction | None = None,
    ) -> Decision:  # fmt: skip
        return self._decided(table, event_id, REJECTED, by, note, says, recorded, transaction)

    def _decided(
        self, table: str, event_id: str, state: str, by: str, note: str, says: Sequence[Say],
        recorded: datetime | None, transaction: Transaction | None,
    ) -> Decision:  # fmt: skip
        place = {"request": table, "event_id": event_id}
        with translated(), self.book.joined(transaction) as db:
            row = self._row(db, table, event_id)
            if row is None:
                raise Reject("there is no such request", code="REQUEST_UNKNOWN", where=f"{table}/{event_id}")
            db.execute(_BEGIN, place)
            known = db.execute(_LOCK, place).scalar_one()
            if known == state:
                return Decision(state, tuple(db.execute(_LED, place).scalars()), is_new=False)
            if known in FINAL:
                raise Reject(f"it is {known} already", code="DECIDED", where=f"{table}/{event_id}")
            at = recorded or datetime.now(UTC)
            events = self._say(db, table, event_id, state, row, says, recorded, at)
            db.execute(_DECIDE, place | {"state": state, "by": by, "at": at, "note": note or None})
            if events:
                db.execute(_LEAD, [place | {"fact": event.id} for event in events])
            return Decision(state, tuple(sorted(event.id for event in events)))

    def _say(
        self, db: Transaction, table: str, event_id: str, state: str, row: Mapping[str, Any], says: Sequence[Say],
        recorded: datetime | None, at: datetime,
    ) -> list[Event]:  # fmt: skip
        if state not in FINAL:
            return []
        caused = [say if say.cause else replace(say, cause=event_id) for say in says]
        if self.book.speaks(entity := f"{self.book.system}.decision"):
            image = {
                "person": row.get("person"),
                "event": event_id,
                "request": table,
                "state": state,
                "decided_on": Uncertain.on(day(at)),
            }
            key = decision_key(self.book.system, table, event_id)
            caused.append(Say(entity, key, "KETTEI", image, Uncertain.on(day(at)), cause=event_id))
        return self.book.say(db, caused, recorded)

    def _row(self, db: Transaction, table: str, event_id: str) -> Mapping[str, Any] | None:
        if table not in self.tables or not db.execute(_THERE, {"name": table}).scalar_one():
            return None
        query = text(f'SELECT * FROM "{table}" WHERE event_id = :id')
        found = db.execute(query, {"id": event_id}).mappings().first()
        return None if found is None else {str(name): value for name, value in found.items()}

    def _requests(self, db: Connection, table: str, which: str, limit: int | None) -> list[Request]:
        """An appended table grows at its end, so that its rows lie as they came."""
        if not db.execute(_THERE, {"name": table}).scalar_one():
            return []  # the connector has not run yet
        query = text(
            f'SELECT t.*, coalesce(p.state, \'received\') AS "p.state", p.decided_by AS "p.by", '
            f'p.decided_at AS "p.at", p.note AS "p.note" FROM "{table}" t '
            f"LEFT JOIN bus_proposal p ON p.request = :table AND p.event_id = t.event_id "
            f"WHERE {which} ORDER BY t.ctid LIMIT :limit"
        )
        rows = db.execute(query, {"table": table, "limit": limit}).mappings()
        return [_request(table, dict(row)) for row in rows]


def _request(table: str, row: dict[Any, Any]) -> Request:
    state, by, at, note = (row.pop(f"p.{name}") for name in ("state", "by", "at", "note"))
    event_id, kind, supersedes = (row.pop(name) for name in ("event_id", "kind", "supersedes"))
    return Request(table, event_id, kind, supersedes, state, by, at and at.astimezone(UTC), note, row)


def decision_key(system: str, table: str, event_id: str) -> str:
    """One per request: short enough for every store, whatever the table is called. The fact itself names both.

    Without a digit, or one key in a thousand would look like a 個人番号 and be refused.
    """
    return f"{system}/{sha256(f'{event_id}/{table}'.encode()).hexdigest()[:24].translate(_LETTERS)}"
