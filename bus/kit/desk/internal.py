"""How do accounting, payroll, general affairs and the archive work? Some forty invented people, and what they sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.fact.say import Say
from bus.kit.desk.desk import LATER, NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, busy, correct, day, draw, end, keep, known, told, withdraw
from bus.kit.desk.tax.collection import payment_key
from bus.kit.desk.tax.inhabitants import employees
from bus.town.names import MEN, SURNAMES, WOMEN

PEOPLE: Final = 40
LEAVE: Final = 0.1  # of the days: somebody leaves, somebody comes
NAMES: Final = (SURNAMES[:100], MEN + WOMEN)
SECTIONS: Final = ("0110", "0120", "0210", "0220", "0230", "0310", "0320", "0410", "0510", "0910")
POSTS: Final = ("主事", "主事", "主任", "主査", "係長", "課長")
SALARY_ON, SALARY_KNOWN = 21, 14  # paid on, sent to the accounting from
SALARIES, TRAVEL = "02-01-02-03", "02-01-01-09"  # budget codes: 給料; 旅費
STAFF, PAID, CHANGE = "jinji_kyuyo.staff", "jinji_kyuyo.disbursement", "jinji_kyuyo.withholding_change"
BANK, CLAIM, DOCUMENT = "zaimu_kaikei.bank_result", "shomu_jimu.claim", "bunsho_kanri.document"
ASSESSING: Final = ("kojin_juminzei", "hojin_juminzei", "kotei_shisanzei", "keiji_zei", "kokuho", "kaigo", "kouki")
SLIPS, CLAIMS, DOCUMENTS = 16, 4, 4  # a day
NOTHING_AHEAD: Final = timedelta(days=90)  # nobody pays what falls due later


# 人事給与 -----------------------------------------------------------------------------------------------------------


def employee(look: Look, serial: int) -> dict[str, str]:
    number, post = f"S{serial:04d}", POSTS[serial % len(POSTS)]
    family, given = (names[int(look.chance("name", number, str(len(names))) * len(names))] for names in NAMES)
    name = f"{family.text}　{given.text}"
    return {"staff_no": number, "name": name, "section_code": SECTIONS[serial % len(SECTIONS)], "post": post}


def staff(look: Look) -> Sequence[Say]:
    """All of them on the first day; then some change their section, one leaves now and then, and one comes."""
    said = known(look, STAFF)
    first = date(look.on.year if look.on.month >= 4 else look.on.year - 1, 4, 1)
    if not said:
        return [say for serial in range(1, PEOPLE + 1) for say in _hired(look, serial, first)]
    if not busy(look, STAFF):
        return []
    stands, on = look.facts(STAFF), str(look.on)
    says: list[Say] = []
    if moved := draw(look, stands, lambda fact: fact.key, "moved"):
        section = draw(look, SECTIONS, str, "section")
        says += keep(look, STAFF, moved.key, {"section_code": section, "since": look.on.isoformat()})
    rest = [fact for fact in stands if fact != moved] if look.chance(on, "leaves") < LEAVE else []
    if gone := draw(look, rest, lambda fact: fact.key, "leaves"):
        says += end(look, STAFF, gone.key, {"until": look.on.isoformat()})
    if look.chance(on, "comes") < LEAVE:
        says += _hired(look, len(said) + 1, look.on)
    return says


def _hired(look: Look, serial: int, since: date) -> list[Say]:
    image = employee(look, serial) | {"since": since.isoformat()}
    return keep(look, STAFF, f"jinji_kyuyo/{image['staff_no']}", image, since)


def withholding_changes(look: Look) -> Sequence[Say]:
    """給与所得者異動届出書 (地方税法 321条の5): of who leaves, and now and then one who takes leave."""
    withheld = {row["staff_no"]: row for row in look.files.find("withholdings")}
    living, reported = employees(look), {fact.image["staff_no"] for fact in look.book.find(CHANGE)}
    stands = {fact.image["staff_no"] for fact in look.facts(STAFF)}
    ended = [(no, "退職") for no in sorted(withheld) if no not in stands and no not in reported]
    rare = not reported or (busy(look, CHANGE) and look.chance(str(look.on), "leave") < 0.1)
    here = [no for no in withheld if no in living and no in stands and no not in reported]  # who left takes no leave
    leave = draw(look, here, str, "leave") if rare else None
    says: list[Say] = []
    for no, kind in ended + ([(leave, "休職")] if leave else []):
        months = (5 - look.on.month) % 12 + 1  # until May, the present one among them
        remaining = (withheld[no]["monthly"] or 0) * months
        image = {"staff_no": no, "person": living.get(no), "change_kind": kind, "changed_on": look.on.isoformat()}
        if image["person"]:
            says += keep(look, CHANGE, f"jinji_kyuyo/{no}/{look.on}", image | {"remaining": remaining})
    return says


def salaries(look: Look) -> Sequence[Say]:
    """Paid on the 21st; on the first day a few are paid something in advance (資金前渡, 概算払)."""
    said, stands = known(look, PAID), look.facts(STAFF)
    if not said:
        soon = look.on + timedelta(days=3)
        return [say for fact in stands[:3] for say in _paid(look, fact.image["staff_no"], "A", soon, 30_000, TRAVEL)]
    if look.on.day < SALARY_KNOWN or look.on.day > SALARY_ON:
        return []
    on = look.on.replace(day=SALARY_ON)
    new = [fact for fact in stands if f"jinji_kyuyo/{fact.image['staff_no']}/M{on:%Y%m}" not in said]
    says: list[Say] = []
    for fact in new:
        amount = 180_000 + 45_000 * POSTS.index(fact.image["post"]) + int(look.chance(fact.key) * 60) * 1_000
        says += _paid(look, fact.image["staff_no"], f"M{on:%Y%m}", on, amount, SALARIES)
    return says


def _paid(look: Look, no: str, what: str, on: date, amount: int, budget: str) -> list[Say]:
    image = {"payee_no": f"P{no}", "amount": amount, "pay_on": on.isoformat(), "budget_code": budget}
    return keep(look, PAID, f"jinji_kyuyo/{no}/{what}", image)


# 庶務事務, 文書管理 ---------------------------------------------------------------------------------------------------


def claims(look: Look) -> Sequence[Say]:
    """Travel, overtime, allowances of those whom payroll names; one of the day before is withdrawn now and then."""
    says = _taken_back(look, CLAIM, "amount")
    people = look.files.sample("staff_members", CLAIMS, str(look.on)) if busy(look, CLAIM) else []
    for order, row in enumerate(people, 1):
        kind = ("旅費", "時間外", "旅費", "手当")[order % 4]
        amount = 500 + int(look.chance(str(look.on), row["staff_no"]) * 60) * 250
        image = {"staff_no": row["staff_no"], "claim_kind": kind, "amount": amount, "approved_on": look.on.isoformat()}
        says += keep(look, CLAIM, f"shomu_jimu/{look.on:%Y%m%d}-{order}", image)
    return says


def documents(look: Look) -> Sequence[Say]:
    """Approved ones, each drawn up by somebody whom payroll names."""
    says = _taken_back(look, DOCUMENT, None)
    people = look.files.sample("drafters", DOCUMENTS, str(look.on)) if busy(look, DOCUMENT) else []
    for order, row in enumerate(people, 1):
        no, budget = f"{look.on:%Y%m%d}-{order}", (SALARIES, TRAVEL)[order % 2]
        image = {"doc_no": no, "approved_on": look.on.isoformat(), "section_code": row["section_code"]}
        says += keep(look, DOCUMENT, f"bunsho_kanri/{no}", image | {"budget_code": budget})
    return says


def _taken_back(look: Look, entity: str, path: str | None) -> list[Say]:
    """Now and then something young was wrong: an amount in it, or all of it."""
    young = [fact for fact in look.facts(entity) if (look.on - fact.recorded.date()).days <= 3]
    wrong = draw(look, young, lambda fact: fact.key, entity) if look.chance(entity, str(look.on)) < 0.2 else None
    if wrong is None:
        return []
    if path is None or look.chance(wrong.key, "withdrawn") < 0.4:
        return withdraw(look, entity, wrong.key)
    return correct(look, entity, wrong.key, {path: int(wrong.image[path] * 0.9)})


# 財務会計 -----------------------------------------------------------------------------------------------------------


def bank_results(look: Look) -> Sequence[Say]:
    """What banks report: slips that people paid; now and then one was of another amount, or was not paid at all."""
    says = _taken_back(look, BANK, "amount")
    paid: dict[str, int] = {}
    for fact in look.facts(BANK):
        paid[fact.image["assessment"]] = paid.get(fact.image["assessment"], 0) + fact.image["amount"]
    for slip in _slips(look):
        amount = _term(look, slip, paid.get(slip["assessment"], 0))
        if amount:
            no = f"{look.on:%y%m%d}{int(look.chance(str(look.on), slip['assessment']) * 10**8):08d}"
            image = {"slip_no": no, "system": slip["assessment"].partition("/")[0], "assessment": slip["assessment"]}
            image |= {"amount": amount, "paid_on": look.on.isoformat()}
            says += keep(look, BANK, f"zaimu_kaikei/{no}", image)
    return says


def _slips(look: Look) -> Iterator[Row]:
    """In people's hands: what the collection knows of; until it knows something, what departments sent out."""
    if not busy(look, BANK):
        return
    known_ = look.world["shutaino"].sample("assessments", SLIPS, str(look.on)) if "shutaino" in look.world else []
    if known_:
        yield from known_
        return
    for department in ASSESSING:
        sent = [{**row, "assessment": row["key"]} for row in told(look, department, f"{department}.assessment")]
        yield from sorted(sent, key=lambda row: look.chance(row["key"]))[: SLIPS // 4]


def _term(look: Look, slip: Row, paid: int) -> int:
    """What is on the slip: a term, or what is left; nothing where all is paid, or nothing falls due soon."""
    first = day(slip["due_on"]) if not isinstance(slip["due_on"], dict) else day(slip["due_on"]["text"])
    if first is None or first > look.on + NOTHING_AHEAD:
        return 0
    accounts = look.world["shutaino"].find("bus_fact", entity="shutaino.payment", key=payment_key(slip["assessment"]))
    booked = max((int(row["image"]["paid"] or 0) for row in accounts if row["image"]), default=0)
    left = int(slip["amount"] or 0) - max(paid, booked)
    return max(min(left, int(slip["amount"] or 0) // max(int(slip["terms"] or 1), 1)), 0)


def ordered(request: Request, look: Look) -> Verdict:
    """支出命令 (地方自治法 232条の4): there has to be a decision, and something to pay."""
    if request.row["reason"] == "SHURYO":
        return NOTED
    if not request.row["amount"] or request.row["amount"] <= 0:
        return Verdict(confirm=False, note="nothing to pay")
    return NOTED if look.files.sample("documents", 1, "any") else LATER


def travelled(request: Request, look: Look) -> Verdict:
    """旅費: of somebody who works here; staff and claims come from two departments, in no order."""
    return NOTED if look.files.find("staff_members", staff_no=request.row["staff_no"]) else LATER


OFFICES: Final[dict[str, Office]] = {
    "jinji_kyuyo": Office({"withholding_changes": noted}, [staff, withholding_changes, salaries]),
    "shomu_jimu": Office({"posting_changes": noted}, [claims]),
    "bunsho_kanri": Office(chores=[documents]),
    "zaimu_kaikei": Office(answers={"payment_requests": ordered, "travel_requests": travelled}, chores=[bank_results]),
}
