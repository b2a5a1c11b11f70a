"""What happens to foreign residents: permits, names used in daily life, nationality?"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bus.town.foreigners import STATUSES, common_name
from bus.town.names import era, given_name, ordinary
from bus.town.resident import Household, name_cells
from bus.town.stories.koseki import honseki
from bus.town.stories.script import Script, headed, person, settled, single

RATE: Final = 24.0  # per 1,000 and year: 0.8 per foreigner (domain 6.3)


def foreigners(script: Script) -> None:
    _naturalised(script)
    _nationality_lost(script)
    _common_names(script)
    _gone(script)
    for story in script.due(RATE, "ZAIRYU_HENKO"):
        soon = script.chance.random() < 0.5
        if family := (script.take(lambda h: _expiring(script, h)) if soon else None) or script.take(_bounded):
            years = script.chance.choice((1, 3, 5))
            cells = {"foreign.period_years": str(years), "foreign.card_type": "1"}
            cells["foreign.expires_on"] = (story.on + timedelta(days=365 * years)).isoformat()
            cells["foreign.status_code"] = script.chance.choice(list(STATUSES))
            whom = [member for member in family if "foreign.expires_on" in member.cells]
            story.say("ZAIRYU_HENKO", [person(member, cells) for member in whom])


def _bounded(household: Household) -> bool:
    return headed(household) and any("foreign.expires_on" in member.cells for member in household)


def _expiring(script: Script, household: Household) -> bool:
    """Renewed shortly before the end, as most are; some are left to run out."""
    if not _bounded(household):
        return False
    end = min(member.cells.get("foreign.expires_on", "9999") for member in household)
    return end < (script.first + timedelta(days=90)).isoformat()


def _lone(household: Household) -> bool:
    return len(household) == 1 and household[0].foreign and settled(household)


def _naturalised(script: Script) -> None:
    for _ in script.repeat():
        if family := script.take(_lone):
            one, story = family[0], script.story()
            family_, given = ordinary(script.chance), given_name(script.chance, one.sex)
            cells = name_cells(family_, given, foreign=False) | honseki(story, family_, given)
            story.say("KIKA", [person(one, cells | {"birth_era": era(one.born)})], filed="KIKA_TODOKE")
    if family := script.take(_lone):
        one, story = family[0], script.story()
        family_, given = ordinary(script.chance), given_name(script.chance, one.sex)
        cells = name_cells(family_, given, foreign=False) | honseki(story, family_, given)
        story.say("KOKUSEKI_SHUTOKU", [person(one, cells)], filed="KOKUSEKI_SHUTOKU_TODOKE")


def _nationality_lost(script: Script) -> None:
    for _ in script.repeat():
        if family := script.take(lambda h: single(h) and settled(h)):
            cells = {"foreign.country_code": "999", "foreign.country": "サンプル国"}
            cells |= {"name.full": "SAMPLE TEST", "name.roman": "SAMPLE TEST"}
            script.story().say("KOKUSEKI_SOSHITSU", [person(family[0], cells)], filed="KOKUSEKI_SOSHITSU_TODOKE")


def _common_names(script: Script) -> None:
    """通称: recorded, and one of them given up again."""
    for number in script.repeat(2):
        if family := script.take(lambda h: h[0].foreign and settled(h)):
            one, story = family[0], script.story(span=2)
            cells: dict[str, str] = {}
            while not cells:
                cells = common_name(script.chance, one.sex, special=True)
            story.say("TSUSHO_KISAI", [person(one, cells)])
            if number % 2 == 0:
                story.later(2).say("TSUSHO_SAKUJO", [person(one)])


def _gone(script: Script) -> None:
    """The permit has ended, or nobody lives there any more."""
    for number in script.repeat():
        if family := script.take(_lone if number % 2 else lambda h: single(h) and settled(h)):
            story = script.story()
            story.say("SHOKKEN_SHOJO", [person(family[0])], effective=story.ago(60))
