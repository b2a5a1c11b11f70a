"""How does the office of 個人住民税 work? Incomes of last year, what is taxed of them, and who withholds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, NamedTuple

from bus.adapters.sql.proposals import Request
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import (
    Row,
    age,
    amend,
    busy,
    correct,
    day,
    draw,
    end,
    heir,
    keep,
    known,
    levy,
    told,
    withdraw,
)  # fmt: skip
from bus.kit.desk.tax.reviews import WITHDRAWN, reviewed, reviewed_outside

SYSTEM: Final = "kojin_juminzei"
TAXATION, ASSESSMENT, NOTICE = f"{SYSTEM}.taxation", f"{SYSTEM}.assessment", f"{SYSTEM}.withholding_notice"
ROLL, LATE = 90, 3  # taxpayers with a return when the story begins; returns that come late, a day
# Whose income somebody waits for: department -> its table, with a few of each.
AWAITED: Final = {
    "kokuho": "household_members", "kaigo": "first_insured", "kouki": "insured", "nenkin": "of_age",
    "jido_teate": "recipients", "hitorioya_iryo": "residents",
}  # fmt: skip
OF_EACH: Final = 10
COLLECTED, WITHHELD = "F", "T"  # 普通徴収, 特別徴収
LEAVES: Final = ("退職", "休職", "転勤")


class Taxed(NamedTuple):
    """Of one person and year. Rules as most towns have them (地方税法 295条, 310条, 314条の2, 314条の3)."""

    income: int
    dependants: int
    disabled: bool
    assisted: bool

    @property
    def is_exempt(self) -> bool:
        family = 350_000 * (self.dependants + 1) + (310_000 if self.dependants else 100_000)
        return self.assisted or self.income <= family or (self.disabled and self.income <= 1_350_000)

    @property
    def taxable(self) -> int:
        relief = 430_000 + 330_000 * self.dependants + 260_000 * self.disabled + self.income * 15 // 100
        return 0 if self.is_exempt else max(self.income - relief, 0) // 1_000 * 1_000

    @property
    def tax(self) -> int:
        return 0 if self.is_exempt else self.taxable // 10 // 100 * 100 + 5_000

    def image(self, person: str, year: int) -> dict[str, object]:
        return {
            "person": person, "year": str(year), "income": self.income, "taxable": self.taxable, "tax": self.tax,
            "is_exempt": self.is_exempt, "dependants": self.dependants, "disability": self.disabled,
        }  # fmt: skip


def tax_year(on: date) -> int:
    """The year whose tax is known: notices go out in June."""
    return on.year if on.month >= 6 else on.year - 1


def taxed(look: Look, row: Row, year: int) -> Taxed:
    """What the return says."""
    person, years = row["person"], age(row, date(year, 1, 1)) or 0
    drawn = look.chance("income", person, str(year))
    most, none = (3_000_000, 0.25) if years >= 65 else (8_000_000, 0.15)
    income = int(drawn**2 * most) // 1_000 * 1_000 if drawn > none and years >= 18 else 0
    family = int(look.chance("dependants", person) * 4) if 28 <= years < 60 and income > 2_000_000 else 0
    disabled, assisted = (bool(look.files.find(table, person=person)) for table in ("disabled", "assisted"))
    return Taxed(income, family, disabled, assisted)


def roll(look: Look, row: Row, *, withheld: bool = False) -> list[Say]:
    """The taxation of a person, and what follows from it."""
    person, year = row["person"], tax_year(look.on)
    found = taxed(look, row, year)
    says = keep(look, TAXATION, f"{SYSTEM}/{person}/{year}", found.image(person, year))
    if found.tax:
        how = WITHHELD if withheld else COLLECTED
        terms = 12 if withheld else 4
        says += levy(look, SYSTEM, person, year, found.tax, due=date(year, 6, 30), terms=terms, collection=how)
    return says


# What nobody asks for -----------------------------------------------------------------------------------------------


def returns(look: Look) -> Sequence[Say]:
    """Whose return is there when the story begins, whose income others wait for, and who comes late."""
    said, year = known(look, TAXATION), tax_year(look.on)
    rows = look.files.sample("taxpayers", ROLL, "roll")
    rows += look.files.sample("taxpayers", LATE, str(look.on)) if busy(look, TAXATION) else []
    new = {row["person"]: row for row in rows if (age(row, look.on) or 0) >= 18}
    for person in _awaited(look):
        if person not in new and f"{SYSTEM}/{person}/{year}" not in said:
            new |= {row["person"]: row for row in look.files.find("taxpayers", person=person)}
    return [say for person, row in new.items() if f"{SYSTEM}/{person}/{year}" not in said for say in roll(look, row)]


def _awaited(look: Look) -> Iterator[str]:
    for department, table in AWAITED.items():
        for row in look.world[department].sample(table, OF_EACH, "roll") if department in look.world else ():
            if person := row.get("person"):
                yield person


def employees(look: Look) -> dict[str, str]:
    """Who of the city's staff lives here: number of staff -> 宛名番号, as reports of pay say it (地方税法 317条の6)."""
    there = look.world.get(SYSTEM)
    rows = there.sample("taxpayers", 400, "employees") if there else []
    grown = {row["person"] for row in rows if row["state"] == "住民" and 22 <= (age(row, look.on) or 0) < 60}
    found: dict[str, str] = {}
    staff_ever = told(look, "jinji_kyuyo", "jinji_kyuyo.staff", ended=True)
    for staff in sorted(image["staff_no"] for image in staff_ever):
        if grown:
            found[staff] = min(grown, key=lambda person: look.chance("employee", staff, person))
            grown.discard(found[staff])
    return found


def pay_reports(look: Look) -> Sequence[Say]:
    """Who of the city's staff is not taxed yet is, and it is withheld."""
    said, year, says = known(look, TAXATION), tax_year(look.on), list[Say]()
    for person in employees(look).values():
        if f"{SYSTEM}/{person}/{year}" not in said:
            says += [
                say for row in look.files.find("taxpayers", person=person) for say in roll(look, row, withheld=True)
            ]
    return says


def withholding(look: Look) -> Sequence[Say]:
    """税額の通知, 変更通知 (地方税法 321条の4, 321条の6): what is withheld is known to the city as an employer."""
    year, staff = tax_year(look.on), employees(look)
    owed = {one.image["subject"]: one.image for one in look.facts(ASSESSMENT, year=str(year))}
    withheld = {no: owed[person]["amount"] for no, person in staff.items() if _is_withheld(owed.get(person))}
    says: list[Say] = []
    for no, total in withheld.items():
        monthly = total // 12 // 100 * 100
        image = {"staff_no": no, "year": str(year), "total": total, "monthly": monthly}
        says += keep(look, NOTICE, f"{SYSTEM}/{no}/{year}", image | {"first_month": total - 11 * monthly})
    for notice in look.facts(NOTICE, year=str(year)):
        if notice.image["staff_no"] not in withheld:
            says += end(look, NOTICE, notice.key)
    return says


def _is_withheld(owed: Row | None) -> bool:
    return owed is not None and owed["collection"] == WITHHELD


def amended_returns(look: Look) -> Sequence[Say]:
    """更正 (地方税法 321条の2の2): a slip came late, or the income was somebody else's."""
    year = tax_year(look.on)
    stands = look.facts(TAXATION, year=str(year)) if look.chance("amended", str(look.on)) < 0.5 else []
    wrong = draw(look, [one for one in stands if one.image["income"]], lambda one: one.key, "amended")
    if wrong is None:
        return []
    if look.chance(wrong.key, str(look.on)) < WITHDRAWN:
        return [say for entity in (ASSESSMENT, TAXATION) for say in withdraw(look, entity, wrong.key)]
    image = wrong.image
    more = int(image["income"] * (0.7 + 0.6 * look.chance("more", wrong.key, str(look.on)))) // 1_000 * 1_000
    new = Taxed(more, image["dependants"], image["disability"], assisted=False)
    says = correct(look, TAXATION, wrong.key, new.image(image["person"], year))
    return says + correct(look, ASSESSMENT, wrong.key, {"amount": new.tax})


# What is asked ------------------------------------------------------------------------------------------------------


def reviews(request: Request, look: Look) -> Verdict:
    """Who was here on 1 January is taxed here (地方税法 318条); of who died, an heir gets the letters (9条)."""
    row = request.row
    since = day(row.get("since"))
    if row.get("reason") not in ("TENNYU", "SHOKKEN_KISAI"):
        return _REVIEWED(request, look)
    if since is None or since > date(tax_year(look.on), 1, 1):
        return NOTED._replace(note="taxed where they lived on 1 January")
    says = [say for one in look.files.find("taxpayers", person=row["person"]) for say in roll(look, one)]
    return Verdict(confirm=True, says=says, note="was here on 1 January")


_REVIEWED = reviewed(SYSTEM)


def agents(request: Request, look: Look) -> Verdict:
    """納税管理人 (300条): somebody of the household who stays gets the letters."""
    person = request.row["person"]
    owed, stays = look.facts(ASSESSMENT, subject=person), heir(look, person)
    if stays is None:
        return NOTED._replace(note="asked to name an agent")
    return Verdict(
        confirm=True, says=[say for one in owed for say in amend(look, ASSESSMENT, one.key, {"notice_to": stays})]
    )


def assistance(request: Request, look: Look) -> Verdict:
    """非課税 (295条1項1号) is who is on assistance on 1 January; who has no return yet gets one that says so."""
    person, year = request.row["person"], tax_year(look.on)
    if request.row["reason"] != "KETTEI" or look.fact(TAXATION, f"{SYSTEM}/{person}/{year}"):
        return NOTED
    found = Taxed(0, 0, disabled=False, assisted=True)
    return Verdict(confirm=True, says=keep(look, TAXATION, f"{SYSTEM}/{person}/{year}", found.image(person, year)))


def leaves(request: Request, look: Look) -> Verdict:
    """給与所得者異動届出書 (321条の5): what is left is paid by the person; the notice ends with the next look at it."""
    row, year = request.row, tax_year(look.on)
    if row["change_kind"] not in LEAVES:
        return NOTED
    key = f"{SYSTEM}/{row['person']}/{year}"
    says = amend(look, ASSESSMENT, key, {"collection": COLLECTED, "terms": 4}, day(row["changed_on"]))
    return Verdict(confirm=True, says=says, note="" if says else "nothing is withheld")


OFFICE: Final = Office(
    answers={
        "assessment_reviews": reviews,
        "tax_agents": agents,
        "assistance_reviews": assistance,
        "withholding_changes": leaves,
        "outside_reviews": reviewed_outside(SYSTEM),
        "tax_roll": noted,  # whoever is on the roll of 1 January is taxed in June
    },
    chores=[pay_reports, returns, withholding, amended_returns],
)
