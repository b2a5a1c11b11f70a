"""What does the office itself do to sheets, and what reaches other desks meanwhile? Corrections, readings, notices."""

from __future__ import annotations

from typing import Final

from bus.town.names import juminhyo_code
from bus.town.resident import Household
from bus.town.stories.script import Script, everybody, japanese, person, settled, single

RATE: Final = 6.0  # per 1,000 and year: corrections besides those of the family register (domain 6.3)
READINGS: Final = 60  # families a month in a town of 5,000, shortly before all that is left is entered (domain 4.6)
RENUMBERED: Final = 40  # households of one district whose addresses are written anew
_FREE_CODES: Final = 8_000_000
# Reaches departments from elsewhere: kind -> how often per 1,000 and year; estimates.
NOTICES: Final = {
    "INKAN_TOROKU": 20, "INKAN_HAISHI": 4, "SHAKAI_HOKEN_KANYU": 25, "SHAKAI_HOKEN_SOSHITSU": 22, "YOKAIGO_SHINSEI": 12,
    "SHOGAI_TECHO": 4, "SEIKATSU_HOGO_KAISHI": 2, "SEIKATSU_HOGO_HAISHI": 1.5, "KEIJI_TOROKU": 15, "KOTEI_SHUTOKU": 6,
    "NENKIN_MENJO": 8, "JIDO_TEATE_SEIKYU": 8,
}  # fmt: skip


def sheets(script: Script) -> None:
    for reason in ("KAISEI", "SAISEI", "KOJIN_BANGO_HENKO", "JUMINHYO_CODE_HENKO"):
        for number in script.repeat():
            if family := script.take(lambda h: single(h) and settled(h)):
                code = {"juminhyo_code": juminhyo_code(_FREE_CODES + number)}
                cells = code if reason == "JUMINHYO_CODE_HENKO" else {}
                script.story().say(reason, [person(family[0], cells)])
    for _ in script.repeat(2):
        if family := script.take(lambda h: settled(h) and h[0].cells.get("schemes.kokuho") == "0"):
            story = script.story()
            insured = {"schemes.kokuho": "1", "schemes.kokuho_since": story.ago(3)}
            story.say("SHIKAKU_HENKO", [person(family[0], insured)])


def corrections(script: Script) -> None:
    for _ in script.repeat():
        _guardian(script)
        if family := script.take(lambda h: settled(h) and "address.building" in h[0].cells):
            building = family[0].cells["address.building"] + "（改称）"
            script.story().say("KEIBI_SHUSEI", everybody(family, address__building=building))
        if family := script.take(lambda h: settled(h) and "address.building" in h[0].cells):
            story = script.story(span=2)
            wrong = family[0].cells["address.building"] + "（誤）"
            said = story.say("SHOKKEN_SHUSEI", everybody(family, address__building=wrong))
            story.later(2).say("TORIKESHI_SHUSEI", [], undoes=said)
    for story in script.due(RATE, "GOKI_SHUSEI", "SHOKKEN_SHUSEI", "KEIBI_SHUSEI"):
        if family := script.take(lambda h: settled(h) and japanese(h)):  # a reading was written wrongly weeks ago
            one = family[-1]
            kana = one.given.kana + "ウ"
            cells = {"name.kana": f"{one.family.kana}　{kana}", "name.given_kana": kana}
            story.say("GOKI_SHUSEI", [person(one, cells)], effective=story.ago(30))


def _guardian(script: Script) -> None:
    """The court's notice reaches the 戸籍 window; the register notes it (成年被後見人)."""
    if family := script.take(lambda h: japanese(h) and h[0].age(script.first) >= 65 and h[0].cells.get("ward") == "0"):
        script.story().say("SHOKKEN_SHUSEI", [person(family[0], {"ward": "1"})], filed="KOKEN_KAISHI")
    if family := script.take(lambda h: japanese(h) and h[0].cells.get("ward") == "1"):
        script.story().say("SHOKKEN_SHUSEI", [person(family[0], {"ward": "0"})], filed="KOKEN_SHURYO")


def readings(script: Script) -> None:
    """フリガナ: who has not confirmed it files it, singly or as a family."""

    def open_(household: Household) -> bool:
        return japanese(household) and household[0].cells.get("name.kana_confirmed") == "0"

    for _ in range(max(round(READINGS * script.length / 30 * len(script.town.residents) / 5_000), 1)):
        if family := script.take(open_):
            whom = [member for member in family if member.cells.get("name.kana_confirmed") == "0"]
            script.story().say("FURIGANA_KISAI", [person(m, {"name.kana_confirmed": "1"}) for m in whom])


def addresses_anew(script: Script) -> None:
    """住居表示: one morning, a district gets a new name; only who still lives there as listed."""
    story = script.story()
    story.hurries = True
    for _ in range(max(round(RENUMBERED * min(script.length / 30, 1)), 1)):
        if family := script.take(lambda h: settled(h) and h[0].cells.get("address.town") == "字サンプル"):
            story.say("JUSHO_IKKATSU", everybody(family, address__town="見本町一丁目"))


def notices(script: Script) -> None:
    """For the desks of the departments; nothing of it changes a sheet here."""
    adults = [h[0] for h in script.town.households if h[0].age(script.first) >= 20]
    for kind, rate in NOTICES.items():
        wanted = rate / 1_000 * len(script.town.residents) * script.length / 365
        for _ in range(max(round(wanted), 1)):
            script.story().file(kind, script.chance.choice(adults).key)
