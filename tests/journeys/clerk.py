"""A clerk at the counter who never stops entering movements, and remembers what the register acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

from bus.event import Event
from bus.register.entry import Entry
from bus.town.names import family_name
from bus.town.town import Resident, Town, name_cells, place
from bus.town.week import JAPAN, Movement, everybody, person, play

Household = Sequence[Resident]
WEEK = 7


class Said(NamedTuple):
    """One act as it was committed: when, by this process's clock, and its events."""

    at: float
    events: tuple[Event, ...]


class Clerk:
    """One thread. What no story of the week touches is moved, renamed, protected, sent away and taken back."""

    def __init__(self, entry: Entry, town: Town, seed: int = 1) -> None:
        self.entry, self.town = entry, town
        self.said: list[Said] = []
        self._chance = Random(seed)
        self._now = datetime(town.day.year, town.day.month, town.day.day, 9, tzinfo=JAPAN) + timedelta(days=WEEK + 1)
        self._week = play(town, WEEK).movements
        self._failed: BaseException | None = None
        self._acts = self._endless(self._untouched())

    @property
    def events(self) -> list[Event]:
        return [event for said in self.said for event in said.events]

    def play_the_week(self) -> None:
        """Births, deaths, corrections and annulments, protected households: every story once."""
        first: dict[str, str] = {}
        for movement in self._week:
            undone = {"supersedes": first[movement.undoes]} if movement.undoes else {}
            first[movement.label] = self.enter({**movement.request, **undone})[0].id

    def enter(self, request: Mapping[str, Any]) -> list[Event]:
        events = self.entry.enter(request)
        self.said.append(Said(time.monotonic(), tuple(events)))
        return events

    @contextmanager
    def at_work(self, pace: float) -> Iterator[Callable[[], int]]:
        """Enters `pace` movements a second while the block runs; gives their number so far."""
        began, closed = len(self.said), threading.Event()
        thread = threading.Thread(target=self._work, args=(pace, closed))
        thread.start()
        try:
            yield lambda: len(self.said) - began
        finally:
            closed.set()
            thread.join(60)
            if self._failed is not None:
                raise self._failed

    def _work(self, pace: float, closed: threading.Event) -> None:
        due = time.monotonic()
        try:
            while not closed.wait(max(0.0, due - time.monotonic())):
                next(self._acts)
                due += 1 / pace
        except BaseException as error:  # noqa: BLE001 — told in the test's own thread
            self._failed = error

    # What is entered -------------------------------------------------------------------------------------------------

    def _untouched(self) -> list[Household]:
        used = {key for movement in self._week for key in _named(movement)}
        return [
            household
            for household in self.town.households
            if not used & {household[0].household, *(member.key for member in household)}
            and all("resident_since" in member.cells for member in household)
        ]

    def _endless(self, households: Sequence[Household]) -> Iterator[None]:
        last: dict[str, str] = {}
        for turn in count():
            for household in households:
                act = STORY[turn % len(STORY)]
                request = {"effective": self._now.date().isoformat(), "recorded": self._tick(), **act(self, household)}
                if request["reason"].startswith("TORIKESHI"):
                    request = request | {"effective": None, "supersedes": last[household[0].household]}
                last[household[0].household] = self.enter(request)[0].id
                yield

    def _tick(self) -> str:
        self._now += timedelta(seconds=1)
        return self._now.isoformat()

    def moves(self, household: Household) -> dict[str, Any]:
        there = {path: cell for path, cell in place(self._chance).items() if path != "address.municipality_code"}
        return {"reason": "TENKYO", "persons": [person(member, there) for member in household]}

    def is_renamed(self, household: Household) -> dict[str, Any]:
        cells = name_cells(family_name(self._chance), household[0].given, foreign=False)
        cells["name.kana"] += "・" + str(self._chance.randrange(10**6))
        return {"reason": "SHIMEI_HENKO", "persons": [person(household[0], cells)]}

    def dies(self, household: Household) -> dict[str, Any]:
        return {"reason": "SHIBO", "persons": [person(household[-1])]}


def _all(reason: str) -> Callable[[Clerk, Household], dict[str, Any]]:
    return lambda _, household: {"reason": reason, "persons": everybody(household)}


def _undone(reason: str) -> Callable[[Clerk, Household], dict[str, Any]]:
    return lambda _, __: {"reason": reason, "persons": []}


STORY: tuple[Callable[[Clerk, Household], dict[str, Any]], ...] = (
    Clerk.moves, _undone("TORIKESHI_SHUSEI"), Clerk.moves,
    _all("SHIEN_SOCHI_KAISHI"), Clerk.moves, _all("SHIEN_SOCHI_SHURYO"),
    _all("TENSHUTSU"), _undone("TORIKESHI_ZO"),
    Clerk.is_renamed,
    Clerk.dies, _undone("TORIKESHI_ZO"),
)  # fmt: skip


def _named(movement: Movement) -> Iterator[str]:
    for one in movement.request["persons"]:
        if one["key"] is not None:
            yield one["key"]
    if "household" in movement.request:
        yield movement.request["household"]
