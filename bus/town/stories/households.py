"""Who lives with whom from now on, and who is the head? Nobody moves to another address in these acts."""

from __future__ import annotations

from datetime import date
from typing import Final

from bus.town.resident import Household
from bus.town.stories.script import Script, Story, couple, headed, person, relation, settled

RATE: Final = 8.0  # per 1,000 and year (domain 6.3)
REASONS: Final = ("SETAINUSHI_HENKO", "SETAI_BUNRI", "SETAI_GAPPEI", "SETAI_HENKO")


def households(script: Script) -> None:
    pairs = _under_one_roof(script)
    for _ in script.repeat():
        _some_join(script, pairs)
        _join(script, pairs)
        _another_head(script, script.story())
        _apart_and_together(script, script.story(span=3))
    for number, story in enumerate(script.due(RATE, *REASONS)):
        if number % 3 == 2:
            _apart(script, story)
        else:
            _another_head(script, story)


def _another_head(script: Script, story: Story) -> None:
    if family := script.take(couple):
        head, spouse = family[0], family[1]
        former = "12" if head.sex == "2" else "11"
        story.say("SETAINUSHI_HENKO", [person(spouse, relation("02")), person(head, relation(former))])


def _with_grown_up_child(household: Household) -> bool:
    last = household[-1]
    return len(household) >= 3 and headed(household) and last.relation == "20" and last.born < date(2007, 1, 1)


def _apart(script: Script, story: Story) -> Household | None:
    if family := script.take(_with_grown_up_child):
        story.say("SETAI_BUNRI", [person(family[-1], relation("02"))], household="new")
    return family


def _apart_and_together(script: Script, story: Story) -> None:
    if family := _apart(script, story):
        child = family[-1]
        back = relation("20", child.cells["household.relation"])
        story.later(3).say("SETAI_GAPPEI", [person(child, back)], household=child.household)


def _under_one_roof(script: Script) -> list[tuple[Household, Household]]:
    """Two households at one address, the smaller one first."""
    here: dict[tuple[str, ...], Household] = {}
    pairs = []
    for household in script.free():
        cells = household[0].cells
        if settled(household) and "move_out.planned_on" not in cells:
            where = tuple(cells.get(f"address.{part}", "") for part in ("town", "lot", "building"))
            if other := here.pop(where, None):
                smaller, larger = sorted((household, other), key=len)
                pairs.append((smaller, larger))
            else:
                here[where] = household
    return pairs


def _join(script: Script, pairs: list[tuple[Household, Household]]) -> None:
    """The whole smaller household joins the other."""
    if pairs:
        joining, host = pairs.pop()
        script.claim(joining, host)
        words = [relation("96" if member.relation == "02" else "99") for member in joining]
        persons = [person(member, cells) for member, cells in zip(joining, words, strict=True)]
        script.story().say("SETAI_GAPPEI", persons, household=host[0].household)


def _some_join(script: Script, pairs: list[tuple[Household, Household]]) -> None:
    """A member who is not the head goes over to the other household."""
    index = next((n for n, (_, larger) in enumerate(pairs) if len(larger) > 1), None)
    if index is not None:
        host, home = pairs.pop(index)
        script.claim(host, home)
        script.story().say("SETAI_HENKO", [person(home[-1], relation("96"))], household=host[0].household)
