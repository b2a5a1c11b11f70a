"""How is a month written down? Each story takes households of its own, and says what happens to them, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from bus.town.people import RELATIONS
from bus.town.resident import Household, Resident
from bus.town.stories import counter
from bus.town.town import Town

MONTH: Final = 30
SIZE: Final = 5_000
_TOLD: Final = timedelta(hours=1)  # from the 戸籍 window to the resident register


@dataclass(frozen=True, slots=True)
class Movement:
    """One act at the counter. `undoes` names the movement it corrects or annuls: event ids are known only later."""

    label: str
    at: datetime
    request: Mapping[str, Any]
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """Something that reaches another desk: at the 戸籍 window, an hour before the register enters what follows."""

    at: datetime
    kind: str  # SHUSSEI_TODOKE, KOKEN_KAISHI, INKAN_TOROKU, …
    key: str  # the person's; of a new-born, the household's number
    label: str | None = None  # the movement that follows here, if any does


@dataclass(frozen=True, slots=True)
class Days:
    movements: tuple[Movement, ...]
    poisoned: str  # the key of the person whose record will be broken on purpose
    waits: str  # the label of that person's later movement, which has to wait behind it
    filings: tuple[Filing, ...] = ()


class Script:
    """Writes movements for households that are each used once, so that stories do not meet by accident."""

    def __init__(self, town: Town, days: int) -> None:
        self.town, self.chance = town, Random(town.seed + 1)
        self.first = town.day + timedelta(days=1)
        self.open = counter.open_days(self.first, days)
        self.length = days
        self.movements: list[Movement] = []
        self.filings: list[Filing] = []
        self.told: Counter[str] = Counter()  # persons by reason
        self.times = 3 if days >= MONTH // 2 and len(town.residents) >= SIZE // 2 else 1
        self._free = [  # a real extract knows people whose number says nothing of their age
            household for household in town.households if all("resident_since" in m.cells for m in household)
        ]
        self.chance.shuffle(self._free)

    def repeat(self, often: int = 1) -> range:
        """Whatever the size of the town, so that everything happens; more often in a long month."""
        return range(often * self.times)

    def due(self, rate: float, *reasons: str, moving: bool = False) -> Iterator[Story]:
        """Stories until as many persons as `rate` says (per 1,000 and year, domain 6.3) have met one of the reasons."""
        share = sum(counter.weight(day, moving=moving) for day in self.open if counter.is_open(day))
        wanted = rate / 1_000 * len(self.town.residents) * share
        while sum(self.told[reason] for reason in reasons) + self.chance.random() < wanted:
            before = len(self.movements)
            yield self.story(moving=moving)
            if len(self.movements) == before:
                return  # nobody is left to whom it could happen

    def take(self, suits: Callable[[Household], bool], *, announced: bool = False) -> Household | None:
        """A household nobody else takes; who has announced a move-out is left to that story."""
        for index, household in enumerate(self._free):
            if announced == ("move_out.planned_on" in household[0].cells) and suits(household):
                return self._free.pop(index)
        return None

    def free(self) -> Sequence[Household]:
        return tuple(self._free)

    def claim(self, *households: Household) -> None:
        self._free = [free for free in self._free if not any(free is household for household in households)]

    def story(self, *, span: int = 0, moving: bool = False) -> Story:
        """Begins on a day that leaves `span` open days for what follows, if there are so many."""
        days = self.open[: max(len(self.open) - span, 1)]
        return Story(self, counter.draw_day(self.chance, days, moving=moving))

    def days(self, poisoned: str, waits: str) -> Days:
        return Days(
            tuple(sorted(self.movements, key=lambda movement: movement.at)), poisoned, waits,
            tuple(sorted(self.filings, key=lambda filing: (filing.at, filing.kind, filing.key))),
        )  # fmt: skip


class Story:
    """What happens one after another, on one or several open days."""

    def __init__(self, script: Script, day: int) -> None:
        self.script, self.chance = script, script.chance
        self._day, self._last = day, datetime.min.replace(tzinfo=counter.JAPAN)
        self.label = ""  # of what was said last
        self.hurries = False  # approved in one go: a burst

    @property
    def on(self) -> date:
        return self.script.open[self._day]

    def ago(self, days: int) -> str:
        return (self.on - timedelta(days=days)).isoformat()

    def later(self, days: int) -> Story:
        """Some open days later, or on the last one."""
        self._day = min(self._day + days, len(self.script.open) - 1)
        return self

    def until(self, day: date) -> bool:
        """The first open day from `day` on; False where it lies beyond the script."""
        later = next((n for n, other in enumerate(self.script.open) if other >= day and n >= self._day), None)
        self._day = self._day if later is None else later
        return later is not None

    def say(
        self, reason: str, persons: Iterable[Mapping[str, Any]], *, effective: str | dict[str, str] | None = None,
        undoes: str | None = None, household: str | None = None, filed: str | None = None, about: str | None = None,
        early: bool = False, late: bool = False,
    ) -> str:  # fmt: skip
        """Adds a movement after what was said last, and returns its label.

        `filed`: what was reported at the 戸籍 window for it, `about` whom. `early`: before the counter opens; `late`:
        behind everything.
        """
        script, named = self.script, list(persons)
        self.label = f"{reason}-{len(script.movements)}"
        at = self._moment(early=early, late=late)
        request: dict[str, Any] = {"reason": reason, "persons": named, "recorded": at.isoformat()}
        if undoes is None or effective:
            request["effective"] = effective or self.on.isoformat()
        if household:
            request["household"] = household
        script.movements.append(Movement(self.label, at, request, undoes))
        script.told[reason] += max(len(named), 1)
        if filed:
            script.filings.append(Filing(at - _TOLD, filed, about or named[0]["key"], self.label))
        return self.label

    def file(self, kind: str, key: str) -> None:
        """Something for another desk, from which no movement follows."""
        self.script.filings.append(Filing(counter.draw_hour(self.chance, self.on), kind, key))

    def _moment(self, *, early: bool, late: bool) -> datetime:
        drawn = counter.draw_hour(self.chance, self.on)
        if early:
            drawn = drawn.replace(hour=8, minute=30 + drawn.minute % 25)
        if late:
            self._last = max((movement.at for movement in self.script.movements), default=self._last)
        if drawn <= self._last or (self.hurries and self._last.year > 1):
            pause = timedelta(seconds=1) if self.hurries else timedelta(minutes=1)
            drawn = self._last + pause * self.chance.randrange(3, 20)
        drawn = drawn.replace(microsecond=len(self.script.movements))  # no two at once
        self._last = drawn
        return drawn


def everybody(household: Household, **cells: str) -> list[dict[str, Any]]:
    given = {path.replace("__", "."): cell for path, cell in cells.items()}
    return [person(member, given) for member in household]


def person(resident: Resident, cells: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"key": resident.key, "set": dict(cells or {})}


def relation(code: str, words: str = "") -> dict[str, str]:
    return {"household.relation_code": code, "household.relation": words or RELATIONS[code]}


# Whom it may happen to ----------------------------------------------------------------------------------------------


def headed(household: Household) -> bool:
    return household[0].relation == "02"


def single(household: Household) -> bool:
    return len(household) == 1 and headed(household) and not household[0].foreign


def alone(household: Household) -> bool:
    return single(household) and date(1966, 1, 1) < household[0].born < date(2001, 1, 1)


def settled(household: Household) -> bool:
    """Everybody came long ago, so that something may have been so for weeks."""
    return headed(household) and all(member.cells["resident_since"] < "2025-12-01" for member in household)


def couple(household: Household) -> bool:
    return len(household) >= 2 and headed(household) and household[1].relation in ("11", "12")


def japanese(household: Household) -> bool:
    return headed(household) and not household[0].foreign
