"""How does the office of 国民年金 work? Who is insured of those of 20 to 59, and who need not pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import Look, Office, Verdict
from bus.kit.desk.habits import Row, age, amend, day
from bus.kit.desk.insurance.alike import SOON
from bus.kit.desk.rounds import (
    GONE,
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
    since_of,
    stock,
    struck_off,
    when,
    wrong_since,
)

QUALIFICATION: Final = "nenkin.qualification"
FIRST: Final = "第1号"
EXEMPTIONS: Final = ("全額免除", "4分の3免除", "半額免除", "納付猶予", "学生納付特例")
BY_LAW: Final = "法定免除"
STAYS: Final = 0.3  # of those who go abroad, of their own will


def nenkin_image(row: Row, look: Look) -> Row:
    person = row["person"]
    student = (age(row, look.on) or 20) < 23 and look.chance("student", person) < 0.5
    return {
        "person": person, "since": since_of(row, "acquired_on", "filed_on", "since") or _of_age(row),
        "category": FIRST, "exemption": EXEMPTIONS[-1] if student else None,
        "pension_no": f"9999-{int(look.chance('pension', person) * 10**6):06d}",
    }  # fmt: skip


def _of_age(row: Row) -> Uncertain | None:
    """Since 20, or since the address where it was taken later."""
    came, at_60 = day(row["resident_since"]), day(row["turns_60_on"])
    if came is None or at_60 is None:
        return when(row["resident_since"])
    return Uncertain.on(max(came, at_60.replace(year=at_60.year - 40)))


def abroad(request: Request, look: Look) -> Verdict:
    """任意加入 附則 5条: who goes may stay."""
    person = request.row["person"]
    if look.chance("stays", person) < STAYS:
        says = amend(look, QUALIFICATION, key(QUALIFICATION, person), {"category": "任意"}, day(request.row["lost_on"]))
        return Verdict(confirm=True, says=says, note="任意加入")
    return ends(QUALIFICATION, "lost_on")(request, look)


def exempted(request: Request, look: Look) -> Verdict:
    """89条: as long as the assistance lasts. Who has gone needs none."""
    row = request.row
    found = one(look, "of_age", row["person"])
    if found is None:
        return GONE
    exemption = BY_LAW if row["reason"] == "KETTEI" else None
    if look.fact(QUALIFICATION, key(QUALIFICATION, row["person"])) is None:
        if exemption is None:
            return NOTHING
        return Verdict(
            confirm=True, says=begin(look, QUALIFICATION, {**nenkin_image(found, look), "exemption": exemption})
        )
    changed = {"exemption": exemption}
    return Verdict(confirm=True, says=amend(look, QUALIFICATION, key(QUALIFICATION, row["person"]), changed))


def nenkin_status(request: Request, look: Look) -> Verdict:
    if request.row["reason"] == "SHOKKEN_KISAI":
        return begins(QUALIFICATION, "of_age", nenkin_image)(request, look)
    return ends(QUALIFICATION, "since", only=struck_off)(request, look)


def applied(person: str, look: Look) -> Sequence[Say]:
    """免除, 納付猶予: granted to two of three."""
    row = one(look, "of_age", person)
    if row is None or look.chance("granted", person, str(look.on)) > 0.67:
        return []
    exemption = EXEMPTIONS[int(look.chance("exemption", person) * len(EXEMPTIONS))]
    if look.fact(QUALIFICATION, key(QUALIFICATION, person)):
        return amend(look, QUALIFICATION, key(QUALIFICATION, person), {"exemption": exemption})
    return begin(look, QUALIFICATION, {**nenkin_image(row, look), "exemption": exemption})


def second_now(person: str, look: Look) -> Sequence[Say]:
    """第2号: an employer's pension from now on."""
    return finish(look, QUALIFICATION, person, look.on)


def second_no_more(person: str, look: Look) -> Sequence[Say]:
    row = one(look, "of_age", person)
    stands = look.fact(QUALIFICATION, key(QUALIFICATION, person))
    return [] if row is None or stands else begin(look, QUALIFICATION, nenkin_image({**row, "filed_on": look.on}, look))


def turns_60_soon(row: Row, look: Look) -> bool:
    at_60 = day(row["turns_60_on"])
    return at_60 is not None and look.on <= at_60 < look.on + SOON


OFFICE: Final = Office(
    answers={
        "gain_requests": begins(QUALIFICATION, "of_age", nenkin_image),
        "age_gains": begins(QUALIFICATION, "of_age", nenkin_image),
        "age_losses": ends(QUALIFICATION, "lost_on"),
        "loss_requests": abroad,
        "exemption_requests": exempted,
        "death_reviews": ends(QUALIFICATION, "died_on"),
        "status_reviews": nenkin_status,
    },
    chores=[
        stock(QUALIFICATION, "of_age", nenkin_image, 0.02, soon=turns_60_soon),
        filed("SHAKAI_HOKEN_KANYU", second_now),
        filed("SHAKAI_HOKEN_SOSHITSU", second_no_more),
        filed("NENKIN_MENJO", applied),
        merged(QUALIFICATION),
        mistaken(QUALIFICATION, 0.1, wrong_since),
    ],
)
