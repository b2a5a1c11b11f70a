"""What is rare on a register, and is there all the same? Doubts about dates, wards, households without a head."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Final

from bus.town.names import era_year
from bus.town.people import RELATIONS
from bus.town.resident import Resident

Households = list[list[Resident]]

UNCERTAIN_SHARE: Final = 0.004  # birth dates that were never known exactly
WARD_SHARE: Final = 0.0015  # 成年被後見人
HEADLESS_SHARE: Final = 0.002  # of the households; an estimate
UNCONFIRMED_SHARE: Final = 0.3  # of the readings, in the last months before all are entered (domain 4.6)
TWICE: Final = 1_200  # households to one person who has two sheets; an estimate
LEAVING_SHARE: Final = 0.0015  # … who have announced that they will leave


def mark(chance: Random, households: Households, day: date) -> Households:
    everybody = [resident for household in households for resident in household]
    _uncertain(chance, everybody, day)
    _wards(chance, everybody, day)
    for resident in everybody:
        if not resident.foreign and chance.random() < UNCONFIRMED_SHARE:
            resident.cells["name.kana_confirmed"] = "0"
    widows = [h for h in households if len(h) == 2 and h[0].sex == "2" and h[1].relation == "20" and h[0].age(day) > 40]
    for household in widows[: round(len(households) * HEADLESS_SHARE)]:
        _without_head(household)
    _leaving(households, day)
    _twice(households)
    return households


def _uncertain(chance: Random, everybody: Sequence[Resident], day: date) -> None:
    old = [resident for resident in everybody if not resident.foreign and resident.age(day) > 50]
    some = chance.sample(old, min(round(len(everybody) * UNCERTAIN_SHARE), len(old)))
    for number, resident in enumerate(some):
        resident.cells |= unknown_birth(number, resident.born)


def _wards(chance: Random, everybody: Sequence[Resident], day: date) -> None:
    """The older, the more probable."""
    adults = [resident for resident in everybody if resident.age(day) >= 18]
    weights = [resident.age(day) - 17 for resident in adults]
    for resident in chance.choices(adults, weights, k=round(len(everybody) * WARD_SHARE)) if adults else ():
        resident.cells["ward"] = "1"


def _leaving(households: Households, day: date) -> None:
    suited = [
        h for h in households if h[0].age(day) < 60 and h[0].cells["resident_since"] < "2025" and h[0].relation == "02"
    ]
    for number, household in enumerate(suited[: round(len(households) * LEAVING_SHARE)]):
        told, planned = day - timedelta(days=4), day + timedelta(days=3 + number * 5 % 20)
        for resident in household:
            resident.cells |= {"move_out.notified_on": str(told), "move_out.planned_on": str(planned)}


def _twice(households: Households) -> None:
    """One person on two sheets: who came back was not recognised (domain R8)."""
    singles = [h[0] for h in households if len(h) == 1 and not h[0].foreign and "move_out.planned_on" not in h[0].cells]
    singles.sort(key=lambda one: (one.sex, one.born, one.key))
    pairs = [
        (one, twin)
        for one, twin in pairwise(singles)
        if one.sex == twin.sex and twin.cells["resident_since"] < "2025" and one.cells["resident_since"] < "2025"
    ]
    wanted = max(round(len(households) / TWICE), int(len(households) > 100))
    for one, twin in pairs[:: max(len(pairs) // max(wanted, 1), 2)][:wanted]:
        twin.family, twin.given, twin.born = one.family, one.given, one.born
        same = ("name.", "birth", "unknown.birth", "honseki.", "household.head_name")
        twin.cells |= {path: cell for path, cell in one.cells.items() if path.startswith(same)}


def unknown_birth(number: int, born: date) -> dict[str, str]:
    """One of the ways a birth date is known in part only (domain R4, R5). A month alone keeps its bounds."""
    year = era_year(born.year)
    forms = (
        born.isoformat(), f"{year}頃", f"{year}　月日不詳", f"{year}{born.month}月　日不詳", f"{born:%Y-%m}",
        f"{born.year}0000", "年月日不詳", f"推定{year}{born.month}月{born.day}日", f"{year}春", "1935-02-29",
        f"{year}{born.month}月上旬",
    )  # fmt: skip
    form = forms[number % len(forms)]
    known = form in (forms[4], forms[9])  # as far as the form itself says it
    return {"birth": form, "unknown.birth": "0" if known else "1"}


def _without_head(household: Sequence[Resident]) -> None:
    """The head has died, and nobody has said yet who is the next (D11)."""
    household[0].relation = "12"
    household[0].cells |= {"household.relation_code": "12", "household.relation": RELATIONS["12"]}
    for resident in household:
        resident.cells["household.head_name"] = ""
