"""How does a city hall in memory live through the days of an invented town? The register, the windows, all desks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bus.dates import JAPAN
from bus.kit.desk.offices import OFFICES
from bus.kit.desk.staff import ELSEWHERE, WINDOWS
from bus.kit.hearing import Told
from bus.town.stories.script import Filing, Movement
from bus.town.town import build
from bus.town.week import play
from tests.kit.memory import City, residents
from tests.town.ledger import Ledger

SUNDAY = date(2026, 4, 5)
ROUNDS = 15


class Life:
    """`days` of a town of `size`; what was said within the first three is known, too."""

    def __init__(self, size: int, days: int) -> None:
        town = build(size, 7, SUNDAY)
        self.script = play(town, days)
        with TemporaryDirectory() as folder:
            self.register, _ = Ledger.of(town, Path(folder))
        self.city = City(OFFICES, residents(size, SUNDAY))
        self.labels: dict[str, str] = {}
        self.early: frozenset[str] = frozenset()
        for number in range(1, days + 1):
            self._day(SUNDAY + timedelta(days=number))
            if number == 3:
                self.early = frozenset(one.entity for one in self.city.heard)
        self._end(SUNDAY + timedelta(days=days))

    def _day(self, on: date) -> None:
        for movement in self.script.movements:
            if movement.at.astimezone(JAPAN).date() == on:
                self._enter(movement)
        self.city.work(on, _windows([one for one in self.script.filings if one.at.astimezone(JAPAN).date() == on]))

    def _enter(self, movement: Movement) -> None:
        undone = {"supersedes": self.labels[movement.undoes]} if movement.undoes else {}
        events = self.register.enter({**movement.request, **undone})
        self.labels[movement.label] = events[0].id
        self.city.tell([Told("juki.resident", event) for event in events])

    def _end(self, on: date) -> None:
        for number in range(1, ROUNDS):
            if self.city.work(on + timedelta(days=number), chores=False).is_nothing:
                return
        raise AssertionError("staff never come to an end")

    def reasons(self, *departments: str) -> Counter[str]:
        """What these departments said, acknowledgements left out."""
        said = [one for one in self.city.heard if one.entity.partition(".")[0] in departments]
        return Counter(one.event.reason for one in said if not one.entity.endswith(".decision"))


def _windows(filed: Sequence[Filing]) -> dict[str, list[Filing]]:
    return {name: [one for one in filed if name in WINDOWS.get(one.kind, ELSEWHERE)] for name in OFFICES}


@cache
def life(size: int, days: int) -> Life:
    return Life(size, days)
