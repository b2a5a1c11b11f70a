"""How do the offices of 固定資産税 and 軽自動車税 work? Who owned or held something on the tax date is taxed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Look, Office, Verdict
from bus.kit.desk.habits import Row, fiscal_year, keep, known, levy, number
from bus.kit.desk.tax.reviews import corrected, reviewed, reviewed_outside

LAND, VEHICLES = "kotei_shisanzei", "keiji_zei"
OWNERS, HOLDERS, OUTSIDE = 40, 30, 6  # of the town's, and of those outside: on the roll when the story begins
OWNS, HOLDS = 0.05, 0.04  # of all whom the tax date asks about: few, so that a demonstration stays one
RATE: Final = 0.014  # 地方税法 350条
MOST: Final = {"land": 9_000_000, "house": 8_000_000}
PLANT: Final = 30_000_000
FEES: Final = (10_800, 7_200, 6_900, 12_900, 2_000, 2_400)  # 地方税法 463条の15
REPORTED_LATE: Final = 15  # days after a vehicle was bought
RESIDENT, CORPORATION = "住民", "法人"


def on_roll(look: Look, count: int, salt: str) -> dict[str, Row]:
    """By 宛名番号; the same ones every day, until they leave."""
    rows = [row for row in look.files.sample("addressees", count, salt) if row["state"] == RESIDENT]
    rows += look.files.sample("outside_addressees", OUTSIDE, salt)
    return {number(row.get("person") or row["addressee"]): row for row in rows}


# 固定資産税 ---------------------------------------------------------------------------------------------------------


def owned(look: Look, owner: str, year: int, kind: str | None = None) -> list[Say]:
    """What the ledger of the year says (地方税法 381条), and the tax of it."""
    values = {what: int(look.chance(what, owner) ** 2 * most) for what, most in MOST.items()}
    values["depreciable"] = int(look.chance("plant", owner) * PLANT) if kind == CORPORATION else 0
    tax = int(sum(values.values()) * RATE) // 100 * 100
    image = {"subject": owner, "year": str(year), **values, "tax": tax}
    return keep(look, f"{LAND}.taxation", f"{LAND}/{owner}/{year}", image)


def owners(look: Look) -> Sequence[Say]:
    """Who is in the ledger when the story begins."""
    year, said = fiscal_year(look.on), known(look, f"{LAND}.taxation")
    new = {no: row for no, row in on_roll(look, OWNERS, "owners").items() if f"{LAND}/{no}/{year}" not in said}
    return [say for no, row in new.items() for say in owned(look, no, year, row.get("addressee_kind"))]


def in_the_ledger(request: Request, look: Look) -> Verdict:
    """賦課期日 1 January: the ledger is of the year that begins in April (359条)."""
    person, year = request.row["person"], look.on.year + (look.on.month >= 4)
    if look.chance("owns", person) >= OWNS:
        return NOTED._replace(note="owns nothing here")
    return Verdict(confirm=True, says=owned(look, person, year))


def acquired(look: Look) -> Sequence[Say]:
    """A house was bought or built: it is looked at, and stands in the next year's ledger (408条)."""
    said, year = known(look, f"{LAND}.taxation"), fiscal_year(look.on) + 1
    by = sorted({one.key for one in look.filings if one.kind == "KOTEI_SHUTOKU"})
    return [say for no in by if f"{LAND}/{no}/{year}" not in said for say in owned(look, no, year)]


def notices(look: Look) -> Sequence[Say]:
    """Of all that is in the ledger of the year which has begun (364条)."""
    year, said = fiscal_year(look.on), known(look, f"{LAND}.assessment")
    ledger = [one for one in look.facts(f"{LAND}.taxation", year=str(year)) if one.key not in said and one.image["tax"]]
    due = date(year, 5, 31)
    return [
        say
        for one in ledger
        for say in levy(look, LAND, one.image["subject"], year, one.image["tax"], due=due, terms=4)
    ]


# 軽自動車税 ---------------------------------------------------------------------------------------------------------


def held(look: Look, holder: str, year: int) -> list[Say]:
    fee = FEES[int(look.chance("vehicle", holder) * len(FEES))]
    return levy(look, VEHICLES, holder, year, fee, due=date(year, 5, 31))


def holders(look: Look) -> Sequence[Say]:
    """Who held one on 1 April (地方税法 443条, 463条の16)."""
    year, said = fiscal_year(look.on), known(look, f"{VEHICLES}.assessment")
    new = [no for no in on_roll(look, HOLDERS, "holders") if f"{VEHICLES}/{no}/{year}" not in said]
    return [say for no in new for say in held(look, no, year)]


def holds(request: Request, look: Look) -> Verdict:
    person = request.row["person"]
    if look.chance("holds", person) >= HOLDS:
        return NOTED._replace(note="holds nothing here")
    return Verdict(confirm=True, says=held(look, person, fiscal_year(look.on)))


def reported(look: Look) -> Sequence[Say]:
    """A vehicle is reported days after it was bought: up to the tax date it is taxed this year, later the next."""
    said, says = known(look, f"{VEHICLES}.assessment"), list[Say]()
    for holder in sorted({one.key for one in look.filings if one.kind == "KEIJI_TOROKU"}):
        days = 1 + int(look.chance("late", holder, str(look.on)) * REPORTED_LATE)
        year = fiscal_year(date.fromordinal(look.on.toordinal() - days)) + 1
        if f"{VEHICLES}/{holder}/{year}" not in said:
            says += held(look, holder, year)
    return says


LAND_OFFICE: Final = Office(
    answers={
        "owner_reviews": reviewed(LAND),
        "tax_date_entries": in_the_ledger,
        "outside_reviews": reviewed_outside(LAND),
    },
    chores=[owners, acquired, notices, corrected(LAND, 0.15, also=f"{LAND}.taxation")],
)
VEHICLE_OFFICE: Final = Office(
    answers={
        "holder_reviews": reviewed(VEHICLES),
        "tax_date_entries": holds,
        "outside_reviews": reviewed_outside(VEHICLES),
    },
    chores=[holders, reported, corrected(VEHICLES, 0.1)],
)
