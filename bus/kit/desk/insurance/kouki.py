"""How does the office of 後期高齢者医療 work? Who is 75 or chose it, and whose pension pays."""

from __future__ import annotations

from typing import Final

from bus.adapters.sql.proposals import Request
from bus.kit.desk.desk import NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row
from bus.kit.desk.insurance.alike import elsewhere, here, long_insured, themselves
from bus.kit.desk.insurance.premiums import Premium, assessed, deductions, readdressed
from bus.kit.desk.rounds import (
    begins,
    ends,
    key,
    leaving,
    merged,
    mistaken,
    permit_ended,
    since_of,
    stock,
    wrong_since,
)

QUALIFICATION: Final = "kouki.qualification"
BY_AGE, BY_DISABILITY = "75歳到達", "障害認定"

ACCEPTS: Final = 0.6  # of those who may choose


def kouki_image(row: Row, _: Look) -> Row:
    ground = BY_AGE if row.get("is_by_age", True) else BY_DISABILITY
    since = since_of(row, "acquired_on", "ended_on", "insured_since", "turns_75_on")
    return {"person": row["person"], "since": since, "ground": ground}


def chosen_image(row: Row, _: Look) -> Row:
    return {"person": row["person"], "since": since_of(row, "since"), "ground": BY_DISABILITY}


def declined(row: Row, look: Look) -> str:
    return "" if look.chance("chooses", row["person"]) < ACCEPTS else "declined"


def disability_ended(request: Request, look: Look) -> Verdict:
    """Who is insured by it alone, until the certificate ended."""
    fact = look.fact(QUALIFICATION, key(QUALIFICATION, request.row["person"]))
    if fact is None or fact.data["ground"] != BY_DISABILITY or request.row["reason"] != "SHURYO":
        return NOTED
    return ends(QUALIFICATION, "until")(request, look)


OFFICE: Final = Office(
    answers={
        "gain_requests": here(begins(QUALIFICATION, "insured", kouki_image)),
        "age_gains": begins(QUALIFICATION, "insured", kouki_image),
        "loss_requests": elsewhere(QUALIFICATION),
        "assistance_losses": ends(QUALIFICATION, "lost_on"),
        "assistance_gains": begins(QUALIFICATION, "insured", kouki_image),
        "disability_requests": begins(QUALIFICATION, "may_choose", chosen_image, unless=declined),
        "disability_reviews": disability_ended,
        "facility_reviews": noted,
        "facility_arrivals": noted,
        "household_reviews": noted,  # the share of the costs; no fact says it
        "status_reviews": ends(QUALIFICATION, "since", only=permit_ended),
        "addressee_merges": readdressed("kouki"),
    },
    chores=[
        stock(QUALIFICATION, "insured", kouki_image, 0.04, least=4, soon=leaving),
        merged(QUALIFICATION),
        mistaken(QUALIFICATION, 0.1, wrong_since),
        assessed(
            Premium("kouki", themselves, lambda income: 46_000 + income * 9 // 100, long_insured("insured"), (7, 31), 9)
        ),
        deductions("kouki"),
    ],
)
