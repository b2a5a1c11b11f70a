"""What is known of one person on the register, and how is the name written there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from bus.town.names import Written


@dataclass(slots=True)
class Resident:
    key: str
    household: str
    sex: str
    born: date
    relation: str  # 続柄コード1
    family: Written
    given: Written
    foreign: bool
    cells: dict[str, str] = field(default_factory=dict, repr=False)  # path of the image -> cell, blanks left out

    @property
    def full(self) -> str:
        return self.cells["name.full"]

    def age(self, on: date) -> int:
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))


def name_cells(family: Written, given: Written, *, foreign: bool, kanji: str = "") -> dict[str, str]:
    if foreign:
        kana, roman = f"{family.kana}　{given.kana}", f"{family.text} {given.text}"
        return {"name.full": kanji or roman, "name.roman": roman, "name.kana": kana, "name.kana_confirmed": "1"}
    return {
        "name.full": f"{family.text}　{given.text}", "name.family": family.text, "name.given": given.text,
        "name.kana": f"{family.kana}　{given.kana}", "name.family_kana": family.kana, "name.given_kana": given.kana,
        "name.kana_confirmed": "1",
    }  # fmt: skip


Household = Sequence[Resident]
