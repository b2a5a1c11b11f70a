"""Where do the people of an invented town live? In houses, flats and homes that are nowhere."""

from __future__ import annotations

from random import Random
from typing import Final

from bus.town.names import WIDE

MUNICIPALITY: Final = "999999"  # its check digit fails: it can never be real
ELSEWHERE: Final = "999998"

QUARTERS: Final = ("中央", "北", "東", "南", "西", "緑ケ丘", "表")
DISTRICTS: Final = (
    *(f"{quarter}{number}丁目" for quarter in QUARTERS for number in "一二三"),
    "字サンプル",
    "字ダミー",
)
BUILDINGS: Final = ("サンプルハイツ", "サンプルコーポ", "メゾンダミー", "ダミー荘", "サンプル団地Ａ棟", "ソノタ表参道")
# (district, lot, 方書): who lives there may still be insured by another town (住所地特例)
CARE_HOMES: Final = (
    (21, "100番地", "特別養護老人ホームサンプル苑"),
    (16, "12番地3", "介護老人保健施設ダミー"),
    (9, "40番地1", "サービス付き高齢者向け住宅サンプルハウス"),
)
DORMITORIES: Final = ((4, "7番地", "サンプル大学学生寮"), (13, "55番地2", "ダミー工業独身寮"))


def place(chance: Random, *, alone: bool = False) -> dict[str, str]:
    """An address in the town."""
    index = chance.randrange(len(DISTRICTS))
    lot = f"{chance.randrange(1, 80)}番地{chance.randrange(1, 30)}" if chance.random() < 0.7 else f"{index + 1}番地"
    found = _address(index, lot)
    if chance.random() < (0.6 if alone else 0.25):
        found["address.building"] = chance.choice(BUILDINGS) + _room(chance)
    return found


def home(chance: Random, age: int) -> dict[str, str]:
    """An address of somebody who lives alone among many: a care home, or a dormitory."""
    district, lot, building = chance.choice(CARE_HOMES if age >= 65 else DORMITORIES)
    return _address(district, lot) | {"address.building": building + _room(chance)}


def _address(index: int, lot: str) -> dict[str, str]:
    return {
        "address.municipality_code": MUNICIPALITY, "address.town_code": str(100_001 + index),
        "address.prefecture": "サンプル県", "address.city": "サンプル市", "address.town": DISTRICTS[index],
        "address.lot": lot.translate(WIDE), "address.district": str(901 + index),
        "address.postal_code": f"999{index + 1:04d}".translate(WIDE),
    }  # fmt: skip


def _room(chance: Random) -> str:
    return f"{chance.randrange(1, 9)}{chance.randrange(1, 13):02d}号室".translate(WIDE)


def elsewhere(chance: Random) -> dict[str, str]:
    """An address in the other invented town, by the parts of its path."""
    return {
        "municipality_code": ELSEWHERE, "prefecture": "ダミー県", "city": "ダミー市",
        "town": f"サンプル町{chance.choice('一二三四五')}丁目", "lot": f"{chance.randrange(1, 99)}番地".translate(WIDE),
        "postal_code": f"9998{chance.randrange(1, 90):03d}".translate(WIDE),
    }  # fmt: skip


def whole(parts: dict[str, str]) -> dict[str, str]:
    """The same, as some old systems deliver it: all in one cell."""
    rest = {part: cell for part, cell in parts.items() if part not in ("prefecture", "city", "town", "lot")}
    return rest | {"town": "".join(parts[part] for part in ("prefecture", "city", "town", "lot"))}
