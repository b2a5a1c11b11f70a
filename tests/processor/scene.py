"""How do tests of processors speak to one, and what did it say? The real driver and fold, without codec and network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random

from bus.adapters.memory import MemoryBroker
from bus.adapters.memory_notebook import MemoryNotebook
from bus.broker import Message, Record
from bus.codec.strict import to_micros
from bus.errors import Reject, Unavailable
from bus.event import RESIDENT, Event
from bus.processor.driver import Driver, Limits
from bus.processor.fold import Heard
from bus.processor.household import HOUSEHOLD
from tests.register.ledger import Ledger

TOPIC, PARTITIONS = "999999.juki.resident.v1", 4
NAME = "processor.household"
BROKEN = b"broken"


def hear(event: Event, stamp: int = 1) -> Heard:
    """As reading.ears would have it."""
    before = event.before and _by_path(event.before)
    return Heard(
        RESIDENT, event.key, event.version, to_micros(event.recorded), event.kind, event.reason, event.effective,
        event.change_set, before, _by_path(event.data), stamp,
    )  # fmt: skip


def _by_path(image):
    found = {}
    for path in HOUSEHOLD.reads[RESIDENT]:
        value = image
        for name in path.split("."):
            value = value.get(name) if value else None
        found[path] = value
    return found


class Wire:
    """Topics in memory. A record's value is the number of its event, so that nothing has to be encoded."""

    def __init__(self, chance: Random | None = None) -> None:
        self.events: list[Event] = []
        self.broker = Mixing(chance) if chance else MemoryBroker({TOPIC: PARTITIONS})
        self.mended = False

    def publish(self, events: Iterable[Event], *, broken: Iterable[str] = ()) -> None:
        for event in events:
            number = len(self.events)
            self.events.append(event)
            value = BROKEN if event.id in broken else b""
            self.broker.publish([Message(TOPIC, event.key.encode(), value + b"%d" % number)])

    def hear(self, record: Record) -> Heard:
        value = record.value or b""
        if value.startswith(BROKEN) and not self.mended:
            raise Reject("not to be read", code="DECODE")
        return hear(self.events[int(value.removeprefix(BROKEN))], record.timestamp)

    def driver(self, notebook, holder: str = "one", **limits: float) -> Driver:
        limit = Limits(**({"look": 0.0} | limits))
        return Driver(HOUSEHOLD, {TOPIC: self.hear}, self.broker, notebook, holder=holder, limits=limit)


class Mixing(MemoryBroker):
    """Reads the partitions in any order, one record after the other, as they come in from different brokers."""

    def __init__(self, chance: Random) -> None:
        super().__init__({TOPIC: PARTITIONS})
        self._chance = chance

    def subscribe(self, group, topics, start):
        subscription, chance = super().subscribe(group, topics, start), self._chance
        logs = self.logs

        def poll(limit: int, _: float) -> Sequence[Record]:
            found, following = [], subscription.position()
            while len(found) < limit and (left := [at for at, n in following.items() if n < len(logs[at])]):
                place = chance.choice(left)
                found.append(logs[place][following[place]])
                following[place] += 1
            subscription.seek(following)
            return found

        subscription.poll = poll
        return subscription


class Dying(MemoryNotebook):
    """Loses its database now and then at the moment of committing: before anything is written, or just after."""

    chance: Random | None = None

    def commit(self, name, epoch, turn):
        dies = self.chance and self.chance.random()
        if dies and dies < 0.15:
            raise Unavailable("gone before")
        super().commit(name, epoch, turn)
        if dies and dies > 0.85:
            raise Unavailable("gone after")


class Town:
    """A register, and what its household processor has said of it."""

    def __init__(self, notebook: MemoryNotebook | None = None) -> None:
        self.ledger, self.wire, self.notebook = Ledger(), Wire(), notebook or MemoryNotebook()
        self.driver = self.wire.driver(self.notebook)
        self.driver.step(wait=0.0)

    @property
    def said(self) -> list[Event]:
        return self.notebook.outbox

    def enter(self, *what, **more):
        """What is said about one act."""
        before = len(self.said)
        self.last = self.ledger.enter(*what, **more)
        self.wire.publish(self.last)
        drain(self.driver)
        return told(self.said[before:])

    @staticmethod
    def newcomers(members):
        cells = {"name.full": "甲野　子", "birth": "1980-03-05", "address.town": "北一丁目", "address.lot": "３番地"}
        return [{"key": None, "set": cells | member} for member in members]

    def family(self, *members):
        self.enter("TENNYU", "2026-04-01", self.newcomers(members), household="new")
        keys = [event.key for event in self.last]
        return self.ledger.image(keys[0])["household.no"], *keys

    def forget_members(self, no: str) -> None:
        """A mistake in the memory, as an error in the fold might have left it."""
        memory = self.notebook._books[NAME].memory
        memory[f"household/{no}"] = json.dumps(json.loads(memory[f"household/{no}"]) | {"members": {}})

    def rebuild(self) -> None:
        self.driver.close()
        self.driver = self.wire.driver(self.notebook)
        self.driver.rebuild()
        drain(self.driver)


def until(driver: Driver, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened() and time.monotonic() < deadline:
        driver.step(1000, 0.0)
    assert happened()


def drain(driver: Driver, limit: int = 1000) -> int:
    """Steps until everything is folded."""
    done = 0
    while not driver.is_idle():
        done += driver.step(limit, 0.0)
    return done


def told(events: Sequence[Event]) -> list[tuple]:
    """(household, reason, head, members) in order."""
    return [(e.key, e.reason, e.data["head"], [m["key"] for m in e.data["members"]]) for e in events]


def standing(events: Sequence[Event]) -> dict[str, dict]:
    """Every household that stands, as it was said last."""
    last = {event.key: event.data for event in events}
    return {key: dict(image) for key, image in last.items() if image["active"]}
