"""A small department for tests: it keeps residents and appends moves; and a projector's voice that fills its topic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bus.broker import Message
from bus.change import Append, Change, Keep
from bus.connector.intake import Intake
from bus.contract.framing import headers
from bus.contract.schema import Contract, Contracts
from bus.dates import Uncertain
from bus.errors import Reject, Undecided
from bus.event import BARE, DATA, REMOVED
from bus.language.mapping import Projected
from bus.language.words import EFFECTIVE, ID, KEY, KIND, MODE, REASON, SUPERSEDES, VALUES
from bus.store import Column, Table
from tests.contract.towns import SCHEMAS, town

ID_OF = "test_department"
PATHS = ("is_resident", "name.full", "address.town_code")
RESIDENTS = Table("residents", tuple(Column(n, "text") for n in ("person", "name", "district")), kept=True)
MOVES = Table(
    "moves", tuple(Column(n, "text") for n in ("event_id", "kind", "supersedes", "person", "moved_on")), kept=False
)
TABLES = (RESIDENTS, MOVES)
BEGAN = datetime(2026, 4, 1, tzinfo=UTC)


def contracts(name: str = ID_OF, paths: Sequence[str] = PATHS) -> Contracts:
    topology = town(**{name: tuple(paths), "neighbour": ("is_resident", "sex")})
    return Contracts.provisional(SCHEMAS, topology)


class Department:
    """What a manifest would say: who lives where, and each move once. A name with ! meets a broken rule."""

    def __init__(self, paths: Sequence[str] = PATHS) -> None:
        self.paths = tuple(paths)

    def plan(self, row: tuple[Any, ...]) -> Projected:
        if row[MODE] != DATA:
            return Projected([] if row[MODE] == BARE else [Keep("residents", row[KEY])], [])
        is_resident, name, district = row[VALUES:]
        if name == "!reject":
            raise Reject("a rule refused it", code="RULE", where=f"event {row[ID]}")
        if name == "!crash":
            raise ZeroDivisionError(name)
        if name == "!undecided":
            return Projected([], [Undecided("the date is not known").message])
        changes: list[Change] = [Keep("residents", row[KEY], ((row[KEY], name, district),) if is_resident else ())]
        follows = row[SUPERSEDES] if row[KIND] in {"CORRECT", "ANNUL"} else None
        if row[REASON] == "TENKYO" or follows:
            cells = (row[ID], row[KIND], row[SUPERSEDES], row[KEY], row[EFFECTIVE].text)
            changes.append(Append("moves", cells, follows if row[REASON] != "TENKYO" else None))
        return Projected(changes, [])


class Voice:
    """Says what the projector would say."""

    def __init__(self, contract: Contract, topic: str | None = None) -> None:
        self.contract, self.topic = contract, topic or contract.topic

    def say(
        self, key: str, version: int, name: str = "", *, mode: str = DATA, reason: str = "TENKYO", **given: Any
    ) -> Message:
        id = given.pop("id", None) or f"{key}-{version:04d}"
        recorded = given.pop("recorded", None) or BEGAN + timedelta(seconds=min(version, 10**6))
        since = Uncertain.on(recorded.date())
        kind, supersedes = given.pop("kind", "AMEND"), given.pop("supersedes", None)
        body = (kind, reason, since, supersedes, None, False) if mode == DATA else None
        leaves = {"is_resident": mode != REMOVED, "name.full": name or f"v{version}", "address.town_code": "0101001"}
        values = [leaves.get(path) for path in self.contract.paths] if mode == DATA else ()
        micros = (recorded - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        value = self.contract.encode_narrowed(id, key, version, micros, mode, body, values, incarnation="test")
        return Message(
            self.topic, key.encode(), value, headers(self.contract, id=id, recorded=recorded, value=value), **given
        )

    def life(self, key: str, versions: int) -> list[Message]:
        return [self.say(key, version) for version in range(1, versions + 1)]


def intake(known: Contracts, name: str = ID_OF, paths: Sequence[str] = PATHS) -> Intake:
    return Intake(Department(paths), known.narrowed(name), known)


def names(rows: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    return {row[0]: row[1] for row in rows}
