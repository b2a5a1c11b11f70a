"""Who is protected (支援措置), provisionally, longer, no longer; and whose record may not be touched (抑止)?"""

from __future__ import annotations

from typing import Final

from bus.town.resident import Household
from bus.town.stories.moves import new_address
from bus.town.stories.script import Script, Story, everybody, person, settled, single

STANDING: Final = 1.2  # protected residents per 1,000; an estimate
RATE: Final = 1.5  # new or extended, per 1,000 and year (domain 6.3)


def protection(script: Script) -> None:
    _standing(script)
    for _ in script.repeat():
        if family := script.take(_parent_and_child):  # applied for, granted; then they move
            story = script.story(span=3)
            story.say("SHIEN_SOCHI_KARI", everybody(family))
            story.later(2).say("SHIEN_SOCHI_KAISHI", everybody(family))
            to = new_address(script.chance)
            story.later(1).say("TENKYO", [person(member, to) for member in family])
        if family := script.take(_parent_and_child):
            story = script.story(span=2)
            story.say("SHIEN_SOCHI_KAISHI", everybody(family))
            story.later(2).say("SHIEN_SOCHI_SHURYO", everybody(family))
        _suppressed(script)
    for story in script.due(RATE, "SHIEN_SOCHI_KAISHI", "SHIEN_SOCHI_ENCHO"):
        if family := script.take(_parent_and_child):
            story.say("SHIEN_SOCHI_KAISHI", everybody(family))


def _parent_and_child(household: Household) -> bool:
    return len(household) == 2 and household[1].relation == "20" and settled(household)


def _standing(script: Script) -> None:
    """Whom the lists of the register do not name: entered before the counter opens. Some years end in these days."""
    wanted, count = STANDING / 1_000 * len(script.town.residents), 0
    number = 0
    while (count < wanted or number < 2) and (family := script.take(_parent_and_child)):
        ends_soon = number % 3 == 0
        story = Story(script, 0)
        since = story.ago(350 if ends_soon else script.chance.randrange(20, 300))
        story.say("SHIEN_SOCHI_KAISHI", everybody(family), effective=since, early=True)
        if ends_soon:
            story.later(2 + number).say("SHIEN_SOCHI_ENCHO", everybody(family))
        count, number = count + len(family), number + 1
    script.told["SHIEN_SOCHI_KAISHI"] -= count  # these are not new


def _suppressed(script: Script) -> None:
    for number in range(2):
        if family := script.take(lambda h: single(h) and settled(h)):
            story = script.story(span=3)
            cells = {"suppression.level": "ALERT"} if number else {}
            story.say("YOKUSHI_SETTEI", [person(family[0], cells)])
            if number == 0:
                story.later(3).say("YOKUSHI_KAIJO", [person(family[0])])
