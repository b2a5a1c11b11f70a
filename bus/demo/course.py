"""What happens on a day of the demonstration? The calendar speaks, the counter takes what comes, staff decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from bus.clock.clock import Clock
from bus.demo.fleet import Fleet, Kill
from bus.demo.outlook import Outlook
from bus.demo.poison import Tampered, tamper
from bus.errors import Reject
from bus.event import RESIDENT
from bus.kit.desk.desk import Worked
from bus.kit.desk.staff import Staff
from bus.register.entry import Entry
from bus.town.week import JAPAN, Days, Filing, Movement

VICTIM: Final = "kaigo"  # the connector that is killed
POISONED: Final = "kokuho"  # the department whose topic gets the wrong records
ROUNDS: Final = 12  # of staff at the end, until nobody has anything left to decide


@dataclass(slots=True)
class Played:
    """What was done, as it is told at the end."""

    movements: int = 0
    events: int = 0
    duties: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # (reason, code of the refusal)
    kills: list[Kill] = field(default_factory=list)
    poison: Tampered | None = None
    worked: Worked = field(default_factory=Worked)


@dataclass(slots=True)
class Course:
    """`wait` comes back when something is so; `lenient`: a movement may be refused, for the town is a real extract."""

    entry: Entry
    clock: Clock
    staff: Staff
    outlook: Outlook
    fleet: Fleet
    say: Callable[[str], None]
    wait: Callable[[str, Callable[[], bool]], None]
    lenient: bool = False
    labels: dict[str, str] = field(default_factory=dict)  # of a movement -> the id of its first event

    def play(self, days: Days, first: date, count: int) -> Played:
        """`count` days from `first`; a third of the way a connector falls, at two thirds the relay, until the end."""
        played = Played()
        by_day: dict[date, list[Movement]] = {}
        for movement in days.movements:
            by_day.setdefault(movement.at.astimezone(JAPAN).date(), []).append(movement)
        filed: dict[date, list[Filing]] = {}
        for filing in days.filings:
            filed.setdefault(filing.at.astimezone(JAPAN).date(), []).append(filing)
        self.wait("the register to arrive everywhere", lambda: self.outlook.backlog().is_empty)
        breaks = {count // 3: self._first_break, 2 * count // 3: self._second_break}
        for number in range(count):
            if act := breaks.get(number):
                act(days, played)
            on = first + timedelta(days=number)
            self._day(on, by_day.get(on, []), filed.get(on, []), played)
        self._restart(played)
        self._finish(first + timedelta(days=count), played)
        return played

    def _day(self, on: date, movements: Sequence[Movement], filings: Sequence[Filing], played: Played) -> None:
        report = self.clock.run(on, since=on - timedelta(days=1))
        played.duties += report.said.total()
        for movement in movements:
            self._enter(movement, played)
        played.worked += self.staff.work(on, _evening(on), filings=filings)
        self.fleet.check()
        self.say(
            f"{on}: {len(movements)} movements, {report.said.total()} duties of the calendar; "
            f"{played.worked.confirmed} requests confirmed, {played.worked.said} facts said so far"
        )

    def _enter(self, movement: Movement, played: Played) -> None:
        try:
            events = self.entry.enter(self._request(movement))
        except Reject as reject:
            if not self.lenient:
                raise  # the invented days are right; then the register is not, and that has to be seen
            played.refused.append((str(movement.request["reason"]), reject.code))
            return
        self.labels[movement.label] = events[0].id
        played.movements += 1
        played.events += len(events)

    def _request(self, movement: Movement) -> Mapping[str, Any]:
        if movement.undoes is None:
            return movement.request
        if movement.undoes not in self.labels:
            raise Reject("what should be undone was refused itself", code="CORRECTION_TARGET")
        return {**movement.request, "supersedes": self.labels[movement.undoes]}

    # What goes wrong --------------------------------------------------------------------------------------------------

    def _first_break(self, days: Days, played: Played) -> None:
        self.wait("the first days to arrive", lambda: self.outlook.backlog().is_empty)
        topic = self.outlook.wiring.topology.narrowed(POISONED, RESIDENT)
        played.poison = tamper(self.outlook.broker, topic, days.poisoned, event_id=uuid4())
        self.say(f"a record that cannot be read, and {played.poison.doubled} doubled ones, are in {topic}")
        self._kill(VICTIM, played)

    def _second_break(self, _: Days, played: Played) -> None:
        self.wait("work to pile up before it", lambda: self.outlook.behind(VICTIM) > 0)
        self._kill("relay", played)

    def _kill(self, name: str, played: Played) -> None:
        kill = self.fleet.kill(name)
        played.kills.append(kill)
        self.say(f"{name} (pid {kill.pid}) is killed with signal {kill.signal}")

    def _restart(self, played: Played) -> None:
        waiting = {VICTIM: self.outlook.behind(VICTIM), "relay": self.outlook.unpublished("register")}
        what = {VICTIM: "records wait in its topic", "relay": "committed events wait in the outbox"}
        for kill in played.kills:
            kill.waiting = waiting[kill.name]
            dead = time.monotonic() - kill.at
            self.say(f"{kill.name} has been dead for {dead:.1f} s: {kill.waiting} {what[kill.name]}")
            self.fleet.again(kill)
        self.say("both are started again")

    def _finish(self, on: date, played: Played) -> None:
        """What arrives late is decided as well: one department's fact is another one's request."""
        for number in range(ROUNDS):
            self.wait("everybody to catch up", lambda: self.outlook.backlog().is_empty)
            day = on + timedelta(days=number)
            worked = self.staff.work(day, _evening(day), chores=False)
            played.worked += worked
            self.say(f"after the last day, round {number + 1}: {worked.confirmed} confirmed, {worked.said} facts said")
            if worked.is_nothing:
                return


def _evening(on: date) -> datetime:
    """When the staff of a simulated day decide: after the counter has closed."""
    return datetime(on.year, on.month, on.day, 18, tzinfo=JAPAN)
