"""Whom does a town write to though they live elsewhere? Invented owners and payers, in towns that are nowhere."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

from bus.town.names import given_name, ordinary, serial
from bus.town.places import elsewhere

FIRST: Final = 9_000_000  # far from the numbers of residents
CORPORATION, PERSON = "2", "1"  # 法人, 個人
_FORMS: Final = (("サンプル商事株式会社", "サンプルショウジ"), ("ダミー不動産合同会社", "ダミーフドウサン"),
                 ("見本建設有限会社", "ミホンケンセツ"), ("医療法人サンプル会", "サンプルカイ"))  # fmt: skip


def number(index: int) -> str:
    """住登外者宛名番号."""
    return serial(FIRST + index)


def is_corporation(index: int) -> bool:
    return index % 4 == 1


def stranger(index: int) -> dict[str, str]:
    """The same for the same index, by the paths of jutogai.person: a corporation in four, one in ten abroad."""
    chance = Random(FIRST + index)  # everybody has a die of their own
    cells = {f"address.{part}": cell for part, cell in elsewhere(chance).items()}
    if is_corporation(index):
        name, kana = _FORMS[index // 4 % len(_FORMS)]
        return cells | {"kind": CORPORATION, "identity_assurance": "A", "name.full": name, "name.kana": kana}
    family, sex = ordinary(chance), chance.choice("12")
    given = given_name(chance, sex)
    born = date(chance.randrange(1940, 2004), chance.randrange(1, 13), chance.randrange(1, 29))
    cells |= {
        "kind": PERSON, "identity_assurance": chance.choice("AB") if index % 3 else "C", "sex": sex,
        "name.full": f"{family.text}　{given.text}", "name.kana": f"{family.kana}　{given.kana}",
        "birth": born.isoformat(),
    }  # fmt: skip
    if index % 10 == 4:
        return {path: cell for path, cell in cells.items() if not path.startswith("address.")} | {
            "country": "サンプル国"
        }
    if index % 5 == 2:
        other = elsewhere(chance)
        where = "".join(other[part] for part in ("prefecture", "city", "town", "lot"))
        cells |= {"mailing.postal_code": other["postal_code"], "mailing.address": where}
    return cells
