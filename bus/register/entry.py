"""How does an approved act become true? One transaction: locks, rules, history, outbox; and how is it read again?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, text

from bus.dates import day
from bus.errors import Reject, Unavailable
from bus.event import ChangeSet, Event
from bus.movement.act import Past, Person, Request, Scene
from bus.movement.decide import decide
from bus.register import history, outbox
from bus.resident import codes
from bus.resident.image import Changes, Flat, Shape
from bus.resident.numbers import issued
from bus.resident.said import by_person, with_days
from bus.settings import ROOT

_SIMULATED: Final = "99999"  # towns that can never be real: only there may `recorded` be given
_FOUNDING: Final = ("TENNYU", "SHOKKEN_KISAI", "SETAI_BUNRI", "KUKAN_IDO")
_TICK: Final = timedelta(microseconds=1)

_INVOLVED: Final = text(
    "SELECT key FROM resident_history WHERE event_id = CAST(:id AS uuid) OR change_set_id = "
    "(SELECT change_set_id FROM resident_history WHERE event_id = CAST(:id AS uuid))"
)
# Households first, then persons, each in order: two acts never wait for one another, and nobody joins meanwhile.
_LOCK_HOUSEHOLDS: Final = text(
    "SELECT no FROM household WHERE no = ANY(CAST(:households AS text[]) || ARRAY("
    "SELECT household_no FROM person WHERE key = ANY(:keys))) ORDER BY no FOR UPDATE"
)
_LOCK_PERSONS: Final = text(
    "SELECT key FROM person WHERE key = ANY(CAST(:keys AS text[]) || ARRAY("
    "SELECT key FROM person WHERE household_no = ANY(:households))) ORDER BY key FOR UPDATE"
)
_IMAGES: Final = text(
    "SELECT p.key, p.version, h.image, h.recorded FROM person p "
    "JOIN resident_history h USING (key, version) WHERE p.key = ANY(:keys)"
)
_DRAW: Final = text(
    "SELECT ARRAY(SELECT nextval('person_serial') FROM generate_series(1, :persons)), "
    "ARRAY(SELECT nextval('household_serial') FROM generate_series(1, :households))"
)
_TAKEN: Final = text(
    "SELECT 'p' || key FROM person WHERE key = ANY(:keys) "
    "UNION ALL SELECT 'h' || no FROM household WHERE no = ANY(:numbers)"
)
_ENTERED: Final = text("SELECT change_set_id FROM resident_history WHERE change_set_id = ANY(:ids)")
_HISTORY: Final = text("SELECT * FROM resident_history WHERE key = ANY(:keys) ORDER BY key, version")
_HISTORIES: Final = text("SELECT * FROM resident_history ORDER BY key, version")
_CLOCK: Final = text("SELECT * FROM clock_said WHERE key = ANY(:keys) ORDER BY version, recorded")
_CLOCKS: Final = text("SELECT * FROM clock_said ORDER BY key, version, recorded")
_ADD_PERSON: Final = text(
    "INSERT INTO person (key, version, household_no, state) VALUES (:key, :version, :household_no, :state)"
)
_MOVE_PERSON: Final = text(
    "UPDATE person SET version = :version, household_no = :household_no, state = :state WHERE key = :key"
)
_ADD_HOUSEHOLD: Final = text("INSERT INTO household (no) VALUES (:no) ON CONFLICT DO NOTHING")
_ADD_HISTORY: Final = text(
    "INSERT INTO resident_history (key, version, event_id, kind, reason, effective_text, effective_earliest, "
    "effective_latest, recorded, supersedes, undoes, change_set_id, change_set_size, change_set_seq, image, protected) "
    "VALUES (:key, :version, :event_id, :kind, :reason, :effective_text, :effective_earliest, :effective_latest, "
    ":recorded, CAST(:supersedes AS uuid), :undoes, :change_set_id, :change_set_size, :change_set_seq, "
    "CAST(:image AS jsonb), :protected)"
)
_LATEST: Final = text(
    "SELECT p.key, p.version, h.image, h.recorded FROM person p JOIN resident_history h USING (key, version) "
    "ORDER BY p.position"
)


class Entry:
    """The register's one way in. Reading gives events and images as they were published."""

    def __init__(
        self, engine: Engine, contract: Any, town: str, incarnation: str, *, schemas: Path = ROOT / "schemas"
    ) -> None:
        self.engine, self.contract, self.town, self.incarnation = engine, contract, town, incarnation
        self.shape = Shape(contract.image)
        self.reasons = codes.reasons(schemas)

    @classmethod
    def open(cls, engine: Engine, contract: Any, town: str, *, schemas: Path = ROOT / "schemas") -> Entry:
        """With the incarnation that the database itself carries."""
        with engine.connect() as connection:
            incarnation = str(connection.execute(text("SELECT id FROM incarnation")).scalar_one())
        return cls(engine, contract, town, incarnation, schemas=schemas)

    def enter(self, request: Mapping[str, Any] | Request, recorded: datetime | None = None) -> list[Event]:
        """The events of one approved act, committed; or Reject, and nothing has changed."""
        asked = request if isinstance(request, Request) else Request.parse(request, self.shape)
        given = recorded or asked.recorded
        if given is not None and not is_simulated(self.town):
            raise Reject("`recorded` is now; only simulated towns may say otherwise", code="RECORDED", where="recorded")
        for _ in range(5):
            with self.engine.begin() as connection:
                scene = self._scene(connection, asked, given)
                if scene is not None:
                    now = self._instant(scene, given)
                    changes = decide(asked, scene, self.reasons, self.shape, now)
                    self._write(connection, changes, scene)
                    return [event for event, _ in changes]
        raise Unavailable("the household keeps changing; try again", code="BUSY")

    def _scene(self, connection: Connection, asked: Request, given: datetime | None) -> Scene | None:
        """Locks everybody concerned; None when somebody moved before the lock was ours."""
        involved = (
            [row.key for row in connection.execute(_INVOLVED, {"id": _uuid(asked.supersedes)})]
            if asked.supersedes
            else []
        )
        keys = sorted({key for key, _ in asked.persons if key is not None} | set(involved))
        wanted = [asked.household] if asked.household not in (None, "new") else []
        households, persons = self._locked(connection, keys, wanted) if keys or wanted else ([], {})
        if any(person.image["household.no"] not in (None, *households) for person in persons.values()):
            return None
        newcomers = sum(key is None for key, _ in asked.persons)
        drawn = self._numbers(connection, newcomers, _founds(asked, persons))
        return Scene(
            today=day(given or datetime.now(UTC)),
            town=self.town,
            persons=persons,
            pasts=self._pasts(connection, involved),
            households=frozenset(households),
            keys=drawn[0],
            household=drawn[1][0] if drawn[1] else "",
        )

    def _locked(
        self, connection: Connection, keys: Sequence[str], wanted: Sequence[str]
    ) -> tuple[list[str], dict[str, Person]]:
        bound = {"keys": keys, "households": wanted}
        households = [row.no for row in connection.execute(_LOCK_HOUSEHOLDS, bound)]
        bound["households"] = households
        locked = [row.key for row in connection.execute(_LOCK_PERSONS, bound)]
        rows = connection.execute(_IMAGES, {"keys": locked})
        read = self.shape.from_json
        return households, {row.key: Person(row.key, row.version, read(row.image), row.recorded) for row in rows}

    @staticmethod
    def _numbers(connection: Connection, persons: int, households: int) -> tuple[list[str], list[str]]:
        """Numbers that nobody has: a register that was loaded brought its own."""
        drawn: tuple[list[str], list[str]] = ([], [])
        while len(drawn[0]) < persons or len(drawn[1]) < households:
            missing = {"persons": persons - len(drawn[0]), "households": households - len(drawn[1])}
            row = connection.execute(_DRAW, missing).one()
            keys, numbers = [issued(n) for n in row[0]], [issued(n) for n in row[1]]
            taken = set(connection.execute(_TAKEN, {"keys": keys, "numbers": numbers}).scalars())
            drawn[0].extend(key for key in keys if ("p" + key) not in taken)
            drawn[1].extend(no for no in numbers if ("h" + no) not in taken)
        return drawn

    def _pasts(self, connection: Connection, keys: Sequence[str]) -> dict[str, list[Past]]:
        pasts: dict[str, list[Past]] = {}
        for row in connection.execute(_HISTORY, {"keys": list(keys)}) if keys else ():
            earlier = pasts.setdefault(row.key, [])
            before = earlier[-1].after if earlier else None
            after = self.shape.from_json(row.image)
            ids = (str(row.event_id), row.supersedes and str(row.supersedes))
            when = history.effective(row)
            earlier.append(Past(ids[0], row.kind, row.reason, when, ids[1], row.change_set_id, before, after))
        return pasts

    @staticmethod
    def _instant(scene: Scene, given: datetime | None) -> datetime:
        """Never before what was recorded last of anybody concerned."""
        last = max((person.recorded for person in scene.persons.values()), default=None)
        if given is None:
            now = datetime.now(UTC)
            return max(now, last + _TICK) if last else now
        if last is not None and given < last:
            raise Reject("earlier than what is recorded already", code="RECORDED_ORDER", where="recorded")
        return given.astimezone(UTC)

    def _write(self, connection: Connection, changes: Changes, scene: Scene | None = None) -> None:
        """Person, history and outbox. The triggers look at commit whether the three agree."""
        known = scene.persons if scene else {}
        persons = [
            {"key": event.key, "version": event.version, "household_no": flat["household.no"], "state": flat["state"]}
            for event, flat in changes
        ]
        numbers = {row["household_no"] for row in persons if row["household_no"] is not None}
        new_households = numbers - (scene.households if scene else frozenset())
        if new_households:
            connection.execute(_ADD_HOUSEHOLD, [{"no": no} for no in sorted(new_households)])
        if added := [row for row in persons if row["key"] not in known]:
            connection.execute(_ADD_PERSON, added)
        if moved := [row for row in persons if row["key"] in known]:
            connection.execute(_MOVE_PERSON, moved)
        connection.execute(_ADD_HISTORY, [self._row(event, flat) for event, flat in changes])
        events = [event for event, _ in changes]
        outbox.put_many(connection, events, self.contract, self.town, self.incarnation)

    def _row(self, event: Event, flat: Flat) -> dict[str, Any]:
        change_set = event.change_set or (None, None, None)
        return {
            **history.stamped(event),
            "change_set_id": change_set[0],
            "change_set_size": change_set[1],
            "change_set_seq": change_set[2],
            "image": json.dumps(self.shape.as_json(flat), ensure_ascii=False),
            "protected": event.protected,
        }

    def add_found(self, changes: Changes) -> tuple[int, list[str]]:
        """Persons of a register as it was found, in one transaction: (how many were new, keys of somebody else).

        Who is there already, with the same first image, is left alone: loading a file again goes on where it stopped.
        """
        keys = [event.key for event, _ in changes]
        with self.engine.begin() as connection:
            first = text("SELECT key, image, kind FROM resident_history WHERE version = 1 AND key = ANY(:keys)")
            known = {row.key: row.image for row in connection.execute(first, {"keys": keys})}
            new = [(event, flat) for event, flat in changes if event.key not in known]
            if new:
                self._write(connection, new)
        others = [e.key for e, flat in changes if e.key in known and known[e.key] != self.shape.as_json(flat)]
        return len(new), others

    def persons(self, keys: Sequence[str]) -> dict[str, Person]:
        """Who has these keys, as they are now; nothing is locked."""
        with self.engine.connect() as connection:
            rows = connection.execute(_IMAGES, {"keys": list(keys)}).all()
        return {row.key: Person(row.key, row.version, self.shape.from_json(row.image), row.recorded) for row in rows}

    def entered(self, change_sets: Sequence[str]) -> set[str]:
        """Which of these acts there are."""
        with self.engine.connect() as connection:
            return set(connection.execute(_ENTERED, {"ids": list(change_sets)}).scalars())

    def history(self, key: str, *, clock: bool = False) -> list[Event]:
        """Everything that was ever recorded of a person, as it was published; `clock`: what the calendar said, too."""
        with self.engine.connect() as connection:
            rows = connection.execute(_HISTORY, {"keys": [key]}).all()
            days = connection.execute(_CLOCK, {"keys": [key]}).all() if clock else []
        return with_days(next(self._lives(rows), []), days)

    def histories(self, *, clock: bool = False) -> Iterator[list[Event]]:
        """The same of everybody, in the order of their keys; for proofs."""
        with self.engine.connect() as connection:
            days = by_person(connection.execute(_CLOCKS)) if clock else {}
            rows = connection.execution_options(stream_results=True, yield_per=500).execute(_HISTORIES)
            for events in self._lives(rows):
                yield with_days(events, days.get(events[0].key, ()))

    def _lives(self, rows: Iterable[Any]) -> Iterator[list[Event]]:
        for _, versions in groupby(rows, key=lambda row: row.key):
            events: list[Event] = []
            for row in versions:
                events.append(self._event(row, events[-1] if events else None))
            yield events

    def _event(self, row: Any, earlier: Event | None) -> Event:
        size = row.change_set_size
        return history.event(
            row,
            earlier,
            data=self.shape.nested(self.shape.from_json(row.image)),
            change_set=ChangeSet(row.change_set_id, size, row.change_set_seq) if size else None,
            protected=row.protected,
        )

    def latest(self) -> Iterator[tuple[str, int, dict[str, Any], datetime]]:
        """(key, version, image, recorded) of everybody, in the order in which they came."""
        with self.engine.connect() as connection:
            rows = connection.execution_options(stream_results=True, yield_per=500).execute(_LATEST)
            for row in rows:
                yield (
                    row.key,
                    row.version,
                    self.shape.nested(self.shape.from_json(row.image)),
                    row.recorded.astimezone(UTC),
                )

    def log_access(self, key: str, reason: str, who: str) -> None:
        """Committed before anything is shown."""
        with self.engine.begin() as connection:
            connection.execute(
                text("INSERT INTO access_log (at, key, reason, who) VALUES (now(), :key, :reason, :who)"),
                {"key": key, "reason": reason, "who": who},
            )


def is_simulated(town: str) -> bool:
    return town.startswith(_SIMULATED)


def _founds(asked: Request, persons: Mapping[str, Person]) -> int:
    """How many new households may this act need: one, or none?"""
    if asked.household not in (None, "new"):
        return 0
    named = {key for key, _ in asked.persons}
    whole = asked.household is None and named >= {key for key, person in persons.items() if person.image["is_resident"]}
    return int(asked.reason in _FOUNDING or (asked.reason == "TENKYO" and not whole))


def _uuid(given: str | None) -> str:
    """A text that is no event id names no event."""
    parts = (given or "").replace("-", "")
    if len(parts) != 32 or any(letter not in "0123456789abcdef" for letter in parts.lower()):
        raise Reject("there is no such event", code="CORRECTION_TARGET", where="supersedes")
    return str(given)
