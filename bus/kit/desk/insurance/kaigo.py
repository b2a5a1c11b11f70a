"""How does the office of 介護保険 work? Who is 65, who needs how much care, who stays insured here though gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, age, amend, day
from bus.kit.desk.insurance.alike import elsewhere, here, long_insured, themselves
from bus.kit.desk.insurance.premiums import Premium, assessed, readdressed
from bus.kit.desk.rounds import (
    begin,
    begins,
    ends,
    filed,
    key,
    leaving,
    merged,
    mistaken,
    one,
    payments,
    permit_ended,
    since_of,
    stock,
    wrong_amount,
    wrong_since,
)

QUALIFICATION: Final = "kaigo.qualification"
FIRST, SECOND = "第1号", "第2号"

STEPS: Final = ((0, 36_000), (800_000, 54_000), (2_000_000, 81_000), (4_000_000, 108_000))
LEVELS: Final = ("要支援1", "要支援2", "要介護1", "要介護2", "要介護3", "要介護4", "要介護5")


def level(look: Look, person: str) -> str:
    """As the examiners find; who is examined again may be found another one."""
    return LEVELS[int(look.chance("level", person, f"{look.on:%Y-%m}") * len(LEVELS))]


def kaigo_image(row: Row, look: Look) -> Row:
    since = since_of(row, "acquired_on", "insured_since")
    certified = look.chance("certified", row["person"]) < (0.3 if (age(row, look.on) or 65) >= 80 else 0.05)
    return {
        "person": row["person"], "since": since, "category": FIRST,
        "care_level": level(look, row["person"]) if certified else None,
    }  # fmt: skip


def certified(person: str, look: Look) -> Sequence[Say]:
    """要介護認定: of whom nothing was said before, it is said since when they are insured."""
    found = level(look, person)
    if look.fact(QUALIFICATION, key(QUALIFICATION, person)):
        return amend(look, QUALIFICATION, key(QUALIFICATION, person), {"care_level": found})
    if row := one(look, "first_insured", person):
        return begin(look, QUALIFICATION, {**kaigo_image(row, look), "care_level": found})
    if one(look, "second_insured", person) is None:
        return []
    since = Uncertain.on(look.on)
    return begin(look, QUALIFICATION, {"person": person, "since": since, "category": SECOND, "care_level": found})


def at_facility(request: Request, look: Look) -> Verdict:
    """13条: stays insured, though gone."""
    if not request.row["building"]:
        return NOTED
    here_still = key(QUALIFICATION, request.row["person"])
    says = amend(look, QUALIFICATION, here_still, {"special_address": True}, day(request.row["since"]))
    return Verdict(confirm=True, says=says, note="住所地特例")


def first_pension(request: Request, look: Look) -> Verdict:
    """134条: from now on the premium is deducted."""
    owed = look.facts("kaigo.assessment", subject=request.row["person"], collection="F")
    says = [say for one in owed for say in amend(look, one.entity, one.key, {"collection": "T", "terms": 6})]
    return Verdict(confirm=True, says=says) if says else NOTED


def step(income: int) -> int:
    return next(amount for least, amount in reversed(STEPS) if income >= least)


OFFICE: Final = Office(
    answers={
        "gain_requests": here(begins(QUALIFICATION, "first_insured", kaigo_image)),
        "loss_requests": elsewhere(QUALIFICATION),
        "facility_reviews": at_facility,
        "facility_arrivals": noted,
        "household_reviews": noted,  # the step follows from the income alone here
        "status_reviews": ends(QUALIFICATION, "since", only=permit_ended),
        "deduction_starts": first_pension,
        "deduction_orders": noted,  # sent to those who pay pensions
        "addressee_merges": readdressed("kaigo"),
    },
    chores=[
        stock(QUALIFICATION, "first_insured", kaigo_image, 0.03, least=4, soon=leaving),
        filed("YOKAIGO_SHINSEI", certified),
        merged(QUALIFICATION),
        mistaken(QUALIFICATION, 0.1, wrong_since),
        assessed(Premium("kaigo", themselves, step, long_insured("first_insured"), (4, 30), 10)),
        payments(QUALIFICATION, 0.02, 60_000, "02-01-01"),
        mistaken("kaigo.disbursement", 0.15, wrong_amount),
    ],
)
