"""How do 戸籍, 印鑑登録 and 就学 work? Notices of what was filed, guardians, seals, schools for children."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from bus.adapters.sql.facts import Fact
from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import Row, age, day, withdraw
from bus.kit.desk.rounds import (
    begin,
    ends,
    filed,
    finish,
    key,
    merged,
    mistaken,
    one,
    permit_ended,
    ranked,
    serial,
    stock,
    wrong_since,
)  # fmt: skip
from bus.town.stories.script import Filing

# 戸籍 ----------------------------------------------------------------------------------------------------------------

NOTICE, GUARDIAN = "koseki.notice", "koseki.guardianship"
KINDS: Final = {  # what is filed -> what the register is told (住民基本台帳法 9条2項)
    "SHUSSEI_TODOKE": "SHUSSEI", "SHIBO_TODOKE": "SHIBO", "KONIN_TODOKE": "KONIN", "RIKON_TODOKE": "RIKON",
    "ENGUMI_TODOKE": "ENGUMI", "TOKUBETSU_YOSHI_TODOKE": "ENGUMI", "RIEN_TODOKE": "RIEN", "UJI_TODOKE": "UJI_HENKO",
    "TENSEKI_TODOKE": "TENSEKI", "KIKA_TODOKE": "KIKA", "KOKUSEKI_SHUTOKU_TODOKE": "KOKUSEKI_SHUTOKU",
    "KOKUSEKI_SOSHITSU_TODOKE": "KOKUSEKI_SOSHITSU",
}  # fmt: skip
RENAMED: Final = ("RIKON", "ENGUMI", "RIEN", "UJI_HENKO")
ADULT, OLD = 18, 65


def notices(look: Look) -> Sequence[Say]:
    """Of each 届出 a notice to the register, of those who live here; of others their own town is told."""
    told = {_name(filing): filing for filing in look.filings if _concerns_us(filing)}
    today = Uncertain.on(look.on)
    return [
        Say(NOTICE, name, "KETTEI", _image(look, filing, name), today)
        for name, filing in told.items()
        if not look.book.history(NOTICE, name)
    ]


def _concerns_us(filing: Filing) -> bool:
    return filing.kind in KINDS and filing.label is not None


def _name(filing: Filing) -> str:
    return f"koseki/N-{serial(f'{filing.kind}/{filing.key}/{filing.at:%Y-%m-%d}')}"


def _image(look: Look, filing: Filing, name: str) -> dict[str, Any]:
    kind, found = KINDS[filing.kind], None
    if kind in RENAMED and filing.kind != "TOKUBETSU_YOSHI_TODOKE":  # of such a child nothing is told but that
        found = one(look, "fuhyo", filing.key)
    days = int(look.chance("days", name) * 7) if kind in ("SHUSSEI", "SHIBO") else 0
    return {
        "person": None if kind == "SHUSSEI" else filing.key,  # who is born has no number yet
        "notice_kind": kind, "happened_on": Uncertain.on(look.on - timedelta(days=days)),
        "accepted_on": Uncertain.on(look.on), "notice_no": f"{look.on.year}-{int(look.chance('no', name) * 10**5):05d}",
        "new_name": found["name"] if found else None, "new_kana": found["kana"] if found else None,
    }  # fmt: skip


def from_elsewhere(look: Look) -> Sequence[Say]:
    """受理地の市町村から: what was filed in another town about somebody here; in the first days at least once."""
    people = [row for row in look.files.find("fuhyo") if row["state"] == "住民" and (age(row, look.on) or 0) >= ADULT]
    said = look.book.find(NOTICE)
    if not people or said or any(map(_concerns_us, look.filings)):
        return []
    person = ranked(look, people, "elsewhere")[0]["person"]
    image = {
        "person": person, "notice_kind": "TENSEKI", "happened_on": Uncertain.on(look.on - timedelta(days=6)),
        "accepted_on": Uncertain.on(look.on - timedelta(days=6)), "notice_no": f"{look.on.year}-99001",
    }  # fmt: skip
    return [Say(NOTICE, f"koseki/E{person}", "KETTEI", image, Uncertain.on(look.on))]


def earlier(fact: Fact, _: Look) -> Row:
    """It happened a day earlier than was written down."""
    on = day(fact.image["happened_on"])
    return {"happened_on": Uncertain.on(on - timedelta(days=1))} if on else {}


def entered(request: Request, look: Look) -> Verdict:
    """A death that was entered for the wrong person: the notice never was."""
    row = request.row
    wrong = look.facts(NOTICE, person=row["person"], notice_kind="SHIBO") if row["reason"] == "TORIKESHI_ZO" else []
    says = [say for fact in wrong for say in withdraw(look, NOTICE, fact.key)]
    return Verdict(confirm=True, says=says) if says else NOTED


def ward(row: Row, look: Look) -> Row:
    """Since some day of the last years."""
    days = 30 + int(look.chance("ward", row["person"]) * 1_500)
    return {"person": row["person"], "since": Uncertain.on(look.on - timedelta(days=days))}


def appointed(person: str, look: Look) -> Sequence[Say]:
    """後見開始の審判, as the court has it registered."""
    return begin(look, GUARDIAN, {"person": person, "since": Uncertain.on(look.on)})


def dismissed(person: str, look: Look) -> Sequence[Say]:
    """Of whom nothing was said before, it is said since when it was."""
    began = [] if look.fact(GUARDIAN, key(GUARDIAN, person)) else begin(look, GUARDIAN, ward({"person": person}, look))
    today = Uncertain.on(look.on)
    return [*began, Say(GUARDIAN, key(GUARDIAN, person), "SHURYO", {"until": today}, today)]


def is_old(row: Row, look: Look) -> bool:
    return row["state"] == "住民" and (age(row, look.on) or 0) >= OLD


KOSEKI: Final = Office(
    answers={"fuhyo_entries": noted, "fuhyo_reviews": entered},
    chores=[
        notices,
        from_elsewhere,
        stock(GUARDIAN, "fuhyo", ward, 0.004, least=1, suits=is_old),
        filed("KOKEN_KAISHI", appointed),
        filed("KOKEN_SHURYO", dismissed),
        merged(GUARDIAN),
        mistaken(NOTICE, 0.15, earlier),
    ],
)

# 印鑑登録 ------------------------------------------------------------------------------------------------------------

SEAL: Final = "inkan.registration"
MATTERS: Final = 0.6  # of changed names: the seal shows another one


def seal(row: Row, look: Look) -> Row:
    days = 60 + int(look.chance("seal", row["person"]) * 9_000)
    return {"person": row["person"], "since": Uncertain.on(look.on - timedelta(days=days))}


def adult(row: Row, look: Look) -> bool:
    return (age(row, look.on) or 0) >= ADULT


def registered(person: str, look: Look) -> Sequence[Say]:
    if one(look, "registrable", person) is None or look.fact(SEAL, key(SEAL, person)):
        return []
    return begin(look, SEAL, {"person": person, "since": Uncertain.on(look.on)})


def given_up(person: str, look: Look) -> Sequence[Say]:
    """廃止の申請: of whom nothing was said before, it is said since when it was."""
    row = one(look, "registrable", person)
    if look.fact(SEAL, key(SEAL, person)):
        return finish(look, SEAL, person, look.on)
    if row is None:
        return []
    today = Uncertain.on(look.on)
    return [*begin(look, SEAL, seal(row, look)), Say(SEAL, key(SEAL, person), "SHURYO", {"until": today}, today)]


def fits_no_more(row: Row, look: Look) -> bool:
    """Another name beside the one on the seal changes nothing; another one instead of it may."""
    added = row["reason"] in ("KYUUJI_KISAI", "TSUSHO_KISAI")
    return not added and look.chance("seal", row["person"], row["reason"]) < MATTERS


INKAN: Final = Office(
    answers={
        "loss_requests": ends(SEAL, "since"),
        "name_reviews": ends(SEAL, "since", only=fits_no_more),
        "status_reviews": ends(SEAL, "since", only=permit_ended),
        "guardianship_losses": ends(SEAL, "since"),
        "guardianship_reviews": noted,
    },
    chores=[
        stock(SEAL, "registrable", seal, 0.015, suits=adult),
        filed("INKAN_TOROKU", registered),
        filed("INKAN_HAISHI", given_up),
        merged(SEAL),
        mistaken(SEAL, 0.08, wrong_since),
    ],
)

# 就学: schools are named and the roll is kept; what others have to know of it is that it was done ---------------------

ROLL: Final = ("school_requests", "entry_requests", "roll_deletions", "pupil_reviews", "aid_reviews")
SHUGAKU: Final = Office(answers=dict.fromkeys(ROLL, noted))

OFFICES: Final[dict[str, Office]] = {"koseki": KOSEKI, "inkan": INKAN, "shugaku": SHUGAKU}
