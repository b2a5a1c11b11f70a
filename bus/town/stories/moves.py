"""Who comes, who moves within the town, and who leaves? Announced, executed, confirmed, withdrawn, told late."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any, Final

from bus.town.foreigners import name_of, nation, stay
from bus.town.names import family_name, given_name
from bus.town.people import compose
from bus.town.places import elsewhere, place
from bus.town.resident import Household, name_cells
from bus.town.stories.script import Script, Story, alone, everybody, headed, person, relation, settled

IN: Final = 47.8  # per 1,000 and year (domain 6.3); from abroad 5.9 of them
OUT: Final = 44.9  # … to other countries 3.0
WITHIN: Final = 22.0
FROM_ABROAD: Final = 0.12
TO_ABROAD: Final = 0.07
WARD: Final = "999996"  # another ward of a city that nobody lives in: its check digit fails as well
# Ages of who moves, %: half of them are in their twenties or early thirties.
_MOVERS: Final = {18: 5, 20: 19, 25: 19, 30: 14, 35: 9, 40: 6, 45: 5, 50: 4, 55: 4, 60: 3, 65: 2, 70: 2, 80: 2}


def arrivals(script: Script) -> None:
    for _ in script.repeat():  # entered, and then it was not so
        story = script.story(span=3)
        here = story.say("TENNYU", newcomers(story), household="new")
        story.later(3).say("TORIKESHI_GEN", [], undoes=here)
    for _ in script.repeat():  # found to live here without having said so
        story = script.story()
        story.say("SHOKKEN_KISAI", newcomers(story), effective=story.ago(25), household="new")
    for story in script.due(IN, "TENNYU", moving=True):
        abroad = story.chance.random() < FROM_ABROAD
        since = story.ago(story.chance.randrange(12))  # within 14 days, as the law has it
        story.say("TENNYU", newcomers(story, abroad=abroad), effective=since, household="new")


def newcomers(story: Story, *, abroad: bool = False) -> list[dict[str, Any]]:
    """A household not yet known here, from the other town or from another country."""
    chance = story.chance
    origin = nation(chance) if abroad else None
    family = origin.family if origin else family_name(chance)
    shared = new_address(chance)
    if origin is None:
        shared |= {f"previous.{part}": cell for part, cell in elsewhere(chance).items()}
    found = []
    for member in compose(chance, story.script.first - timedelta(days=40)):
        cells = shared | relation(member.relation) | {"sex": member.sex, "birth": member.born.isoformat()}
        cells["sex_text"] = "男" if member.sex == "1" else "女"
        if origin is None:
            cells |= name_cells(family, given_name(chance, member.sex), foreign=False)
        else:
            given, kanji = name_of(chance, origin)
            cells |= name_cells(family, given, foreign=True, kanji=kanji) | {"resident_type": "2"}
            cells |= stay(chance, origin, story.on - timedelta(days=12), story.on, special=False, soon=False)
        found.append({"key": None, "set": cells})
    return found


def new_address(chance: Random) -> dict[str, str]:
    return {path: cell for path, cell in place(chance).items() if path != "address.municipality_code"}


def within(script: Script) -> None:
    for _ in script.repeat():
        if family := script.take(alone):
            story = script.story(span=3)
            said = story.say("TENKYO", [person(family[0], new_address(script.chance))])
            story.later(3).say("TORIKESHI_SHUSEI", [], undoes=said)
    for _ in script.repeat():
        if family := script.take(lambda h: len(h) > 1 and settled(h)):
            to = new_address(script.chance) | {"address.municipality_code": WARD}
            script.story().say("KUKAN_IDO", [person(member, to) for member in family], household="new")
    for number, story in enumerate(script.due(WITHIN, "TENKYO", moving=True)):
        to = new_address(story.chance)
        since = story.ago(40 if number % 8 == 3 else story.chance.randrange(10))  # now and then told weeks late
        if number % 4 == 1 and (family := script.take(_with_grown_up_child)):
            story.say("TENKYO", [person(family[-1], to | relation("02"))], effective=since, household="new")
        elif family := _movers(script):
            story.say("TENKYO", [person(member, to) for member in family], effective=since)


def _with_grown_up_child(household: Household) -> bool:
    last = household[-1]
    is_child = last.relation == "20" and last.cells["household.relation"] == "子"
    return settled(household) and is_child and last.born < date(2007, 1, 1)


def _movers(script: Script) -> Household | None:
    """Seven of ten are alone, and mostly young."""
    (low,) = script.chance.choices(list(_MOVERS), weights=list(_MOVERS.values()))
    several = script.chance.random() < 0.22

    def suits(household: Household) -> bool:
        return abs(household[0].age(script.first) - low - 2) < 5 and (len(household) > 1) == several

    return script.take(lambda h: settled(h) and suits(h)) or script.take(lambda h: settled(h) and h[0].born.year > 1960)


def departures(script: Script) -> None:
    _known_leavers(script)
    for _ in script.repeat():  # announced and withdrawn
        if family := script.take(settled):
            story = script.story(span=2)
            said = story.say("TENSHUTSU_TODOKE", everybody(family), effective=story.ago(-12))
            story.later(2).say("TENSHUTSU_TORIKESHI", [], undoes=said)
    for _ in script.repeat():  # executed, and then it was not so
        if family := script.take(alone):
            story = script.story(span=2)
            said = story.say("TENSHUTSU", everybody(family))
            story.later(2).say("TORIKESHI_ZO", [], undoes=said)
    for _ in script.repeat():
        if family := script.take(lambda h: settled(h) and h[0].born.year > 1966):
            _out(script.story(span=3), family, back=True)
        if family := script.take(lambda h: settled(h) and h[0].born.year > 1966):
            _out(script.story(span=3), family, soon=True)
    for story in script.due(OUT, "TENSHUTSU_TODOKE", moving=True):
        if family := _movers(script):
            _out(story, family)
    for story in script.due(OUT, "TENSHUTSU", moving=True):  # nobody announced it: the other town says so
        if family := _movers(script):
            gone = story.ago(15 + story.chance.randrange(20))
            story.say("TENSHUTSU", everybody(family), effective=gone)
            if story.chance.random() < 0.5:
                story.later(1).say("TENSHUTSU_KAKUTEI", _to(story, family, "move_out."), effective=gone)


def _known_leavers(script: Script) -> None:
    """Who had announced it before the month began."""
    while family := script.take(headed, announced=True):
        planned = date.fromisoformat(family[0].cells["move_out.planned_on"])
        story = Story(script, 0)
        if story.until(planned):
            story.say("TENSHUTSU", everybody(family), effective=planned.isoformat())


def _out(story: Story, family: Household, *, back: bool = False, soon: bool = False) -> None:
    """Announced, executed, confirmed by the other town; or back again under the same number."""
    chance = story.chance
    ahead = 1 if back or soon else chance.choice((-3, 0, 1, 2, 3, 5, 7, 10, 14, 25))
    planned = story.on + timedelta(days=ahead)
    to = _to(story, family, "move_out.planned_")
    story.say("TENSHUTSU_TODOKE", to, effective=planned.isoformat())
    if not story.until(planned):
        return  # a resident until then
    story.say("TENSHUTSU", everybody(family), effective=planned.isoformat())
    if back:
        cells = new_address(chance) | {"previous.city": "ダミー市"}
        arrived = max(planned, story.later(2).on).isoformat()
        story.say("TENNYU", [person(m, cells | relation(m.relation)) for m in family], effective=arrived,
                  household="new")  # fmt: skip
    elif soon or (chance.random() < 0.8 and "move_out.planned_municipality_code" in to[0]["set"]):
        there = _to(story, family, "move_out.")
        story.later(chance.randrange(1, 5)).say("TENSHUTSU_KAKUTEI", there, effective=planned.isoformat())


def _to(story: Story, family: Household, way: str) -> list[dict[str, Any]]:
    parts = elsewhere(story.chance)
    if way == "move_out.planned_" and story.chance.random() < TO_ABROAD * (5 if family[0].foreign else 0.85):
        parts = {"town": "国外（サンプル国）"}
    if way == "move_out.planned_":
        parts.pop("postal_code", None)
    return [person(member, {f"{way}{part}": cell for part, cell in parts.items()}) for member in family]
