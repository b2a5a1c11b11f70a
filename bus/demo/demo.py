"""Does a city's month arrive in every department, whatever is killed meanwhile? From nothing to the proof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bus.clock.clock import Clock
from bus.clock.duties import load as load_calendar, transits
from bus.demo.course import POISONED, Course, Played
from bus.demo.fleet import Fleet
from bus.demo.outlook import Outlook
from bus.demo.proof import Department, households, prove
from bus.errors import BusError, Unavailable
from bus.fleet.draw import draw as drawn
from bus.kit.crossings import fleet as crossed
from bus.kit.desk.staff import Staff
from bus.reading.law import load as load_law
from bus.reconcile.compare import Finding
from bus.register.entry import Entry
from bus.resident import codes
from bus.resident.load import load
from bus.settings import Settings
from bus.stack.home import Home
from bus.stack.prepare import prepare
from bus.stack.stack import Stack
from bus.town.town import Town, build, read
from bus.town.week import JAPAN, play
from bus.wiring import Wiring

DAY: Final = date(2026, 4, 5)  # a Sunday: the week begins behind it, five days after the school year
MARK: Final = "demo"  # a file in the home: its data are a demonstration's and may be thrown away
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
    is_extract: bool = False  # somebody's own people: what they do not give rise to need not have crossed
    played: Played = field(default_factory=Played)
    departments: list[Department] = field(default_factory=list)
    households: Finding = field(default_factory=lambda: Finding("juki.household"))
    map: Mapping[str, Any] = field(default_factory=dict)  # as `bus fleet check` has it
    drawing: Path = Path()  # … and drawn
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """All equal; the dead were dead; the poisoned person is parked in one department, and nobody else anywhere."""
        parked = {department.id: department.parked for department in self.departments}
        return (
            all(department.equal for department in self.departments)
            and parked == {department: int(department == POISONED) for department in parked}
            and all(kill.signal == 9 and kill.waiting > 0 for kill in self.played.kills)
            and self.households.equal
            and (self.is_extract or bool(self.map.get("ok")))
        )


class Demo:
    def __init__(self, settings: Settings, wish: Wish, say: Callable[[str], None]) -> None:
        self.settings, self.wish = settings, wish
        self._say, self._began = say, time.monotonic()
        self.stack = Stack(settings.home, maven=settings.maven)
        self.fleet = Fleet(settings)

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
        self._start(wiring, connectors)
        town, file = self._town()
        days = play(town, self.wish.days)
        contract = wiring.contracts.canonical()
        entry = Entry.open(wiring.engine("register"), contract, wiring.topology.town)
        outcome = Outcome(wiring.topology.town, len(town.residents), self.wish.file is not None)
        self._load(entry, file, town)
        outlook, staff = Outlook(wiring, connectors, tuple(wiring.topology.processors)), Staff(wiring, connectors)
        try:
            course = Course(
                entry, self._clock(entry), staff, outlook, self.fleet, self.say,
                lambda what, true: self._wait(what, true, outlook), lenient=self.wish.file is not None,
            )  # fmt: skip
            outcome.played = course.play(days, town.day + timedelta(days=1), self.wish.days)
            self.say("everybody is idle; now every source is asked what each department ought to hold")
            outcome.departments = prove(wiring, outlook, entry)
            outcome.households = households(wiring, outlook, entry)
            outcome.map, outcome.drawing = crossed(wiring), self.settings.home / "map.svg"
            outcome.drawing.write_text(drawn(outcome.map, "ja"), encoding="utf-8")
        finally:
            staff.close()
            outlook.close()
        outcome.seconds = time.monotonic() - self._began
        return outcome

    def _clock(self, entry: Entry) -> Clock:
        schemas, law = self.settings.project / "schemas", self.settings.project / "connectors" / "law.yaml"
        return Clock(entry, load_calendar(schemas, load_law(law)), transits(schemas))

    def _start(self, wiring: Wiring, connectors: Sequence[str]) -> None:
        self.fleet.start({"relay": ["relay", "run"], "projector": ["projector", "run"]})
        self.fleet.start({"relays": ["relay", "run", "--departments"], "processor-relay": ["processor", "relay"]})
        self.fleet.start({name: ["processor", "run", name] for name in wiring.topology.processors})
        self.fleet.start({name: ["connector", "run", name] for name in connectors})
        self.say(f"relays, projector, household processor and {len(connectors)} connectors start, each a process")

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

    # The end ----------------------------------------------------------------------------------------------------------

    def _wait(self, what: str, true: Callable[[], bool], outlook: Outlook) -> None:
        told = time.monotonic()

        def asked() -> bool:
            nonlocal told
            self.fleet.check()
            if time.monotonic() - told > 5:
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
