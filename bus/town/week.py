"""What happens in an invented town in a few days? The same town gives the same days, by a simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from bus.town.names import family_name, given_name
from bus.town.people import RELATIONS, compose
from bus.town.places import elsewhere, place
from bus.town.resident import Resident, name_cells
from bus.town.town import Town

JAPAN: Final = timezone(timedelta(hours=9))
Household = Sequence[Resident]


@dataclass(frozen=True, slots=True)
class Movement:
    """One act at the counter. `undoes` names the movement it corrects or annuls: event ids are known only later."""

    label: str
    at: datetime
    request: Mapping[str, Any]
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Days:
    movements: tuple[Movement, ...]
    poisoned: str  # the key of the person whose record will be broken on purpose
    waits: str  # the label of that person's later movement, which has to wait behind it


class Script:
    """Writes movements for households that are each used once, so that stories do not meet by accident."""

    def __init__(self, town: Town, days: int) -> None:
        self.chance = Random(town.seed + 1)
        self.first = town.day + timedelta(days=1)
        self.days = days
        self.movements: list[Movement] = []
        self._free = [
            household  # a real extract knows people who are about to leave, or whose number says nothing of their age
            for household in town.households
            if not any("move_out.planned_on" in m.cells or "resident_since" not in m.cells for m in household)
        ]
        self.chance.shuffle(self._free)
        self.scale = len(town.residents) / 5_000

    def some(self, often: float) -> range:
        """`often` times in a town of 5,000; at least once."""
        return range(max(1, round(often * self.scale)))

    def take(self, suits: Callable[[Household], bool]) -> Household | None:
        for index, household in enumerate(self._free):
            if suits(household):
                return self._free.pop(index)
        return None

    def start(self) -> int:
        """A day that leaves time for what follows."""
        return self.chance.randrange(max(self.days - 4, 1))

    def on(self, day: int) -> date:
        return self.first + timedelta(days=min(day, self.days - 1))

    def say(
        self, day: int, step: int, reason: str, persons: Iterable[Mapping[str, Any]], *,
        effective: str | dict[str, str] | None = None, undoes: str | None = None, household: str | None = None,
    ) -> str:  # fmt: skip
        """Adds a movement; `step` orders those of one story that fall on the same day. Returns its label."""
        label = f"{reason}-{len(self.movements)}"
        on = self.on(day)
        at = datetime(on.year, on.month, on.day, 9 + 2 * step, self.chance.randrange(60), self.chance.randrange(60),
                      len(self.movements), tzinfo=JAPAN)  # fmt: skip
        request: dict[str, Any] = {"reason": reason, "persons": list(persons), "recorded": at.isoformat()}
        if undoes is None:
            request["effective"] = effective or on.isoformat()
        elif effective:
            request["effective"] = effective
        if household:
            request["household"] = household
        self.movements.append(Movement(label, at, request, undoes))
        return label

    def done(self) -> tuple[Movement, ...]:
        return tuple(sorted(self.movements, key=lambda movement: movement.at))


def everybody(household: Household, **cells: str) -> list[dict[str, Any]]:
    given = {path.replace("__", "."): cell for path, cell in cells.items()}
    return [person(member, given) for member in household]


def person(resident: Resident, cells: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"key": resident.key, "set": dict(cells or {})}


def relation(code: str) -> dict[str, str]:
    return {"household.relation_code": code, "household.relation": RELATIONS[code]}


def alone(household: Household) -> bool:
    return len(household) == 1 and not household[0].foreign and 25 <= household[0].age(date(2026, 4, 1)) < 60


def settled(household: Household) -> bool:
    """Everybody came long ago, so that something may have been so for weeks."""
    return all(member.cells["resident_since"] < "2025-12-01" for member in household)


def couple(household: Household) -> bool:
    return len(household) >= 2 and household[1].relation in ("11", "12")


# The stories ----------------------------------------------------------------------------------------------------------


def births(script: Script) -> None:
    for _ in script.some(9):
        if family := script.take(lambda h: couple(h) and not h[0].foreign and h[1].age(script.first) < 45):
            day, sex = script.chance.randrange(script.days), script.chance.choice("12")
            cells = name_cells(family[0].family, given_name(script.chance, sex), foreign=False)
            child = {"key": None, "set": cells | {"sex": sex, "sex_text": "男" if sex == "1" else "女"}}
            script.say(day, 0, "SHUSSEI", [child], household=family[0].household)


def deaths(script: Script) -> None:
    def old(household: Household) -> bool:
        return household[0].age(script.first) >= 70 and settled(household)

    for number in script.some(11):
        if family := script.take(old):
            day = script.chance.randrange(script.days)
            when = script.on(day).isoformat()
            about = {"text": f"{when}頃", "earliest": (script.on(day) - timedelta(days=3)).isoformat(), "latest": when}
            script.say(day, 0, "SHIBO", [person(family[-1])], effective=about if number == 1 else when)
    for _ in script.some(1):  # entered by mistake for the head of a couple, annulled later
        if family := script.take(lambda h: couple(h) and old(h)):
            day = script.start()
            wrong = script.say(day, 0, "SHIBO", [person(family[0])])
            script.say(day + 2, 1, "TORIKESHI_ZO", [], undoes=wrong)
    for _ in script.some(2):  # the day turns out to be weeks earlier
        if family := script.take(lambda h: len(h) == 1 and old(h)):
            day = script.start()
            said = script.say(day, 0, "SHIBO", [person(family[0])])
            right = (script.on(day) - timedelta(days=20)).isoformat()
            script.say(
                day + 2, 1, "GOKI_SHUSEI", [person(family[0], {"removal.date": right})], undoes=said, effective=right
            )


def moves_in(script: Script) -> None:
    for number in script.some(26):
        day = script.start() if number == 0 else script.chance.randrange(script.days)
        here = script.say(day, 0, "TENNYU", newcomers(script), household="new")
        if number == 0:
            script.say(day + 3, 1, "TORIKESHI_GEN", [], undoes=here)


def newcomers(script: Script) -> list[dict[str, Any]]:
    """A household from elsewhere, not yet known here."""
    chance = script.chance
    family, here, before = family_name(chance), place(chance), elsewhere(chance)
    shared = {path: cell for path, cell in here.items() if path != "address.municipality_code"}
    shared |= {f"previous.{part}": cell for part, cell in before.items()}
    found = []
    for member in compose(chance, script.first - timedelta(days=40)):
        cells = name_cells(family, given_name(chance, member.sex), foreign=False) | shared | relation(member.relation)
        cells |= {"sex": member.sex, "sex_text": "男" if member.sex == "1" else "女", "birth": member.born.isoformat()}
        found.append({"key": None, "set": cells})
    return found


def new_address(script: Script) -> dict[str, str]:
    return {path: cell for path, cell in place(script.chance).items() if path != "address.municipality_code"}


def moves_within(script: Script) -> None:
    for number in script.some(24):
        if family := script.take(settled):
            day, to = script.chance.randrange(script.days), new_address(script)
            since = script.on(day) - timedelta(days=40 if number % 8 == 0 else 2)  # now and then told weeks late
            script.say(day, 0, "TENKYO", [person(m, to) for m in family], effective=since.isoformat())
    for _ in script.some(6):  # a grown-up child moves into a flat of its own
        if family := script.take(lambda h: settled(h) and len(h) >= 3 and h[-1].age(script.first) >= 19):
            script.say(script.start(), 0, "TENKYO", [person(family[-1], new_address(script) | relation("02"))],
                       household="new")  # fmt: skip
    for _ in script.some(2):
        if family := script.take(alone):
            day = script.start()
            said = script.say(day, 0, "TENKYO", [person(family[0], new_address(script))])
            script.say(day + 3, 1, "TORIKESHI_SHUSEI", [], undoes=said)


def moves_out(script: Script) -> None:
    for number in script.some(20):
        if family := script.take(lambda h: h[0].age(script.first) < 60 and settled(h)):
            out(script, family, script.start(), back=number == 0, confirmed=number % 2 == 0)
    for _ in script.some(7):  # announced for later; the person stays a resident until then
        if family := script.take(settled):
            day = script.chance.randrange(script.days)
            planned = (script.on(day) + timedelta(days=script.chance.randrange(10, 30))).isoformat()
            script.say(day, 0, "TENSHUTSU_TODOKE", everybody(family), effective=planned)
    for _ in script.some(2):  # announced and withdrawn
        if family := script.take(settled):
            day = script.start()
            planned = (script.on(day) + timedelta(days=12)).isoformat()
            said = script.say(day, 0, "TENSHUTSU_TODOKE", everybody(family), effective=planned)
            script.say(day + 2, 1, "TENSHUTSU_TORIKESHI", [], undoes=said)
    for _ in script.some(1):  # executed, and then it was not so
        if family := script.take(alone):
            day = script.start()
            said = script.say(day, 0, "TENSHUTSU", everybody(family))
            script.say(day + 2, 1, "TORIKESHI_ZO", [], undoes=said)


def out(script: Script, family: Household, day: int, *, back: bool, confirmed: bool) -> None:
    """Announced, executed, confirmed by the other town; and once, back again under the same number."""
    planned = script.on(day + 1).isoformat()
    to = {f"move_out.planned_{part}": cell for part, cell in elsewhere(script.chance).items() if part != "postal_code"}
    script.say(day, 0, "TENSHUTSU_TODOKE", [person(m, to) for m in family], effective=planned)
    script.say(day + 1, 1, "TENSHUTSU", everybody(family), effective=planned)
    if confirmed:
        there = {f"move_out.{part}": cell for part, cell in elsewhere(script.chance).items()}
        script.say(day + 2, 2, "TENSHUTSU_KAKUTEI", [person(m, there) for m in family], effective=planned)
    if back:
        cells = new_address(script) | {"previous.city": "ダミー市"}
        script.say(day + 3, 3, "TENNYU", [person(m, cells | relation(m.relation)) for m in family], household="new")


def households(script: Script) -> None:
    for _ in script.some(6):
        if family := script.take(couple):
            head, spouse = family[0], family[1]
            former = "12" if head.sex == "2" else "11"
            persons = [person(spouse, relation("02")), person(head, relation(former))]
            script.say(script.chance.randrange(script.days), 0, "SETAINUSHI_HENKO", persons)
    for number in script.some(5):
        if family := script.take(lambda h: len(h) >= 3 and h[-1].relation == "20" and h[-1].age(script.first) >= 18):
            day, child = script.start(), family[-1]
            script.say(day, 0, "SETAI_BUNRI", [person(child, relation("02"))], household="new")
            if number % 2 == 0:
                script.say(day + 3, 1, "SETAI_GAPPEI", [person(child, relation("20"))], household=child.household)


def corrections(script: Script) -> None:
    for _ in script.some(10):
        if family := script.take(alone):
            one = family[0]
            cells = name_cells(family_name(script.chance), one.given, foreign=False)
            script.say(script.chance.randrange(script.days), 0, "SHIMEI_HENKO", [person(one, cells)])
    for _ in script.some(10):  # a reading was written wrongly weeks ago
        if family := script.take(lambda h: settled(h) and not h[0].foreign):
            day, one = script.chance.randrange(script.days), family[-1]
            kana = one.given.kana + "ウ"
            cells = {"name.kana": f"{one.family.kana}　{kana}", "name.given_kana": kana}
            since = (script.on(day) - timedelta(days=30)).isoformat()
            script.say(day, 0, "GOKI_SHUSEI", [person(one, cells)], effective=since)
    for _ in script.some(5):
        if family := script.take(lambda h: settled(h) and "address.building" in h[0].cells):
            building = family[0].cells["address.building"] + "（改称）"
            script.say(script.chance.randrange(script.days), 0, "SHOKKEN_SHUSEI",
                       everybody(family, address__building=building))  # fmt: skip


def protection(script: Script) -> None:
    """A protected household that moves; a protection that ends."""
    for number in script.some(3):
        if family := script.take(lambda h: len(h) == 2 and h[1].relation == "20" and settled(h)):
            day = script.start()
            script.say(day, 0, "SHIEN_SOCHI_KAISHI", everybody(family))
            if number % 3 == 2:
                script.say(day + 3, 2, "SHIEN_SOCHI_SHURYO", everybody(family))
            else:
                to = new_address(script)
                script.say(day + 1, 1, "TENKYO", [person(m, to) for m in family])


STORIES: Final = (protection, births, deaths, moves_in, moves_within, moves_out, households, corrections)


def play(town: Town, days: int = 7) -> Days:
    """`days` days of `town`, from the day after the one it stands for."""
    script = Script(town, days)
    victim = script.take(lambda h: alone(h) and settled(h)) or script.take(lambda _: True)
    if victim is None:
        raise ValueError("nobody lives in this town")
    waits = script.say(days - 1, 4, "TENKYO", [person(member, new_address(script)) for member in victim])
    for story in STORIES:
        story(script)
    return Days(script.done(), victim[0].key, waits)
