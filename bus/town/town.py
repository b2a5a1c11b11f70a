"""Who lives in an invented town? The same seed gives the same town, byte for byte."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Final

from ruamel.yaml import YAML

from bus.town.foreigners import Nation, common_name, is_special, name_of, nation, stay
from bus.town.marks import mark
from bus.town.names import Written, era, family_names, given_name, juminhyo_code, serial
from bus.town.people import RELATIONS, Member, settle
from bus.town.places import MUNICIPALITY, elsewhere, home, place, whole
from bus.town.resident import Resident, name_cells

FOREIGN_SHARE: Final = 0.03


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
    families = settle(chance, size, day)
    names = family_names(chance, len(families))
    origins = _origins(chance, families, size)
    households: list[list[Resident]] = []
    count = 0
    for number, members in enumerate(families):
        house = House(
            chance, day, number, count, names[number], origins.get(number), _address(chance, households, members)
        )
        households.append(house.residents(members))
        count += len(members)
    return Town(seed, day, mark(chance, households, day))


def _origins(chance: Random, families: Sequence[Sequence[Member]], size: int) -> dict[int, Nation]:
    """Which households come from elsewhere: mostly young ones, until their share is reached."""
    weights = [4.0 if m[0].age < 40 else 1.5 if m[0].age < 65 else 0.25 for m in families]
    order = sorted(range(len(families)), key=lambda n: chance.random() ** (1 / weights[n]), reverse=True)
    origins: dict[int, Nation] = {}
    count = 0
    for number in order:
        if count + 1 > size * FOREIGN_SHARE:
            break
        origins[number] = nation(chance)
        count += len(families[number])
    return origins


def _address(chance: Random, households: Sequence[Sequence[Resident]], members: Sequence[Member]) -> dict[str, str]:
    """A place of their own, in a home or dormitory, or in the house of another household."""
    age = members[0].age
    if len(members) == 1 and chance.random() < (0.12 if age >= 80 else 0.06 if age < 25 else 0.0):
        return home(chance, age)
    if households and age >= 55 and chance.random() < 0.03:
        return {
            path: cell
            for path, cell in households[-1][0].cells.items()
            if path.startswith("address.") and path != "address.since"
        }
    return place(chance, alone=len(members) == 1)


class House:
    """One household on its way onto the register."""

    def __init__(
        self, chance: Random, day: date, number: int, first: int, family: Written, origin: Nation | None,
        here: dict[str, str],
    ) -> None:  # fmt: skip
        self.chance, self.day, self.first, self.here = chance, day, first, here
        self.origin = origin
        self.family = origin.family if origin else family
        self.number = serial(7_000_001 + number)

    def residents(self, members: Sequence[Member]) -> list[Resident]:
        since = _moved_in(self.chance, members, self.day)
        previous = {}
        if since > min(member.born for member in members) and self.chance.random() < 0.4:
            parts = elsewhere(self.chance)
            parts = whole(parts) if self.chance.random() < 0.1 else parts
            previous = {f"previous.{part}": cell for part, cell in parts.items()}
        found: list[Resident] = []
        for order, member in enumerate(members, 1):
            resident = self._resident(member, self.first + order, max(since, member.born))
            found.append(resident)
            resident.cells |= self.here | previous
            resident.cells |= {"household.order": str(order), "household.head_name": found[0].full}
            if not resident.foreign:
                resident.cells |= _koseki(self.here, self.family, found[0].full)
        return found

    def _resident(self, member: Member, number: int, since: date) -> Resident:
        foreign = self.origin is not None
        given, kanji = name_of(self.chance, self.origin) if self.origin else (given_name(self.chance, member.sex), "")
        resident = Resident(
            serial(1_000_000 + number), self.number, member.sex, member.born, member.relation, self.family, given,
            foreign,
        )  # fmt: skip
        resident.cells |= name_cells(self.family, given, foreign=foreign, kanji=kanji)
        resident.cells |= _person(resident, member, number, since, self.day)
        if self.origin:
            special = is_special(self.chance, self.origin, member.born, self.day)
            soon = number % 20 == 3 or self.chance.random() < 0.02
            resident.cells |= stay(self.chance, self.origin, since, self.day, special=special, soon=soon)
            resident.cells |= common_name(self.chance, member.sex, special=special)
        resident.cells |= _schemes(resident, member, since, self.day)
        return resident


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
        "household.relation": member.words or RELATIONS[member.relation], "resident_since": on, "address.since": on,
        "ward": "0", "removal.closed": "0", "control.merged": "0", "control.withheld": "0", "control.business": "01",
        "control.deleted": "0", "control.operator": "SAMPLE", "control.operated_on": today,
        "control.operated_at": "09:00:00",
    } | {f"unknown.{what}": "0" for what in UNKNOWNS if what != "foreign_since"}  # fmt: skip


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
