"""How do 児童手当, 乳幼児医療 and ひとり親医療 work? Who receives for which children, and what is paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from bus.adapters.sql.proposals import Request
from bus.fact.say import Say
from bus.kit.desk.desk import LATER, NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, age, amend, busy, day, known
from bus.kit.desk.rounds import (
    GONE,
    NOTHING,
    begin,
    begins,
    ends,
    filed,
    finish,
    key,
    leaving,
    merged,
    mistaken,
    month,
    one,
    pay,
    pay_day,
    payments,
    permit_ended,
    since_of,
    stock,
    struck_off,
    when,
    wrong_amount,
    wrong_since,
)  # fmt: skip

# 児童手当 ------------------------------------------------------------------------------------------------------------

ALLOWANCE: Final = "jido_teate.entitlement"
SHARE, LEAST = 0.05, 3  # of the families with children
ADULT, TODDLER = 18, 3
SMALL, LARGER, THIRD = 15_000, 10_000, 30_000  # yen a month (児童手当法 6条)
BY_EMPLOYER: Final = 0.05  # civil servants are paid by whom they work for (17条)
LATE: Final = 0.1  # of those entitled, who are paid in a month between
PAID_ON: Final = 15


def family(look: Look, household: str) -> list[Row]:
    """The household as it is written on the form of the claim."""
    there = look.world.get("kokuho")
    return list(there.find("household_members", household=household)) if there else []


def claimant(look: Look, household: str) -> str | None:
    """Who earns more: mostly the head, else the oldest."""
    grown = [row for row in family(look, household) if (age(row, look.on) or 0) >= ADULT]
    head = next((row for row in grown if row["is_head"]), None)
    found = head or min(grown, key=lambda row: (str(row["born"]), str(row["person"])), default=None)
    return str(found["person"]) if found else None


def household_of(look: Look, person: str) -> str | None:
    there = look.world.get("kokuho")
    rows = there.find("household_members", person=person) if there else []
    return str(rows[0]["household"]) if rows else None


def allowance(look: Look, children: Sequence[Row]) -> Row:
    """Of the third child on it is more, whatever the age."""
    by_birth = sorted(children, key=lambda row: str(row["born"]))
    paid = [
        THIRD if place > 1 else SMALL if (age(row, look.on) or 0) < TODDLER else LARGER
        for place, row in enumerate(by_birth)
    ]
    return {"children": len(paid), "monthly": sum(paid)}


def entitled(look: Look, household: str, person: str, since: date) -> list[Say]:
    """From the month after the claim; who receives already, receives for one more."""
    image = allowance(look, look.files.find("children", household=household))
    if look.fact(ALLOWANCE, key(ALLOWANCE, person)):
        return amend(look, ALLOWANCE, key(ALLOWANCE, person), image)
    return begin(look, ALLOWANCE, {"person": person, "from_month": month(since, 1), **image})


def claimed(request: Request, look: Look) -> Verdict:
    row = request.row
    if one(look, "children", row["person"]) is None:
        return GONE
    person = claimant(look, row["household"])
    if person is None:
        there = look.world.get("kokuho")
        known_there = bool(there and there.sample("household_members", 1, "any"))
        return Verdict(confirm=False, note="nobody claims it") if known_there else LATER
    if look.chance("employer", person) < BY_EMPLOYER:
        return Verdict(confirm=False, note="paid by the employer")
    return Verdict(confirm=True, says=entitled(look, row["household"], person, look.on))


def no_more(request: Request, look: Look) -> Verdict:
    """One child less, or nobody left to receive for."""
    row = request.row
    if row.get("role") == "受給者":
        return ends(ALLOWANCE, "last_month", until="until_month")(request, look)
    person = claimant(look, row["household"])
    says = recounted(look, person, row["household"]) if person else []
    return Verdict(confirm=True, says=says) if says else NOTHING


def recounted(look: Look, person: str, household: str) -> list[Say]:
    left = look.files.find("children", household=household)
    if not left:
        return finish(look, ALLOWANCE, person, month(look.on), "until_month")
    return amend(look, ALLOWANCE, key(ALLOWANCE, person), allowance(look, left))


def families(look: Look) -> Sequence[Say]:
    """Who received before the story begins."""
    houses: dict[str, list[Row]] = defaultdict(list)
    for row in look.files.find("children"):
        houses[str(row["household"])].append(row)
    drawn = sorted(houses, key=lambda no: look.chance("stock", no))[: max(LEAST, round(SHARE * len(houses)))]
    said, says = known(look, ALLOWANCE), list[Say]()
    for household in drawn:
        person = claimant(look, household)
        if person and key(ALLOWANCE, person) not in said:
            oldest = min(day(row["born"]) or look.on for row in houses[household])
            says += entitled(look, household, person, oldest)
    return says


def looked_over(look: Look) -> Sequence[Say]:
    """現況: who receives lives here, with as many children as are paid for."""
    there = look.world.get("kokuho")
    if not there or not there.sample("household_members", 1, "any"):
        return []
    says = list[Say]()
    for fact in look.facts(ALLOWANCE):
        person = str(fact.image["person"])
        household = household_of(look, person)
        if household is None:
            says += finish(look, ALLOWANCE, person, month(look.on), "until_month")
        else:
            says += recounted(look, person, household)
    return says


def claims(person: str, look: Look) -> Sequence[Say]:
    household = household_of(look, person)
    if household is None or not look.files.find("children", household=household):
        return []
    others = {str(row["person"]) for row in family(look, household)} - {person}
    if any(look.fact(ALLOWANCE, key(ALLOWANCE, other)) for other in others):
        return []  # one receives already
    return entitled(look, household, person, look.on)


def paid(look: Look) -> Sequence[Say]:
    """8条4項: in even months for two; in the months between, who came too late for the last list."""
    if not busy(look, "jido_teate.disbursement"):
        return []
    on = pay_day(look.on, PAID_ON)
    stands = sorted((fact.image for fact in look.facts(ALLOWANCE)), key=lambda i: look.chance("late", i["person"]))
    months = 1 + (on.month % 2 == 0)
    listed = stands if months > 1 else stands[: max(1, round(LATE * len(stands)))]
    return [
        say
        for image in listed
        for say in pay(look, "jido_teate", f"{image['person']}/{on}", months * image["monthly"], "03-02-01", on)
    ]


def fewer(fact: Any, _: Look) -> Row:
    """Paid for as if it were from a month later."""
    began = fact.image["from_month"]
    return {"from_month": month(began.earliest, -1)} if began and began.earliest else {}


JIDO: Final = Office(
    answers={
        "claim_invitations": claimed,
        "allowance_ends": no_more,
        "age_ends": no_more,
        "care_reviews": noted,
        "status_reviews": ends(ALLOWANCE, "since", until="until_month", only=permit_ended),
        "addressee_merges": noted,
    },
    chores=[
        families, filed("JIDO_TEATE_SEIKYU", claims), merged(ALLOWANCE), looked_over, mistaken(ALLOWANCE, 0.08, fewer),
        paid, mistaken("jido_teate.disbursement", 0.1, wrong_amount),
    ],
)  # fmt: skip

# 乳幼児医療 ----------------------------------------------------------------------------------------------------------

INFANT: Final = "nyuyoji_iryo.entitlement"


def infant(row: Row, _: Look) -> Row:
    return {"person": row["person"], "since": since_of(row, "entitled_from", "ended_on", "born")}


NYUYOJI: Final = Office(
    answers={
        "candidates": begins(INFANT, "children", infant),
        "ends": ends(INFANT, "ends_on"),
        "age_ends": ends(INFANT, "last_day"),
        "assistance_losses": ends(INFANT, "lost_from"),
        "household_reviews": noted,
        "status_reviews": ends(INFANT, "since", only=permit_ended),
        "assistance_reviews": begins(INFANT, "children", infant),
        "priority_reviews": noted,  # the other office yields
    },
    chores=[
        stock(INFANT, "children", infant, 0.06, soon=leaving),
        merged(INFANT),
        mistaken(INFANT, 0.1, wrong_since),
        payments(INFANT, 0.05, 9_000, "03-02-03"),
        mistaken("nyuyoji_iryo.disbursement", 0.15, wrong_amount),
    ],
)

# ひとり親医療 --------------------------------------------------------------------------------------------------------

ALONE: Final = "hitorioya_iryo.entitlement"
ASKS: Final = 0.7  # of those who may
OF_THEM: Final = 0.25  # are said to be helped before the story begins


class Family(NamedTuple):
    grown: list[str]
    children: list[str]


def homes(look: Look, household: str | None = None) -> Iterator[Family]:
    """Households with children; a parent is alone where one grown-up lives in it."""
    where = {} if household is None else {"household": household}
    young: dict[str, set[str]] = defaultdict(set)
    for row in look.files.find("children", **where):
        young[str(row["household"])].add(str(row["person"]))
    grown: dict[str, list[str]] = defaultdict(list)
    for row in look.files.find("residents", **where) if young else ():
        if str(row["person"]) not in young.get(str(row["household"]), set()):
            grown[str(row["household"])].append(str(row["person"]))
    for no in sorted(young):
        if grown[no]:
            yield Family(sorted(grown[no]), sorted(young[no]))


def helped(look: Look, family: Family, since: date) -> list[Say]:
    people = [family.grown[0], *family.children]
    return [
        say
        for person in people
        if look.fact(ALONE, key(ALONE, person)) is None
        for say in begin(look, ALONE, {"person": person, "since": when(since)})
    ]


def parents(look: Look) -> Sequence[Say]:
    """Who was helped before the story begins; in a village without a parent alone, one whose other parent is away."""
    said = known(look, ALONE)
    found = sorted(homes(look), key=lambda home: (len(home.grown) > 1, look.chance("stock", home.grown[0])))
    alone = [home for home in found if len(home.grown) == 1]
    drawn = found[: max(1, round(OF_THEM * len(alone)))]
    first = date(look.on.year - 1, 11, 1)  # every November it is looked at anew
    new = [home for home in drawn if not said & {key(ALONE, person) for person in (*home.grown, *home.children)}]
    return [say for home in new for say in helped(look, home, first)]


def married(request: Request, look: Look) -> Verdict:
    """婚姻 and 縁組 end it, for the children too; 離婚 may begin it; a death ends the dead one's own."""
    row = request.row
    home = next(homes(look, row["household"]), None) if row["household"] else None
    if row["reason"] == "KOSEKI_RIKON":
        asks = home is not None and look.chance("asks", row["person"]) < ASKS
        return Verdict(confirm=True, says=helped(look, home, look.on)) if home and asks else NOTED
    if row["reason"] not in ("KOSEKI_KONIN", "KOSEKI_ENGUMI", "SHIBO"):
        return NOTED
    children = home.children if home and row["reason"] == "KOSEKI_KONIN" else []
    says = [say for person in dict.fromkeys([row["person"], *children])
            for say in finish(look, ALONE, person, row["since"])]  # fmt: skip
    return Verdict(confirm=True, says=says) if says else NOTHING


def arrived(request: Request, look: Look) -> Verdict:
    """A child came: is it one of a parent alone?"""
    row = request.row
    home = next(homes(look, row["household"]), None) if row["household"] else None
    if home is None or len(home.grown) > 1 or look.chance("asks", home.grown[0]) >= ASKS:
        return NOTED
    return Verdict(confirm=True, says=helped(look, home, look.on))


def joined(request: Request, look: Look) -> Verdict:
    """Another grown-up in the household: not alone any more."""
    row = request.row
    home = next(homes(look, row["household"]), None) if row["household"] else None
    if row["reason"] == "TENSHUTSU_TODOKE" or home is None or len(home.grown) < 2:
        return NOTED
    return ends(ALONE, "since")(request, look)


def other_help(request: Request, look: Look) -> Verdict:
    """条例 9条: small children are helped as such."""
    began = request.row["reason"] == "KETTEI"
    return ends(ALONE, "since")(request, look) if began else NOTED


HITORIOYA: Final = Office(
    answers={
        "child_reviews": arrived,
        "family_reviews": married,
        "partner_reviews": ends(ALONE, "since"),
        "household_reviews": joined,
        "ends": ends(ALONE, "ends_on"),
        "age_ends": ends(ALONE, "last_day"),
        "assistance_losses": ends(ALONE, "lost_from"),
        "status_reviews": ends(ALONE, "since", only=struck_off),
        "assistance_reviews": noted,  # who may be helped again has to ask for it
        "priority_reviews": other_help,
    },
    chores=[
        parents, merged(ALONE), mistaken(ALONE, 0.08, wrong_since), payments(ALONE, 0.06, 12_000, "03-02-04"),
        mistaken("hitorioya_iryo.disbursement", 0.15, wrong_amount),
    ],
)  # fmt: skip

OFFICES: Final[dict[str, Office]] = {"jido_teate": JIDO, "nyuyoji_iryo": NYUYOJI, "hitorioya_iryo": HITORIOYA}
