"""Does a city's week arrive in five departments, whatever is killed meanwhile? From nothing to the proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from bus.demo.fleet import Fleet, Kill
from bus.demo.outlook import Outlook
from bus.demo.poison import Tampered, tamper
from bus.demo.proof import Department, prove
from bus.errors import BusError, Reject, Unavailable
from bus.event import RESIDENT
from bus.register.entry import Entry
from bus.resident import codes
from bus.resident.load import load
from bus.settings import Settings
from bus.stack.home import Home
from bus.stack.prepare import prepare
from bus.stack.stack import Stack
from bus.town.town import Town, build, read
from bus.town.week import JAPAN, Days, Movement, play
from bus.wiring import Wiring

DAY: Final = date(2026, 4, 5)  # a Sunday: the week begins behind it, five days after the school year
MARK: Final = "demo"  # a file in the home: its data are a demonstration's and may be thrown away
VICTIM: Final = "kaigo"  # the connector that is killed
POISONED: Final = "kokuho"  # the department whose topic gets the wrong records
PATIENCE: Final = 180.0


@dataclass(frozen=True, slots=True)
class Wish:
    residents: int = 5_000
    seed: int = 7
    days: int = 7
    file: Path | None = None
    stay: bool = False


@dataclass(slots=True)
class Outcome:
    town: str
    residents: int
    movements: int = 0
    events: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # (reason, code of the refusal)
    departments: list[Department] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    poison: Tampered | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """All equal; the dead were dead; the poisoned person is parked in one department, and nobody else anywhere."""
        parked = {department.id: department.parked for department in self.departments}
        return (
            all(department.equal for department in self.departments)
            and parked == {department: int(department == POISONED) for department in parked}
            and all(kill.signal == 9 and kill.waiting > 0 for kill in self.kills)
        )


class Demo:
    def __init__(self, settings: Settings, wish: Wish, say: Callable[[str], None]) -> None:
        self.settings, self.wish = settings, wish
        self._say, self._began = say, time.monotonic()
        self.stack = Stack(settings.home, maven=settings.maven)
        self.fleet = Fleet(settings)
        self.labels: dict[str, str] = {}  # of a movement -> the id of its first event

    def say(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:5.1f} s  {text}")

    def run(self) -> Outcome:
        self._clear()
        try:
            return self._run()
        finally:
            if not self.wish.stay:
                self.fleet.stop()
                self.stack.down()
                self.say("everything is stopped; the data stay until the next demo, or `bus stack down --purge`")

    def _run(self) -> Outcome:
        self._stack_up()
        wiring = Wiring(self.settings)
        connectors = list(wiring.topology.subscriptions)
        self.fleet.start({"relay": ["relay", "run"], "projector": ["projector", "run"]})
        self.fleet.start({name: ["connector", "run", name] for name in connectors})
        self.say(f"relay, projector and {len(connectors)} connectors start, each a process")
        town, file = self._town()
        days = play(town, self.wish.days)
        contract = wiring.contracts.canonical()
        entry = Entry.open(wiring.engine("register"), contract, wiring.topology.town)
        outcome = Outcome(wiring.topology.town, len(town.residents))
        self._load(entry, file, town)
        outlook = Outlook(wiring, connectors)
        try:
            self._week(entry, outlook, days, outcome)
            self._settle(outlook)
            self.say("everybody is idle; now the register alone is asked what each department ought to hold")
            outcome.departments = prove(wiring, outlook, entry)
        finally:
            outlook.close()
        outcome.seconds = time.monotonic() - self._began
        return outcome

    def _clear(self) -> None:
        """A home of another demonstration is begun anew; anybody else's data are not touched."""
        mark = self.settings.home / MARK
        state = self.settings.home / "state.json"
        if state.exists() and not mark.exists():
            raise Unavailable(
                "this home holds a stack that no demonstration made", code="HOME_TAKEN", where=str(self.settings.home),
                hint="`bus demo --home .bus-demo`, or `bus stack down --purge` to give its data up",
            )  # fmt: skip
        if mark.exists():
            ended = self.stack.down(purge=True)
            self.say(f"the last demonstration is cleared away ({len(ended)} processes of it still ran)")
        self.settings.home.mkdir(parents=True, exist_ok=True)
        mark.touch()

    def _stack_up(self) -> None:
        topology = Wiring(self.settings).topology
        with self.stack.up() as state:
            prepare(Home(self.settings.home), state, topology, self.say)
        self.settings = Settings.load(home=self.settings.home, town=self.settings.town, lang=self.settings.lang)
        self.fleet.settings = self.settings
        self.say("Kafka and PostgreSQL run; topics, users, permissions, databases and tables are there")

    def _town(self) -> tuple[Town, Path]:
        layout = self.settings.project / "schemas" / "layouts" / "mado-122.yaml"
        if self.wish.file is not None:
            return read(self.wish.file.read_text(encoding="utf-8-sig"), layout, self.wish.seed), self.wish.file
        town = build(self.wish.residents, self.wish.seed, DAY)
        file = self.settings.home / "town.csv"
        file.write_text(town.csv(layout), encoding="utf-8")
        return town, file

    def _load(self, entry: Entry, file: Path, town: Town) -> None:
        columns = codes.layout(self.settings.project / "schemas", "mado-122")
        recorded = datetime(town.day.year, town.day.month, town.day.day, 18, tzinfo=JAPAN)
        report = load(entry, file, columns, recorded=recorded)
        self.say(f"{report.loaded} residents are on the register, {len(report.warnings)} doubtful cells reported")

    # The week ---------------------------------------------------------------------------------------------------------

    def _week(self, entry: Entry, outlook: Outlook, days: Days, outcome: Outcome) -> None:
        thirds = len(days.movements) // 3
        first, second, last = (
            days.movements[:thirds], days.movements[thirds : 2 * thirds], days.movements[2 * thirds :],
        )  # fmt: skip
        self._enter(entry, first, outcome)
        self._wait("the first days to arrive", lambda: outlook.backlog().is_empty)
        outcome.poison = tamper(outlook.broker, outlook.wiring.topology.narrowed(POISONED, RESIDENT), days.poisoned, event_id=uuid4())
        self.say(
            f"a record that cannot be read, and {outcome.poison.doubled} doubled ones, are in {outcome.poison.topic}"
        )
        connector = self._kill(VICTIM, outcome)
        self._enter(entry, second, outcome)
        self._wait("work to pile up before it", lambda: outlook.behind(VICTIM) > 0)
        relay = self._kill("relay", outcome)
        self._enter(entry, last, outcome)
        self._still_dead(connector, outlook.behind(VICTIM), "records wait in its topic")
        self._still_dead(relay, outlook.backlog().unpublished, "committed events wait in the outbox")
        for kill in outcome.kills:
            self.fleet.again(kill)
        self.say("both are started again")

    def _kill(self, name: str, outcome: Outcome) -> Kill:
        kill = self.fleet.kill(name)
        outcome.kills.append(kill)
        self.say(f"{name} (pid {kill.pid}) is killed with signal {kill.signal}")
        return kill

    def _still_dead(self, kill: Kill, waiting: int, what: str) -> None:
        kill.waiting = waiting
        self.say(f"{kill.name} has been dead for {time.monotonic() - kill.at:.1f} s: {waiting} {what}")

    def _enter(self, entry: Entry, movements: Sequence[Movement], outcome: Outcome) -> None:
        for movement in movements:
            try:
                events = entry.enter(self._request(movement))
            except Reject as reject:
                if self.wish.file is None:
                    raise  # the invented week is right; then the register is not, and that has to be seen
                outcome.refused.append((str(movement.request["reason"]), reject.code))
                continue
            self.labels[movement.label] = events[0].id
            outcome.movements += 1
            outcome.events += len(events)
        if movements:
            self.say(f"the counter has entered {outcome.movements} movements, {outcome.events} events")

    def _request(self, movement: Movement) -> Mapping[str, Any]:
        if movement.undoes is None:
            return movement.request
        if movement.undoes not in self.labels:
            raise Reject("what should be undone was refused itself", code="CORRECTION_TARGET")
        return {**movement.request, "supersedes": self.labels[movement.undoes]}

    # The end ----------------------------------------------------------------------------------------------------------

    def _settle(self, outlook: Outlook) -> None:
        self._wait("everybody to catch up", lambda: outlook.backlog().is_empty, outlook)

    def _wait(self, what: str, true: Callable[[], bool], outlook: Outlook | None = None) -> None:
        told = time.monotonic()

        def asked() -> bool:
            nonlocal told
            self.fleet.check()
            if outlook is not None and time.monotonic() - told > timedelta(seconds=5).total_seconds():
                told = time.monotonic()
                self.say(f"waiting: {outlook.backlog()}")
            return true()

        deadline = time.monotonic() + PATIENCE
        while not asked():
            if time.monotonic() < deadline:
                time.sleep(0.25)
                continue
            raise Slow(f"waited {PATIENCE:.0f} s for {what}", hint=f"the logs are in {self.settings.home / 'logs'}")


class Slow(BusError):
    code = "NOT_IDLE"
