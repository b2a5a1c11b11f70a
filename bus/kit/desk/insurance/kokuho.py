"""How does the office of 国民健康保険 work? Who is insured in which household, what it owes, what it is paid back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import Look, Office, Verdict
from bus.kit.desk.habits import Row, age, day
from bus.kit.desk.insurance.alike import SOON, rehoused
from bus.kit.desk.insurance.premiums import Premium, assessed, deductions, readdressed
from bus.kit.desk.rounds import (
    NOTHING,
    begin,
    begins,
    ends,
    filed,
    finish,
    key,
    merged,
    mistaken,
    one,
    pay,
    payments,
    permit_ended,
    since_of,
    stock,
    wrong_amount,
    wrong_since,
)

QUALIFICATION: Final = "kokuho.qualification"

JOINS: Final = 0.3  # of those who come; employers insure the others
PENSION_AGES: Final = range(65, 75)


def insured(row: Row, _: Look) -> bool:
    return bool(row["is_insured"])


def kokuho_image(row: Row, _: Look) -> Row:
    since = since_of(row, "acquired_on", "ended_on", "until", "filed_on", "resident_since")
    return {"person": row["person"], "since": since, "household": row["household"], "category": "一般"}


def employed(row: Row, look: Look) -> str:
    """A household is insured in one way, mostly."""
    return "" if look.chance("joins", str(row["household"])) < JOINS else "insured by an employer"


def leaves_soon(row: Row, look: Look) -> bool:
    at_75 = day(row["leaves_at_75_on"])
    return at_75 is not None and look.on <= at_75 < look.on + SOON


def on_pension(row: Row, look: Look) -> bool:
    return (age(row, look.on) or 0) in PENSION_AGES


def too_old(row: Row, look: Look) -> str:
    at_75 = day(row.get("leaves_at_75_on"))
    return "" if at_75 is None or look.on < at_75 else "insured in the elderly's scheme"


def by_disability(request: Request, look: Look) -> Verdict:
    """Over to the elderly's scheme, or back from it."""
    until = request.row["since"] if request.row["reason"] == "KETTEI" else None
    return (ends(QUALIFICATION, "since") if until else _AGAIN)(request, look)


_AGAIN = begins(QUALIFICATION, "household_members", kokuho_image, unless=too_old)


def kokuho_loss(request: Request, look: Look) -> Verdict:
    """Of a dead member, the family is paid for the funeral (葬祭費)."""
    row = request.row
    says = finish(look, QUALIFICATION, row["person"], row["lost_on"])
    if says and row["reason"] == "SHIBO":
        says += pay(look, "kokuho", f"{row['person']}/funeral", 50_000, "02-04-01")
    return Verdict(confirm=True, says=says) if says else NOTHING


def employed_now(person: str, look: Look) -> Sequence[Say]:
    """社会保険加入: the cover ends; of whom nothing was said before, it is said since when it was."""
    row = one(look, "household_members", person)
    stands = look.fact(QUALIFICATION, key(QUALIFICATION, person)) is not None
    if row is None or not (stands or row["is_insured"]):
        return []
    began = [] if stands else begin(look, QUALIFICATION, kokuho_image(row, look))
    end_ = {"until": Uncertain.on(look.on)}
    return [*began, Say(QUALIFICATION, key(QUALIFICATION, person), "SHURYO", end_, Uncertain.on(look.on))]


def employed_no_more(person: str, look: Look) -> Sequence[Say]:
    row = one(look, "household_members", person)
    if row is None or row["is_insured"] or too_old(row, look):
        return []
    return begin(look, QUALIFICATION, kokuho_image({**row, "filed_on": look.on}, look))


def heads(look: Look) -> Callable[[Row], str]:
    """国民健康保険法 76条: the head of the household pays, also of who is not insured."""
    rows = look.files.find("household_members")
    head = {row["household"]: row["person"] for row in rows if row["is_head"]}
    return lambda image: str(head.get(image["household"], image["person"]))


def pensioners(look: Look) -> Callable[[str], bool]:
    old = {row["person"] for row in look.files.find("household_members") if on_pension(row, look)}
    return lambda payer: payer in old


OFFICE: Final = Office(
    answers={
        "enrolment_requests": begins(QUALIFICATION, "household_members", kokuho_image, unless=employed),
        "loss_requests": kokuho_loss,
        "age_losses": ends(QUALIFICATION, "lost_on"),
        "elderly_losses": by_disability,
        "assistance_losses": ends(QUALIFICATION, "lost_on"),
        "assistance_gains": begins(QUALIFICATION, "household_members", kokuho_image, unless=too_old),
        "household_reviews": rehoused(QUALIFICATION),
        "status_reviews": ends(QUALIFICATION, "since", only=permit_ended),
        "addressee_merges": readdressed("kokuho"),
    },
    chores=[
        stock(
            QUALIFICATION, "household_members", kokuho_image, 0.03, suits=insured, soon=leaves_soon, must=[on_pension]
        ),
        filed("SHAKAI_HOKEN_KANYU", employed_now),
        filed("SHAKAI_HOKEN_SOSHITSU", employed_no_more),
        merged(QUALIFICATION),
        mistaken(QUALIFICATION, 0.1, wrong_since),
        assessed(Premium("kokuho", heads, lambda income: 42_000 + income * 9 // 100, pensioners, (7, 31), 8)),
        deductions("kokuho"),
        payments(QUALIFICATION, 0.02, 90_000, "02-02-01"),
        mistaken("kokuho.disbursement", 0.15, wrong_amount),
    ],
)
