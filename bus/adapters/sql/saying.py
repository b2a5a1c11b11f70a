"""What happens inside the one transaction in which a department says something? Locks, decisions, history, outbox."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from sqlalchemy import text

from bus.adapters.sql.fact_tables import SHARDS
from bus.contract.schema import Contract
from bus.errors import Reject
from bus.event import Event
from bus.fact.decide import Decided, Rules, decide
from bus.fact.say import Past, Present, Say
from bus.fact.shape import FactShape
from bus.register import history, outbox
from bus.register.outbox import Transaction

_TICK: Final = timedelta(microseconds=1)

# In the order of the keys, so that two acts never wait for one another: first those that are new, then all.
_WANTED: Final = "unnest(CAST(:entities AS text[]), CAST(:keys AS text[])) AS wanted (entity, key)"
_BEGIN: Final = text(
    f"INSERT INTO bus_fact (entity, key, version) SELECT entity, key, 0 FROM {_WANTED} ORDER BY 1, 2 "
    "ON CONFLICT DO NOTHING"
)
_LOCK: Final = text(
    "SELECT f.entity, f.key, f.version, f.image, f.recorded FROM bus_fact f "
    f"WHERE (f.entity, f.key) IN (SELECT entity, key FROM {_WANTED}) ORDER BY 1, 2 FOR UPDATE OF f"
)
PAST: Final = text("SELECT * FROM bus_fact_history WHERE entity = :entity AND key = :key ORDER BY version")
_MOVE: Final = text(
    "UPDATE bus_fact SET version = :version, image = CAST(:image AS jsonb), recorded = :recorded "
    "WHERE entity = :entity AND key = :key"
)
_ADD: Final = text(
    "INSERT INTO bus_fact_history (entity, key, version, event_id, kind, reason, effective_text, effective_earliest, "
    "effective_latest, recorded, supersedes, undoes, said, image, cause) VALUES (:entity, :key, :version, :event_id, "
    ":kind, :reason, :effective_text, :effective_earliest, :effective_latest, :recorded, CAST(:supersedes AS uuid), "
    ":undoes, CAST(:said AS jsonb), CAST(:image AS jsonb), :cause)"
)

Place = tuple[str, str]  # entity, key


@dataclass(frozen=True, slots=True)
class Kind:
    """One entity: its contract, and the rules of its facts."""

    contract: Contract
    rules: Rules


@dataclass(slots=True)
class Act:
    """One call of FactBook.say."""

    kind: Callable[[str], Kind]
    transaction: Transaction
    town: str
    incarnation: str
    recorded: datetime | None
    _present: dict[Place, Present | None] = field(default_factory=dict)
    _pasts: dict[Place, list[Past]] = field(default_factory=dict)
    _pending: dict[Place, list[Past]] = field(default_factory=dict)

    def perform(self, says: Sequence[Say]) -> list[Event]:
        for say in says:
            say.check()
        self._lock(sorted({(say.entity, say.key) for say in says}))
        done = [(say, decided) for say in says if (decided := self._decide(say)) is not None]
        if done:
            self._write(done)
        return [decided.event for _, decided in done]

    def _lock(self, wanted: Sequence[Place]) -> None:
        bound = {"entities": [entity for entity, _ in wanted], "keys": [key for _, key in wanted]}
        self.transaction.execute(_BEGIN, bound)
        for row in self.transaction.execute(_LOCK, bound):
            read = self.kind(row.entity).rules.shape.from_json
            known = Present(row.version, read(row.image), row.recorded.astimezone(UTC)) if row.version else None
            self._present[row.entity, row.key] = known

    def _decide(self, say: Say) -> Decided | None:
        place, rules = (say.entity, say.key), self.kind(say.entity).rules
        present = self._present[place]
        pasts = self._past(place, rules.shape) if say.supersedes is not None else ()
        decided = decide(rules, present, pasts, say, self._instant(present), str(uuid.uuid4()))
        if decided is not None:
            one, before = decided.event, present.image if present else None
            self._present[place] = Present(one.version, decided.after, one.recorded)
            self._pending.setdefault(place, []).append(
                Past(one.id, one.kind, one.supersedes, one.effective, decided.said, before, decided.after)
            )
        return decided

    def _past(self, place: Place, shape: FactShape) -> Sequence[Past]:
        if place not in self._pasts:
            rows = self.transaction.execute(PAST, {"entity": place[0], "key": place[1]})
            self._pasts[place] = pasts_of(rows.all(), shape)
        return [*self._pasts[place], *self._pending.get(place, ())]

    def _instant(self, present: Present | None) -> datetime:
        """Never before what was recorded last of the same fact."""
        if self.recorded is None:
            now = datetime.now(UTC)
            return max(now, present.recorded + _TICK) if present else now
        if present is not None and self.recorded < present.recorded:
            raise Reject("earlier than what is recorded already", code="RECORDED_ORDER", where="recorded")
        return self.recorded.astimezone(UTC)

    def _write(self, done: Sequence[tuple[Say, Decided]]) -> None:
        """Fact, history and outbox. The triggers look at commit whether the three agree."""
        rows = [self._row(say, decided) for say, decided in done]
        last = {(row["entity"], row["key"]): row for row in rows}
        self.transaction.execute(_MOVE, [last[place] for place in sorted(last)])
        self.transaction.execute(_ADD, rows)
        for entity, group in groupby(done, key=lambda one: one[0].entity):
            events, contract = [decided.event for _, decided in group], self.kind(entity).contract
            outbox.put_many(self.transaction, events, contract, self.town, self.incarnation, entity, SHARDS)

    def _row(self, say: Say, decided: Decided) -> dict[str, Any]:
        event, shape = decided.event, self.kind(say.entity).rules.shape
        return {
            "entity": say.entity,
            **history.stamped(event),
            "said": json.dumps(shape.said_as_json(decided.said), ensure_ascii=False),
            "image": json.dumps(shape.as_json(decided.after), ensure_ascii=False),
            "cause": say.cause,
        }


def pasts_of(rows: Sequence[Any], shape: FactShape) -> list[Past]:
    """The versions of one fact, as its history has them."""
    pasts: list[Past] = []
    for row in rows:
        ids = (str(row.event_id), row.supersedes and str(row.supersedes))
        before, after = pasts[-1].after if pasts else None, shape.from_json(row.image)
        pasts.append(
            Past(ids[0], row.kind, ids[1], history.effective(row), shape.said_from_json(row.said), before, after)
        )
    return pasts
