"""How do 障害者福祉, 生活保護 and 健康管理 work? Certificates, cases of whole households, letters stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from bus.adapters.sql.facts import Fact
from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, age, amend, busy, draw, end, known
from bus.kit.desk.rounds import (
    GONE,
    NOTHING,
    begin,
    ends,
    filed,
    key,
    leaving,
    merged,
    mistaken,
    one,
    pay,
    pay_day,
    payments,
    permit_ended,
    stock,
    wrong_amount,
    wrong_since,
)  # fmt: skip

# 障害者福祉 ----------------------------------------------------------------------------------------------------------

CERTIFICATE: Final = "shogai_fukushi.certificate"
KINDS: Final = {  # of certificates, and their grades; the first ones are severe
    "身体": ("1級", "2級", "3級", "4級", "5級", "6級"), "療育": ("A", "B"), "精神": ("1級", "2級", "3級"),
}  # fmt: skip
MAY_CHOOSE: Final = range(65, 75)  # the elderly's insurance, with a severe one
REGRADED: Final = 0.3  # on a day, one of them
CLOSED: Final = 0.05


def drawn_grade(look: Look, person: str, kind: str, *salt: str) -> str:
    grades = KINDS[kind]
    return grades[int(look.chance("grade", person, *salt) * len(grades))]


def certificate(row: Row, look: Look) -> Row:
    person = row["person"]
    kind = next(
        kind for kind, up_to in (("身体", 0.6), ("療育", 0.8), ("精神", 1.0)) if look.chance("kind", person) < up_to
    )
    grade = KINDS[kind][0] if (age(row, look.on) or 0) in MAY_CHOOSE else drawn_grade(look, person, kind)
    since = look.on - timedelta(days=30 + int(look.chance("since", person) * 4_000))
    return {"person": person, "kind": kind, "grade": grade, "since": Uncertain.on(since)}


def may_choose(row: Row, look: Look) -> bool:
    return (age(row, look.on) or 0) in MAY_CHOOSE


def issued(person: str, look: Look) -> Sequence[Say]:
    """手帳の交付, or another grade."""
    row = one(look, "residents", person)
    if row is None:
        return []
    image = certificate(row, look)
    if stands := look.fact(CERTIFICATE, key(CERTIFICATE, person)):
        grade = drawn_grade(look, person, stands.data["kind"], str(look.on))
        return amend(look, CERTIFICATE, key(CERTIFICATE, person), {"grade": grade})
    return begin(look, CERTIFICATE, {**image, "since": Uncertain.on(look.on)})


def returned(request: Request, look: Look) -> Verdict:
    """返還; 居住地特例 (19条3項): who moves into a home elsewhere stays ours."""
    row = request.row
    if row["reason"] == "TENSHUTSU" and row["moves_into"] and look.fact(CERTIFICATE, key(CERTIFICATE, row["person"])):
        return NOTED._replace(note="居住地特例")
    return ends(CERTIFICATE, "ended_on")(request, look)


def regraded(look: Look) -> Sequence[Say]:
    """再認定: another grade, or none any more."""
    if look.chance("regraded", str(look.on)) > REGRADED:
        return []
    fact = draw(look, look.facts(CERTIFICATE), lambda one: one.key, "regraded")
    if fact is None:
        return []
    if look.chance("closed", str(look.on)) < CLOSED / REGRADED:
        return end(look, CERTIFICATE, fact.key, {"until": Uncertain.on(look.on)})
    grade = drawn_grade(look, fact.image["person"], fact.image["kind"], str(look.on))
    return amend(look, CERTIFICATE, fact.key, {"grade": grade})


SHOGAI: Final = Office(
    answers={
        "ends": returned,
        "care_first_reviews": noted,
        "household_reviews": noted,
        "status_reviews": ends(CERTIFICATE, "since", only=permit_ended),
        "priority_reviews": noted,
        "addressee_merges": noted,
    },
    chores=[
        stock(CERTIFICATE, "residents", certificate, 0.007, soon=leaving, least=4, must=[may_choose]),
        filed("SHOGAI_TECHO", issued),
        merged(CERTIFICATE),
        regraded,
        mistaken(CERTIFICATE, 0.1, wrong_since),
        payments(CERTIFICATE, 0.04, 90_000, "03-01-04"),
        mistaken("shogai_fukushi.disbursement", 0.15, wrong_amount),
    ],
)

# 生活保護: the unit is the household, a fact each of its members ------------------------------------------------------

ASSISTANCE: Final = "seikatsu_hogo.assistance"
SHARE, LEAST = 0.006, 2  # of the households
NEED: Final = 75_000  # yen a month, of each
PAID_ON: Final = 5
MISTAKES: Final = 0.05


def case_no(look: Look, household: str, year: int) -> str:
    return f"{year}-{int(look.chance('case', household) * 10**4):04d}"


def opened(look: Look, household: str, members: Sequence[str], since: date) -> list[Say]:
    """開始 24条: of all who live there."""
    image = {"case_no": case_no(look, household, since.year), "since": Uncertain.on(since)}
    free = [person for person in members if look.fact(ASSISTANCE, key(ASSISTANCE, person)) is None]
    return [say for person in free for say in begin(look, ASSISTANCE, {"person": person, **image})]


def houses(look: Look) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in look.files.find("residents"):
        if row["household"]:
            found[str(row["household"])].append(str(row["person"]))
    return found


def cases(look: Look) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in look.facts(ASSISTANCE):
        found[fact.image["case_no"]].append(fact)
    return found


def closed(look: Look, case: Sequence[Fact], until: date) -> list[Say]:
    """廃止 26条."""
    return [say for fact in case for say in end(look, ASSISTANCE, fact.key, {"until": Uncertain.on(until)}, until)]


def first_ended(look: Look) -> Sequence[Say]:
    """On the second day somebody earns enough again, so that there is an end in every town."""
    standing = cases(look)
    if len(standing) < 2 or any(not fact.stands for fact in look.book.find(ASSISTANCE)):
        return []
    case = min(standing, key=lambda no: look.chance("first end", no))
    return closed(look, standing[case], look.on)


def on_assistance(look: Look) -> Sequence[Say]:
    """Who was before the story begins: mostly the old and those who live alone, or two together."""
    homes, said = houses(look), known(look, ASSISTANCE)
    drawn = sorted(homes, key=lambda no: (len(homes[no]) > 3, look.chance("stock", no)))
    drawn = drawn[: max(LEAST, round(SHARE * len(homes)))]
    says = list[Say]()
    for household in drawn:
        members = [person for person in homes[household] if key(ASSISTANCE, person) not in said]
        months = 2 + int(look.chance("since", household) * 40)
        since = date(look.on.year - 1 - months // 12, months % 12 + 1, 1)
        says += opened(look, household, members, since) if len(members) == len(homes[household]) else []
    return says


def started(person: str, look: Look) -> Sequence[Say]:
    row = one(look, "residents", person)
    if row is None or not row["household"]:
        return []
    members = [str(member["person"]) for member in look.files.find("residents", household=row["household"])]
    return opened(look, str(row["household"]), members, look.on)


def given_up(look: Look) -> Sequence[Say]:
    """辞退: one case for each that is filed; only who is on assistance can, so whose it is is drawn among them."""
    says, standing = list[Say](), cases(look)
    for number in range(sum(filing.kind == "SEIKATSU_HOGO_HAISHI" for filing in look.filings)):
        if len(standing) > 1:  # somebody is on assistance in every town
            case = min(standing, key=lambda no: look.chance(str(look.on), "given up", str(number), no))
            says += closed(look, standing.pop(case), look.on)
    return says


def changed(request: Request, look: Look) -> Verdict:
    """変更 25条: one more in the household of a case, or one less."""
    row = request.row
    if row["reason"] in ("SHIBO", "SHOKKEN_SHOJO"):
        return ends(ASSISTANCE, "ended_on")(request, look)
    if row["reason"] not in ("SHUSSEI", "TENNYU", "SHOKKEN_KISAI") or not row["household"]:
        return NOTED
    if one(look, "residents", row["person"]) is None:
        return GONE
    others = [member["person"] for member in look.files.find("residents", household=row["household"])]
    standing = [fact for other in others if (fact := look.fact(ASSISTANCE, key(ASSISTANCE, str(other))))]
    if not standing:
        return NOTHING
    image = {"person": row["person"], "case_no": standing[0].data["case_no"], "since": Uncertain.on(look.on)}
    return Verdict(confirm=True, says=begin(look, ASSISTANCE, image))


def paid(look: Look) -> Sequence[Say]:
    """What a case needs in a month; beside it, now and then a single need (一時扶助)."""
    if not busy(look, "seikatsu_hogo.disbursement"):
        return []
    on, says, standing = pay_day(look.on, PAID_ON), list[Say](), cases(look)
    for case, facts in standing.items():
        says += pay(look, "seikatsu_hogo", f"{case}/{on}", NEED * len(facts), "03-03-02", on)
    single = draw(look, sorted(standing), str, "single")
    if single and look.chance("single", str(look.on)) < 0.4:
        says += pay(look, "seikatsu_hogo", f"{single}/{look.on}/single", 14_500, "03-03-02")
    return says


SEIKATSU: Final = Office(
    answers={
        "change_reviews": changed,
        "end_requests": ends(ASSISTANCE, "ended_on"),
        "status_reviews": ends(ASSISTANCE, "since", only=permit_ended),
    },
    chores=[
        first_ended, on_assistance, filed("SEIKATSU_HOGO_KAISHI", started), given_up, merged(ASSISTANCE),
        mistaken(ASSISTANCE, MISTAKES, wrong_since), paid,
        mistaken("seikatsu_hogo.disbursement", 0.1, wrong_amount),
    ],
)  # fmt: skip

# 健康管理: visits, vouchers, letters; what others have to know of it is that it was done ------------------------------

KENKO: Final = Office(answers=dict.fromkeys(("newborn_visits", "newcomers", "mail_stops", "annulment_reviews"), noted))

OFFICES: Final[dict[str, Office]] = {"shogai_fukushi": SHOGAI, "seikatsu_hogo": SEIKATSU, "kenko_kanri": KENKO}
