"""What is rare on a register, and is there all the same? Doubts about dates, wards, households without a head."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Final

from bus.town.names import era_year
from bus.town.people import RELATIONS
from bus.town.resident import Resident

Households = list[list[Resident]]

UNCERTAIN_SHARE: Final = 0.004  # birth dates that were never known exactly
WARD_SHARE: Final = 0.0015  # 成年被後見人
HEADLESS_SHARE: Final = 0.002  # of the households; an estimate
LEAVING_SHARE: Final = 0.0015  # … who have announced that they will leave


def mark(chance: Random, households: Households, day: date) -> Households:
    """What is rare: birth dates nobody knows, wards, households without a head, people about to leave."""
    everybody = [resident for household in households for resident in household]
    old = [resident for resident in everybody if not resident.foreign and resident.age(day) > 50]
    uncertain = chance.sample(old, min(round(len(everybody) * UNCERTAIN_SHARE), len(old)))
    for number, resident in enumerate(uncertain):
        resident.cells |= unknown_birth(number, resident.born)
    adults = [resident for resident in everybody if resident.age(day) >= 18]
    for resident in chance.choices(
        adults, [max(r.age(day) - 17, 1) for r in adults], k=round(len(everybody) * WARD_SHARE)
    ):
        resident.cells["ward"] = "1"
    widows = [h for h in households if len(h) == 2 and h[0].sex == "2" and h[1].relation == "20" and h[0].age(day) > 40]
    for household in widows[: round(len(households) * HEADLESS_SHARE)]:
        _without_head(household)
    leaving = [
        h for h in households if h[0].age(day) < 60 and h[0].cells["resident_since"] < "2025" and h[0].relation == "02"
    ]
    for number, household in enumerate(leaving[: round(len(households) * LEAVING_SHARE)]):
        planned = day + timedelta(days=3 + number * 5 % 20)
        for resident in household:
            resident.cells |= {
                "move_out.notified_on": (day - timedelta(days=4)).isoformat(),
                "move_out.planned_on": planned.isoformat(),
            }
    return households


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
