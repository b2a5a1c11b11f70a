"""Who is registered twice, and whose number has to be another one? Merged, merged wrongly, renumbered."""

from __future__ import annotations

from bus.town.resident import Household
from bus.town.stories.script import Script, person, settled, single


def identity(script: Script) -> None:
    for one, twin in _twice(script)[: script.times]:
        script.claim(one, twin)
        script.story().say("TOGO", [person(one[0]), person(twin[0])])
    for _ in script.repeat():  # two persons after all
        first = script.take(lambda h: single(h) and settled(h))
        second = script.take(lambda h: single(h) and settled(h))
        if first and second:
            story = script.story(span=3)
            merged = story.say("TOGO", [person(first[0]), person(second[0])])
            story.later(3).say("TOGO_TORIKESHI", [], undoes=merged)
    if family := script.take(lambda h: single(h) and settled(h)):
        script.story().say("FUBAN_KAE", [person(family[0]), {"key": None}])


def _twice(script: Script) -> list[tuple[Household, Household]]:
    """Two sheets with the same name, sex and day of birth."""
    seen: dict[tuple[str, str, str], Household] = {}
    found = []
    for household in script.free():
        one = household[0]
        if single(household) and settled(household) and "move_out.planned_on" not in one.cells:
            name = (one.full, one.sex, one.cells["birth"])
            if (other := seen.pop(name, None)) is None:
                seen[name] = household
            else:
                found.append((household, other))
    return found
