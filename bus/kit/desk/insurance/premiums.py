"""How are the premiums of the three health and care insurances assessed, and asked to be deducted from pensions?

What is owed follows from what stands: who is insured in which months of the year, and what they earn. So a gain, a
loss, either taken back, and an income that came late each lead to the right amount, in whatever order they come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Answer, Chore, Look, Verdict
from bus.kit.desk.habits import Row, amend, day, end, fiscal_year, number
from bus.kit.desk.rounds import month

ELSEWHERE: Final = 0.05  # of the letters go to somebody who is not on the register
OFFICE_S_MISTAKE: Final = 0.4  # … where an amount changes, the rest follows from the law
BY_SLIP, BY_PENSION = "F", "T"  # 普通徴収, 特別徴収
MONTHS: Final = 12
OCTOBER: Final = 6  # months after April: deduction begins


@dataclass(frozen=True, slots=True)
class Premium:
    """`payers`: of everybody insured, who pays; `yearly`: by the income; `pension`: may it be deducted from one?"""

    system: str
    payers: Callable[[Look], Callable[[Row], str]]
    yearly: Callable[[int], int]
    pension: Callable[[Look], Callable[[str], bool]]
    first_due: tuple[int, int]  # month and day of the first term
    terms: int

    @property
    def qualification(self) -> str:
        return f"{self.system}.qualification"

    @property
    def assessment(self) -> str:
        return f"{self.system}.assessment"


def assessed(premium: Premium) -> Chore:
    """What everybody owes who is, or was, insured this year: said when it is new, amended when it is another amount."""

    def chore(look: Look) -> Sequence[Say]:
        year = fiscal_year(look.on)
        by_pension, says = premium.pension(look), list[Say]()
        stands = {fact.key: fact.image for fact in look.facts(premium.assessment, year=str(year))}
        for payer, amount in _owed(premium, look, year).items():
            name = f"{premium.system}/{payer}/{year}"
            if name not in stands and amount:
                image = _image(premium, look, payer, year, amount, by_pension=by_pension(payer))
                says.append(Say(premium.assessment, name, "KETTEI", image, Uncertain.on(look.on)))
            elif name in stands and not amount:
                says += end(look, premium.assessment, name, {"amount": 0})
            elif name in stands and amount != stands[name]["amount"]:
                says += _changed(look, premium.assessment, name, amount)
        return says

    return chore


def _owed(premium: Premium, look: Look, year: int) -> Mapping[str, int]:
    payer, owed = premium.payers(look), dict[str, int]()
    incomes = {row["person"]: int(row["income"] or 0) for row in look.files.find("incomes")}
    for fact in look.book.find(premium.qualification):
        months = insured_months(fact.image, year)
        whom = payer(fact.image)
        share = premium.yearly(incomes.get(fact.image["person"], 0)) * months // MONTHS // 10 * 10
        owed[whom] = owed.get(whom, 0) + share
    return owed


def insured_months(image: Row, year: int) -> int:
    """From the month of the gain to the one before the loss, within a fiscal year. What never was counts nothing."""
    first, until = day(image["since"]), image["until"]
    if not image["active"] and until is None:
        return 0
    last = until.earliest if until is not None else None
    begins = _month(first, year) if first else 0
    ends = _month(last, year) if until is not None and last else MONTHS
    return max(ends - begins, 0)


def _month(on: date, year: int) -> int:
    """April is 0."""
    return min(max((on.year - year) * 12 + on.month - 4, 0), MONTHS)


def _image(premium: Premium, look: Look, payer: str, year: int, amount: int, *, by_pension: bool) -> Row:
    letters = payer
    others = sorted(number(row["addressee"]) for row in look.files.find("addressees"))
    if others and look.chance("letters", premium.system, payer) < ELSEWHERE:
        letters = others[int(look.chance("to", payer) * len(others))]
    return {
        "subject": payer, "year": str(year), "amount": amount, "terms": 6 if by_pension else premium.terms,
        "due_on": Uncertain.on(date(year, *premium.first_due)), "notice_to": letters,
        "collection": BY_PENSION if by_pension else BY_SLIP,
    }  # fmt: skip


def _changed(look: Look, entity: str, name: str, amount: int) -> list[Say]:
    """A correction of what was said first, unless it was amended since: then that would stay."""
    history = look.book.history(entity, name)
    is_first = all(event.kind in ("REGISTER", "CORRECT") for event in history)
    image = {"amount": amount}
    if is_first and look.chance("mistake", name, str(look.on)) < OFFICE_S_MISTAKE:
        return [Say(entity, name, "TEISEI", image, supersedes=history[0].id)]
    return [Say(entity, name, "HENKO", image, Uncertain.on(look.on))]


def deductions(system: str) -> Chore:
    """特別徴収の依頼: of what is assessed so, together with care insurance; it follows the assessment."""
    entity, assessment = f"{system}.deduction_request", f"{system}.assessment"

    def chore(look: Look) -> Sequence[Say]:
        says = list[Say]()
        stands = {fact.key: fact.image for fact in look.facts(entity)}
        wanted = {fact.key: fact.image for fact in look.facts(assessment, collection=BY_PENSION)}
        for name, owed in wanted.items():
            if name not in stands:
                image = {"person": owed["subject"], "year": owed["year"], "amount": owed["amount"]}
                starts = month(date(int(owed["year"]), 4, 1), OCTOBER)
                says.append(Say(entity, name, "KETTEI", image | {"from_month": starts}, Uncertain.on(look.on)))
            elif stands[name]["amount"] != owed["amount"]:
                says += amend(look, entity, name, {"amount": owed["amount"]})
        return says + [say for name in stands if name not in wanted for say in end(look, entity, name)]

    return chore


def readdressed(system: str) -> Answer:
    """One person under two numbers: letters go to the one that stays."""

    def answer(request: Request, look: Look) -> Verdict:
        gone, stays = number(request.row["addressee"]), request.row.get("survivor")
        sent = look.facts(f"{system}.assessment", notice_to=gone) if stays else []
        says = [say for one in sent for say in amend(look, one.entity, one.key, {"notice_to": number(str(stays))})]
        return Verdict(confirm=True, says=says) if says else NOTED

    return answer
