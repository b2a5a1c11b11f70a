"""Who is born, and who dies? Reported at the 戸籍 window first; entered when the counter is open."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bus.town.names import given_name
from bus.town.resident import Household, Resident, name_cells
from bus.town.stories.script import Script, Story, couple, headed, person, relation, settled

BIRTHS: Final = 5.5  # per 1,000 and year (domain 6.3)
DEATHS: Final = 12.9
# Ages of the dead, %: most of them are very old.
_DEAD: Final = {(50, 64): 10, (65, 74): 15, (75, 84): 30, (85, 94): 36, (95, 110): 9}


def births(script: Script) -> None:
    def young(household: Household) -> bool:
        return couple(household) and 20 <= household[1].age(script.first) < 43 and household[0].age(script.first) < 50

    for story in script.due(BIRTHS, "SHUSSEI"):
        if family := script.take(young):
            _birth(story, family)
    if not script.told["SHUSSEI"] and (family := script.take(young)):
        _birth(script.story(), family)


def _birth(story: Story, family: Household) -> None:
    head, sex = family[0], story.chance.choice("12")
    given = given_name(story.chance, sex)
    cells = name_cells(head.family, given, foreign=head.foreign)
    cells |= {"sex": sex, "sex_text": "男" if sex == "1" else "女", "resident_type": "2" if head.foreign else "1"}
    story.say(
        "SHUSSEI", [{"key": None, "set": cells}], effective=story.ago(story.chance.randrange(1, 14)),
        household=head.household, filed="SHUSSEI_TODOKE", about=head.household,
    )  # fmt: skip


def deaths(script: Script) -> None:
    _death_by_mistake(script)
    _day_found_out(script)
    for number, story in enumerate(script.due(DEATHS, "SHIBO")):
        if found := _mortal(script):
            _death(story, *found, about=number % 8 == 1)
    if script.told["SHIBO"] < 4 and (found := _mortal(script)):
        _death(script.story(span=3), *found, about=True)


def _mortal(script: Script) -> tuple[Household, Resident] | None:
    (band,) = script.chance.choices(list(_DEAD), weights=list(_DEAD.values()))

    def of_age(household: Household) -> Resident | None:
        return next((m for m in household if band[0] <= m.age(script.first) <= band[1]), None)

    household = script.take(lambda h: settled(h) and of_age(h) is not None)
    dead = of_age(household) if household else None
    return (household, dead) if household and dead else None


def _death(story: Story, household: Household, dead: Resident, *, about: bool) -> None:
    when = story.on - timedelta(days=story.chance.randrange(7))
    day = when.isoformat()
    if about:
        unsure = {"text": f"{day}頃", "earliest": (when - timedelta(days=3)).isoformat(), "latest": day}
        story.say("SHIBO", [person(dead)], effective=unsure, filed="SHIBO_TODOKE")
    else:
        story.say("SHIBO", [person(dead)], effective=day, filed="SHIBO_TODOKE")
    left = [member for member in household if member is not dead and member.age(story.on) >= 18]
    if dead is household[0] and left and story.chance.random() < 0.7:  # until then the household has no head (D11)
        story.later(3).say("SETAINUSHI_HENKO", [person(left[0], relation("02"))])


def _death_by_mistake(script: Script) -> None:
    """Entered for the wrong one of a couple, and annulled."""
    for _ in script.repeat():
        if family := script.take(lambda h: couple(h) and settled(h) and h[0].age(script.first) >= 70):
            story = script.story(span=2)
            wrong = story.say("SHIBO", [person(family[0])], filed="SHIBO_TODOKE")
            story.later(2).say("TORIKESHI_ZO", [], undoes=wrong)
            story.say("SHIBO", [person(family[1])], filed="SHIBO_TODOKE")


def _day_found_out(script: Script) -> None:
    """The day turns out to be weeks earlier."""
    for _ in script.repeat():
        if family := script.take(lambda h: len(h) == 1 and settled(h) and headed(h) and h[0].age(script.first) >= 70):
            story = script.story(span=2)
            said = story.say("SHIBO", [person(family[0])], filed="SHIBO_TODOKE")
            right = story.ago(20)
            story.later(2).say(
                "GOKI_SHUSEI", [person(family[0], {"removal.date": right})], undoes=said, effective=right
            )
