"""What does the family register tell the resident register? Marriages, divorces, adoptions, names, readings."""

from __future__ import annotations

from typing import Final

from bus.town.names import Written, family_name
from bus.town.resident import Household, Resident, name_cells
from bus.town.stories.moves import new_address
from bus.town.stories.script import (
    Script,
    Story,
    alone,
    couple,
    japanese,
    person,
    relation,
    settled,
    single,
)

RATE: Final = 12.0  # per 1,000 and year (domain 6.3)
REASONS: Final = (
    "KOSEKI_KONIN", "KOSEKI_RIKON", "KOSEKI_ENGUMI", "KOSEKI_RIEN", "KOSEKI_UJI_HENKO", "KOSEKI_TENSEKI",
    "TOKUBETSU_YOSHI", "SHIMEI_HENKO", "KYUUJI_KISAI", "KYUUJI_HENKO", "KYUUJI_SAKUJO",
)  # fmt: skip


def family_register(script: Script) -> None:
    for story_of in (_adoption, _adoption_ended, _family_renamed, _register_moved, _special_adoption, _old_name):
        story_of(script)
    for _ in script.repeat():
        _couple_registered(script)
        _marriage(script, script.story(span=2))
        _divorce(script, script.story(span=2))
        _renamed(script, script.story())
    for number, story in enumerate(script.due(RATE, *REASONS)):
        (_marriage, _divorce, _renamed)[number % 3](script, story)
    _elsewhere(script)


def renamed(resident: Resident, family: Written) -> dict[str, str]:
    return name_cells(family, resident.given, foreign=False)


def honseki(story: Story, family: Written, given: Written) -> dict[str, str]:
    """A family register of their own, somewhere in the town."""
    cells = new_address(story.chance)
    town, lot = cells["address.town"], cells["address.lot"]
    return {
        "honseki.full": f"サンプル県サンプル市{town}", "honseki.town": town, "honseki.lot": lot,
        "honseki.town_code": cells["address.town_code"], "honseki.head_full": f"{family.text}　{given.text}",
        "honseki.head_family": family.text, "honseki.head_given": given.text,
    }  # fmt: skip


def _marriage(script: Script, story: Story) -> None:
    """Two who lived alone: one takes the other's name, and moves in."""
    one = script.take(lambda h: alone(h) and settled(h) and h[0].sex == "1")
    two = script.take(lambda h: alone(h) and settled(h) and h[0].sex == "2")
    if one is None or two is None:
        return
    man, woman = one[0], two[0]
    register = honseki(story, man.family, man.given)
    both = [person(man, register), person(woman, renamed(woman, man.family) | register)]
    story.say("KOSEKI_KONIN", both, filed="KONIN_TODOKE")
    here = {path: cell for path, cell in man.cells.items() if path.startswith("address.") and path in _WHERE}
    moved = person(woman, here | relation("12"))
    story.later(1).say("TENKYO", [moved], household=man.household)


_WHERE: Final = tuple(
    f"address.{part}"
    for part in ("prefecture", "city", "town", "town_code", "lot", "building", "postal_code", "district")
)


def _couple_registered(script: Script) -> None:
    """夫（未届）, 妻（未届）: they marry where they live."""
    if family := script.take(lambda h: japanese(h) and len(h) == 2 and h[1].relation in ("13", "14")):
        head, spouse = family
        story = script.story()
        register = honseki(story, head.family, head.given)
        now = relation("12" if spouse.relation == "14" else "11")
        story.say("KOSEKI_KONIN", [person(head, register), person(spouse, register | now)], filed="KONIN_TODOKE")


def _divorce(script: Script, story: Story) -> None:
    """One takes the former name again, and often moves out."""
    if family := script.take(lambda h: japanese(h) and couple(h) and settled(h) and h[0].born.year > 1956):
        spouse, name = family[1], family_name(story.chance)
        cells = renamed(spouse, name) | honseki(story, name, spouse.given) | relation("99")
        story.say("KOSEKI_RIKON", [person(spouse, cells)], filed="RIKON_TODOKE")
        if story.chance.random() < 0.7:
            to = new_address(story.chance) | relation("02")
            story.later(1).say("TENKYO", [person(spouse, to)], household="new")


def _renamed(script: Script, story: Story) -> None:
    if family := script.take(single):
        story.say("SHIMEI_HENKO", [person(family[0], renamed(family[0], family_name(story.chance)))])


def _adoption(script: Script) -> None:
    for _ in script.repeat():
        if family := script.take(lambda h: single(h) and settled(h)):
            story, name = script.story(), family_name(script.chance)
            cells = renamed(family[0], name) | honseki(story, name, family[0].given)
            story.say("KOSEKI_ENGUMI", [person(family[0], cells)], filed="ENGUMI_TODOKE")


def _adoption_ended(script: Script) -> None:
    for _ in script.repeat():
        if family := script.take(lambda h: single(h) and settled(h)):
            name = family_name(script.chance)
            script.story().say("KOSEKI_RIEN", [person(family[0], renamed(family[0], name))], filed="RIEN_TODOKE")


def _family_renamed(script: Script) -> None:
    def whole(household: Household) -> bool:
        return japanese(household) and couple(household) and len(household) <= 4

    for _ in script.repeat():
        if family := script.take(whole):
            name = family_name(script.chance)
            script.story().say("KOSEKI_UJI_HENKO", [person(m, renamed(m, name)) for m in family], filed="UJI_TODOKE")


def _register_moved(script: Script) -> None:
    for _ in script.repeat(2):
        if family := script.take(lambda h: japanese(h) and len(h) <= 3):
            story = script.story()
            register = honseki(story, family[0].family, family[0].given)
            story.say("KOSEKI_TENSEKI", [person(m, register) for m in family], filed="TENSEKI_TODOKE")


def _special_adoption(script: Script) -> None:
    """A small child is the adopting parents' alone, and nobody hears what was before."""

    def suits(household: Household) -> bool:
        return japanese(household) and couple(household) and household[-1].age(script.first) < 10

    for _ in script.repeat():
        if family := script.take(lambda h: suits(h) and h[-1].relation == "20" and len(h) == 3):
            story, head = script.story(), family[0]
            register = honseki(story, head.family, head.given)
            story.say("TOKUBETSU_YOSHI", [person(family[-1], register)], filed="TOKUBETSU_YOSHI_TODOKE")


def _old_name(script: Script) -> None:
    """旧氏: recorded beside the name, changed, and given up."""

    def former(name: Written) -> dict[str, str]:
        return {"name.old_family": name.text, "name.old_family_kana": name.kana}

    for number in script.repeat(2):
        if family := script.take(lambda h: japanese(h) and couple(h) and h[1].relation == "12"):
            story, wife = script.story(span=3), family[1]
            story.say("KYUUJI_KISAI", [person(wife, former(family_name(script.chance)))])
            if number % 2 == 0:
                story.later(1).say("KYUUJI_HENKO", [person(wife, former(family_name(script.chance)))])
                story.later(2).say("KYUUJI_SAKUJO", [person(wife)])


def _elsewhere(script: Script) -> None:
    """What reaches the 戸籍 window and changes nothing here: whom it is about lives in another town."""
    for household in script.free()[: len(script.repeat(3))]:
        script.story().file("KONIN_TODOKE", household[0].key)
