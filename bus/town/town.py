"""Who lives in an invented town? The same seed gives the same town, byte for byte."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from ruamel.yaml import YAML

from bus.town.names import (
    BUILDINGS,
    DISTRICTS,
    ROMAN_FAMILIES,
    ROMAN_GIVEN,
    WIDE,
    Written,
    era,
    family_name,
    given_name,
    juminhyo_code,
    serial,
)
from bus.town.people import Member, compose

MUNICIPALITY: Final = "999999"  # its check digit fails: it can never be real
ELSEWHERE: Final = "999998"
FOREIGN_SHARE: Final = 0.03
UNCERTAIN_SHARE: Final = 0.004  # birth dates that were never known exactly


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


@dataclass(frozen=True)
class Town:
    """Everybody on the register on `day`, by household."""

    seed: int
    day: date
    households: Sequence[Sequence[Resident]]

    @cached_property
    def residents(self) -> tuple[Resident, ...]:
        return tuple(resident for household in self.households for resident in household)

    def csv(self, layout: Path) -> str:
        """The full set in the 122 columns of the national list: UTF-8 with BOM, LF, as towns deliver it."""
        columns = [(column["column"], column["path"]) for column in YAML(typ="safe").load(layout)]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(name for name, _ in columns)
        for resident in self.residents:
            known = resident.cells | {"key": resident.key}
            writer.writerow([known.get(path, "") for _, path in columns])
        return "\ufeff" + out.getvalue()


def read(text: str, layout: Path, seed: int) -> Town:
    """The residents of a real extract, as far as a script needs them, on the last day anything was told."""
    columns = {column["column"]: column["path"] for column in YAML(typ="safe").load(layout)}
    rows = [
        {columns[name]: cell for name, cell in row.items() if cell}
        for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    ]
    days = (row.get(path, "") for row in rows for path in SPOKEN)
    day = max((found for cell in days if (found := _day(cell))), default=date(2026, 4, 5))
    households: dict[str, list[Resident]] = {}
    for cells in rows:
        born, key = _day(cells.get("birth", "")), cells.pop("key", "")
        if born and key and cells.get("state", "").lstrip("0") == "1" and cells.get("unknown.birth", "0") == "0":
            resident = Resident(
                key, cells.get("household.no", key), cells.get("sex", ""), born,
                cells.get("household.relation_code", "").zfill(2),
                Written(cells.get("name.family", ""), cells.get("name.family_kana", "")),
                Written(cells.get("name.given", ""), cells.get("name.given_kana", "")),
                cells.get("resident_type", "1").lstrip("0") == "2", cells,
            )  # fmt: skip
            households.setdefault(resident.household, []).append(resident)
    return Town(seed, day, list(households.values()))


SPOKEN: Final = ("movement.processed_on", "movement.notified_on", "control.operated_on")  # when the register was told


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None


def build(size: int, seed: int, day: date) -> Town:
    """A town of exactly `size` residents as it stands on `day`."""
    chance = Random(seed)
    households: list[list[Resident]] = []
    count = 0
    while count < size:
        members = compose(chance, day)[: size - count]
        households.append(list(_household(chance, members, len(households), count, day)))
        count += len(members)
    return Town(seed, day, households)


def _household(chance: Random, members: Sequence[Member], number: int, first: int, day: date) -> Iterator[Resident]:
    foreign = chance.random() < FOREIGN_SHARE
    family = chance.choice(ROMAN_FAMILIES) if foreign else family_name(chance)
    household = serial(7_000_001 + number)
    here = place(chance, alone=len(members) == 1)
    since = _moved_in(chance, members, day)
    previous = _previous(chance) if since > min(m.born for m in members) and chance.random() < 0.4 else {}
    head = ""
    for order, member in enumerate(members, 1):
        given = chance.choice(ROMAN_GIVEN) if foreign else given_name(chance, member.sex)
        resident = Resident(
            serial(1_000_001 + first + order - 1), household, member.sex, member.born, member.relation, family, given,
            foreign,
        )  # fmt: skip
        resident.cells |= name_cells(family, given, foreign=foreign) | here | previous
        head = head or resident.full
        resident.cells |= {"household.order": str(order), "household.head_name": head}
        resident.cells |= _person(resident, member, first + order, max(since, member.born), day)
        resident.cells |= _foreign(max(since, member.born), day) if foreign else _koseki(here, family, head)
        resident.cells |= _schemes(resident, member, max(since, member.born), day)
        if not foreign and chance.random() < UNCERTAIN_SHARE and resident.age(day) > 50:
            resident.cells["unknown.birth"] = "1"
        yield resident


def name_cells(family: Written, given: Written, *, foreign: bool) -> dict[str, str]:
    if foreign:
        kana = f"{family.kana}　{given.kana}"
        return {"name.full": kana, "name.roman": f"{family.text} {given.text}", "name.kana": kana,
                "name.kana_confirmed": "1"}  # fmt: skip
    return {
        "name.full": f"{family.text}　{given.text}", "name.family": family.text, "name.given": given.text,
        "name.kana": f"{family.kana}　{given.kana}", "name.family_kana": family.kana, "name.given_kana": given.kana,
        "name.kana_confirmed": "1",
    }  # fmt: skip


def place(chance: Random, *, alone: bool = False) -> dict[str, str]:
    """An address in the town."""
    index = chance.randrange(len(DISTRICTS))
    lot = f"{chance.randrange(1, 80)}番地{chance.randrange(1, 30)}" if chance.random() < 0.7 else f"{index + 1}番地"
    found = {
        "address.municipality_code": MUNICIPALITY, "address.town_code": str(100_001 + index),
        "address.prefecture": "サンプル県", "address.city": "サンプル市", "address.town": DISTRICTS[index],
        "address.lot": lot.translate(WIDE), "address.district": str(901 + index),
        "address.postal_code": f"999{index + 1:04d}".translate(WIDE),
    }  # fmt: skip
    if chance.random() < (0.6 if alone else 0.25):
        room = f"{chance.randrange(1, 9)}{chance.randrange(1, 13):02d}号室"
        found["address.building"] = chance.choice(BUILDINGS) + room.translate(WIDE)
    return found


def elsewhere(chance: Random) -> dict[str, str]:
    """An address in the other invented town, by the parts of its path."""
    return {
        "municipality_code": ELSEWHERE, "prefecture": "ダミー県", "city": "ダミー市",
        "town": f"サンプル町{chance.choice('一二三四五')}丁目", "lot": f"{chance.randrange(1, 99)}番地".translate(WIDE),
        "postal_code": f"9998{chance.randrange(1, 90):03d}".translate(WIDE),
    }  # fmt: skip


def _previous(chance: Random) -> dict[str, str]:
    parts = elsewhere(chance)
    if chance.random() < 0.1:  # some old systems deliver the whole address in one cell
        whole = "".join(parts.pop(part) for part in ("prefecture", "city", "town", "lot"))
        parts["town"] = whole
    return {f"previous.{part}": cell for part, cell in parts.items()}


def _moved_in(chance: Random, members: Sequence[Member], day: date) -> date:
    """When the household came: never before its head was born, mostly long ago."""
    oldest = min(member.born for member in members)
    days = max((day - oldest).days - 366, 1)
    return day - timedelta(days=1 + min(int(chance.expovariate(1 / 5_000)), days))


def _person(resident: Resident, member: Member, number: int, since: date, day: date) -> dict[str, str]:
    on, today = since.isoformat(), day.isoformat()
    return {
        "municipality_code": MUNICIPALITY, "history.no": "1", "history.branch": "1", "history.latest": "1",
        "history.reissue_no": "1", "history.locked": "0", "household.no": resident.household,
        "resident_type": "2" if resident.foreign else "1", "state": "1", "juminhyo_code": juminhyo_code(number),
        "movement.date": on, "movement.notified_on": on, "movement.notice_no": str(9_000 + number),
        "movement.reason_code": "99", "movement.class_code": "99", "movement.notice_date": on,
        "movement.entry_type": "99", "movement.processed_on": today, "entry.date": on, "entry.reason_code": "99",
        "sex": member.sex, "sex_text": "男" if member.sex == "1" else "女", "birth": member.born.isoformat(),
        "birth_era": "" if resident.foreign else era(member.born), "household.relation_code": member.relation,
        "household.relation": RELATIONS[member.relation], "resident_since": on, "address.since": on,
        "ward": "0", "removal.closed": "0", "control.merged": "0", "control.withheld": "0", "control.business": "01",
        "control.deleted": "0", "control.operator": "SAMPLE", "control.operated_on": today,
        "control.operated_at": "09:00:00",
    } | {f"unknown.{what}": "0" for what in UNKNOWNS if what != "foreign_since"}  # fmt: skip


RELATIONS: Final = {
    "02": "世帯主", "11": "夫", "12": "妻", "20": "子", "51": "父", "52": "母", "74": "弟", "84": "妹", "96": "縁故者",
    "99": "同居人",
}  # fmt: skip
UNKNOWNS: Final = (
    "movement", "birth", "resident_since", "entry", "removal", "address_since", "reissued", "foreign_since",
)  # fmt: skip


def _koseki(here: dict[str, str], family: Written, head: str) -> dict[str, str]:
    first = head.partition("　")[2]
    town, lot = here["address.town"], here["address.lot"]
    return {
        "honseki.full": f"サンプル県サンプル市{town}", "honseki.town": town, "honseki.lot": lot,
        "honseki.municipality_code": MUNICIPALITY, "honseki.town_code": here["address.town_code"],
        "honseki.head_full": head, "honseki.head_family": family.text, "honseki.head_given": first,
    }  # fmt: skip


def _foreign(since: date, day: date) -> dict[str, str]:
    return {
        "foreign.since": since.isoformat(), "unknown.foreign_since": "0", "foreign.card_type": "1",
        "foreign.country_code": "999", "foreign.country": "サンプル国", "foreign.article_30_45": "1",
        "foreign.address_notified": "1", "foreign.status_code": "999", "foreign.period_years": "5",
        "foreign.expires_on": date(day.year + 3, 3, 31).isoformat(),
    }  # fmt: skip


def _schemes(resident: Resident, member: Member, since: date, day: date) -> dict[str, str]:
    """Which schemes the register notes on the sheet (domain 1.2): by age, and by a stable fifth for 国保."""
    age = resident.age(day)
    insured = int(resident.household) % 5 == 0 and age < 75
    cells = {
        "schemes.election": str(int(age >= 18 and not resident.foreign)), "schemes.kokuho": str(int(insured)),
        "schemes.kouki": str(int(age >= 75)), "schemes.kaigo": str(int(resident.age(day + timedelta(days=1)) >= 65)),
        "schemes.nenkin": str(int(20 <= age < 60)),
    }  # fmt: skip
    if insured:
        cells["schemes.kokuho_since"] = since.isoformat()
    if age >= 75:
        cells["schemes.kouki_since"] = max(since, birthday(member.born, 75)).isoformat()
    if cells["schemes.kaigo"] == "1":
        cells["schemes.kaigo_since"] = max(since, birthday(member.born, 65) - timedelta(days=1)).isoformat()
    if cells["schemes.nenkin"] == "1":
        cells["schemes.nenkin_type"] = "99"
    return cells


def birthday(born: date, age: int) -> date:
    """The day on which `age` is reached; for the 29 February in a common year, 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)
