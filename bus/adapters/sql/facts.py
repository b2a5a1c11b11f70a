"""How does a department say something, and what has it said? One transaction with its own rows, in its own database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Executable, text

from bus.adapters.sql import fact_tables
from bus.adapters.sql.engine import translated
from bus.adapters.sql.saying import PAST, Act, Kind
from bus.contract.schema import Contracts
from bus.errors import Misconfigured, Refused, Reject
from bus.event import Event
from bus.fact.decide import Rules
from bus.fact.reasons import reasons
from bus.fact.say import Say
from bus.fact.shape import FactShape, is_protected, nest
from bus.register import history
from bus.register.outbox import Transaction

_SIMULATED: Final = "99999"  # towns that can never be real: only there may `recorded` be given
_PASTS: Final = text('SELECT * FROM bus_fact_history WHERE entity = :entity ORDER BY key COLLATE "C", version')
_FIND: Final = text(
    "SELECT entity, key, version, image, recorded FROM bus_fact WHERE entity = :entity AND version > 0 "
    'AND image @> CAST(:pattern AS jsonb) ORDER BY key COLLATE "C"'
)
_CAUSED: Final = text(
    "SELECT h.entity, h.key, h.event_id::text, h.reason, EXISTS (SELECT FROM bus_fact_history a WHERE a.kind = 'ANNUL' "
    "AND a.entity = h.entity AND a.key = h.key AND a.supersedes = h.event_id) AS annulled "
    "FROM bus_fact_history h WHERE h.cause = :cause ORDER BY h.recorded, h.entity, h.key, h.version"
)


class Fact(NamedTuple):
    """A fact as it is now."""

    entity: str
    key: str
    version: int
    image: Mapping[str, Any]  # nested, as in an event
    recorded: datetime

    @property
    def stands(self) -> bool:
        return bool(self.image["active"])


class Said(NamedTuple):
    """An event that was said because of another one."""

    entity: str
    key: str
    event_id: str
    reason: str
    annulled: bool


class FactBook:
    """All that one system says. Used by many threads; it remembers nothing but what the schemas say."""

    def __init__(
        self, engine: Engine, contracts: Contracts, *, system: str, town: str, incarnation: str | None = None
    ) -> None:
        self.engine, self.contracts, self.system, self.town = engine, contracts, system, town
        self._incarnation = incarnation
        self._reasons = reasons(contracts.schemas)
        self._kinds: dict[str, Kind] = {}

    def prepare(self) -> None:
        """Makes what is missing; also while others do the same."""
        with translated(), self.engine.begin() as connection:
            fact_tables.install(connection)

    @property
    def incarnation(self) -> str:
        """Which life of this department's database this is."""
        if self._incarnation is None:
            with translated(), self.engine.connect() as connection:
                found = connection.execute(text("SELECT id FROM bus_incarnation")).scalar_one()
            self._incarnation = str(found)
        return self._incarnation

    def speaks(self, entity: str) -> bool:
        """Is there such a fact, and is it this system's to say?"""
        return entity in self.contracts.topology.topics and entity.partition(".")[0] == self.system

    def say(
        self, transaction: Transaction | None, says: Sequence[Say], recorded: datetime | None = None
    ) -> list[Event]:
        """The events that follow, in the given order; what changes nothing is none. All of it, or Reject and nothing.

        In the caller's own transaction, behind its own rows; None: in one that is committed here. A caller that says
        several things in one transaction says them in one call: only then can no two of them wait for one another.
        """
        for entity in sorted({say.entity for say in says}):
            self._kind(entity)
        if recorded is not None and not self.town.startswith(_SIMULATED):
            raise Reject("`recorded` is now; only simulated towns may say otherwise", code="RECORDED", where="recorded")
        if not says:
            return []
        incarnation = self.incarnation
        with translated(), self.joined(transaction) as joined:
            return Act(self._kind, joined, self.town, incarnation, recorded).perform(says)

    @contextmanager
    def joined(self, transaction: Transaction | None) -> Iterator[Transaction]:
        """A savepoint: what is refused leaves the caller's transaction as it was."""
        if transaction is None:
            with self.engine.begin() as connection:
                yield connection
        else:
            with transaction.begin_nested():
                yield transaction

    def _kind(self, entity: str) -> Kind:
        if entity not in self._kinds:
            if entity.partition(".")[0] != self.system:
                raise Refused(f"{self.system} does not speak for {entity}", code="ORIGIN", where="entity")
            if not self.speaks(entity):
                raise Misconfigured(f"there is no topic {entity}", hint="see topology.yaml")
            contract = self.contracts.canonical(entity)
            self._kinds[entity] = Kind(contract, Rules(FactShape(contract.image), self._reasons))
        return self._kinds[entity]

    # Reading

    def history(self, entity: str, key: str) -> list[Event]:
        """Everything that was ever said of a fact, as it was published."""
        return next(self._lives(entity, self._read(PAST, {"entity": entity, "key": key}, None)), [])

    def histories(self, entity: str) -> Iterator[list[Event]]:
        """The same of every fact of an entity, in the order of their keys; for proofs."""
        with translated(), self.engine.connect() as connection:
            streamed = connection.execution_options(stream_results=True, yield_per=500)
            yield from self._lives(entity, streamed.execute(_PASTS, {"entity": entity}))

    def _lives(self, entity: str, rows: Iterable[Any]) -> Iterator[list[Event]]:
        shape = self._kind(entity).rules.shape
        for _, versions in groupby(rows, key=lambda row: row.key):
            events: list[Event] = []
            for row in versions:
                events.append(_event(row, shape, events[-1] if events else None))
            yield events

    def find(
        self, entity: str, where: Mapping[str, Any] | None = None, transaction: Transaction | None = None
    ) -> list[Fact]:
        """The facts whose image says all of `where` (dotted path -> value), in the order of their keys.

        Also those that no longer stand: say {"active": True} to leave them out.
        """
        shape = self._kind(entity).rules.shape
        wanted = {path: shape.value(path, value) for path, value in (where or {}).items()}
        pattern = nest(shape.said_as_json({p: value for p, value in wanted.items() if value is not None}))
        bound = {"entity": entity, "pattern": json.dumps(pattern, ensure_ascii=False)}
        found = [(row, shape.from_json(row.image)) for row in self._read(_FIND, bound, transaction)]
        return [
            Fact(row.entity, row.key, row.version, shape.nested(flat), row.recorded.astimezone(UTC))
            for row, flat in found
            if all(flat[path] == value for path, value in wanted.items())
        ]

    def caused(self, cause: str, transaction: Transaction | None = None) -> list[Said]:
        """What was said because of this event: whoever finds something has answered it already, or may annul it."""
        return [Said._make(row) for row in self._read(_CAUSED, {"cause": cause}, transaction)]

    def _read(self, query: Executable, bound: Mapping[str, Any], transaction: Transaction | None) -> Sequence[Any]:
        with translated():
            if transaction is not None:
                return transaction.execute(query, bound).all()
            with self.engine.connect() as connection:
                return connection.execute(query, bound).all()


def _event(row: Any, shape: FactShape, earlier: Event | None) -> Event:
    flat = shape.from_json(row.image)
    return history.event(row, earlier, data=shape.nested(flat), protected=is_protected(flat))
