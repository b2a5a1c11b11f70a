"""How does the office of 収滞納管理 work? Accounts, what banks report set against them, sums of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from bus.adapters.sql.proposals import CONFIRMED, Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import LATER, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, busy, day, draw, end, keep

SYSTEM: Final = "shutaino"
PAYMENT, RECEIPT = f"{SYSTEM}.payment", f"{SYSTEM}.receipt"
BANKS: Final = "bank_results"
BEHIND: Final = 0.12  # of those who owed something before the story begins, who is a term behind
BY_ACCOUNT: Final = 0.4


def payment_key(assessment: str) -> str:
    """kokuho/1000001/2026 -> shutaino/kokuho/1000001/2026: at most 64 characters, as all that are assessed."""
    return f"{SYSTEM}/{assessment}"


def due(owed: Row, on: date) -> int:
    """What should be paid by now: terms follow one another by two months, or by one where there are many."""
    first, terms = day(owed["due_on"]), max(int(owed["terms"] or 1), 1)
    if first is None or on <= first:
        return 0
    apart = 1 if terms > 6 else 2
    months = (on.year - first.year) * 12 + on.month - first.month - (on.day <= first.day)
    return int(owed["amount"] or 0) * min(months // apart + 1, terms) // terms


def reported(look: Look, also: Sequence[Request] = ()) -> list[Row]:
    """What banks reported and nobody took back, as far as it was confirmed; `also`: what is being confirmed."""
    confirmed = {row["event_id"] for row in look.files.find("bus_proposal", request=BANKS, state=CONFIRMED)}
    confirmed |= {request.event_id for request in also}
    rows = [row for row in look.files.find(BANKS) if row["event_id"] in confirmed]
    gone = {row["supersedes"] for row in rows if row["supersedes"]}
    return [row for row in rows if row["kind"] != "ANNUL" and row["event_id"] not in gone]


def account(look: Look, owed: Row, came: Sequence[Row], opened: int | None) -> list[Say]:
    """The account of one assessment as it should be. `opened`: with how much it began, None where it begins now."""
    key, assessment = payment_key(owed["assessment"]), owed["assessment"]
    says: list[Say] = []
    if opened is None:
        opened = due(owed, look.on)
        if look.chance("behind", assessment) < BEHIND:
            opened -= min(opened, int(owed["amount"] or 0) // max(int(owed["terms"] or 1), 1))
        image = {
            "system": assessment.partition("/")[0], "assessment": assessment, "subject": owed["subject"],
            "paid": opened, "arrears": max(due(owed, look.on) - opened, 0),
            "account_registered": look.chance("account", assessment) < BY_ACCOUNT,
        }  # fmt: skip
        says.append(Say(PAYMENT, key, "KETTEI", image, Uncertain.on(look.on)))
    paid = opened + sum(row["amount"] or 0 for row in came)
    image = {"paid": paid, "arrears": max(due(owed, look.on) - paid, 0)}
    last = max((row["paid_on"] for row in came if row["paid_on"]), default=None)
    return [*says, Say(PAYMENT, key, "HENKO", image | ({"last_paid_on": last} if last else {}), Uncertain.on(look.on))]


def opening(look: Look, key: str) -> int | None:
    """With how much the account that stands was opened."""
    if look.fact(PAYMENT, key) is None:
        return None
    history = [event for event in look.book.history(PAYMENT, key) if event.kind == "REGISTER"]
    return int(history[-1].data["paid"])


# What is asked ------------------------------------------------------------------------------------------------------


def matched(request: Request, look: Look) -> Verdict:
    """消込: set against the assessment it names; a slip may be faster than the assessment."""
    row = request.row
    owed = look.files.find("assessments", assessment=row["assessment"])
    if not owed:
        return LATER._replace(note="no such assessment: to be paid back (過誤納)")
    came = [one for one in reported(look, [request]) if one["assessment"] == row["assessment"]]
    return Verdict(confirm=True, says=account(look, owed[0], came, opening(look, payment_key(row["assessment"]))))


# What is so in the end ----------------------------------------------------------------------------------------------


def accounts(look: Look) -> Sequence[Say]:
    """An account for everything assessed; where a term falls due, or a bank took something back, it is made anew."""
    owed = {row["assessment"]: row for row in look.files.find("assessments")}
    back = {row["assessment"] for row in look.files.find(BANKS) if row["supersedes"]}
    stands = {fact.image["assessment"]: fact for fact in look.facts(PAYMENT)}
    rows = reported(look)
    says: list[Say] = []
    for assessment, row in owed.items():
        fact, now = stands.get(assessment), due(row, look.on)
        if fact is None or assessment in back or max(now - fact.image["paid"], 0) != fact.image["arrears"]:
            came = [one for one in rows if one["assessment"] == assessment]
            says += account(look, row, came, opening(look, payment_key(assessment)))
    gone = [fact for assessment, fact in stands.items() if assessment not in owed]
    return says + [say for fact in gone for say in end(look, PAYMENT, fact.key, {"arrears": 0})]


def receipts(look: Look) -> Sequence[Say]:
    """日計: what came in, per day and system that assessed."""
    sums: dict[tuple[str, str], list[int]] = {}
    for row in (row for row in reported(look) if row["paid_on"]):
        sums.setdefault((row["system"], row["paid_on"]), []).append(row["amount"] or 0)
    said = {fact.key: fact for fact in look.facts(RECEIPT)}
    says: list[Say] = []
    for (system, on), amounts in sorted(sums.items()):
        key = f"{SYSTEM}/{system}/{on}"
        image: Mapping[str, Any] = {"system": system, "day": on, "amount": sum(amounts), "count": len(amounts)}
        if key not in said or any(said[key].image[path] != image[path] for path in ("amount", "count")):
            says += keep(look, RECEIPT, key, image)
        said.pop(key, None)
    return says + [say for key in sorted(said) for say in end(look, RECEIPT, key, {"amount": 0, "count": 0})]


def transfers(look: Look) -> Sequence[Say]:
    """口座振替: now and then somebody orders it, or gives it up."""
    one = draw(look, look.facts(PAYMENT), lambda fact: fact.key, "transfer") if busy(look, PAYMENT) else None
    if one is None:
        return []
    ordered = {"account_registered": not one.image["account_registered"]}
    return [Say(PAYMENT, one.key, "HENKO", ordered, Uncertain.on(look.on))]


OFFICE: Final = Office(
    answers={
        BANKS: matched,
        "collection_reviews": noted,  # letters are written; no fact says so
        "execution_reviews": noted,  # … nor that a seizure is stopped
        "outside_reviews": noted,
    },
    chores=[transfers],
    closing=[accounts, receipts],
)
