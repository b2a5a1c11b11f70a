"""How does the office of 住登外者 work? A number for whom the city writes to elsewhere; who became a resident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from bus.adapters.sql.facts import Fact
from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import LATER, NOTED, Look, Office, Verdict, noted
from bus.kit.desk.habits import beginning, draw, end, keep, known
from bus.kit.desk.rounds import mistaken, one, when
from bus.kit.desk.tax.corporations import corporation_no
from bus.town.names import serial
from bus.town.strangers import FIRST, is_corporation, number, stranger

PERSON: Final = "jutogai.person"
SHARE, LEAST, MOST = 0.006, 8, 60  # cards to a resident
PROTECTED: Final = 3  # the index of one who is protected, and of every fiftieth
RECOGNISED: Final = 0.04  # of newcomers
WRITTEN_TO: Final = 0.2  # of those who leave
UNCHECKED: Final = "C"
MOVES, DIES = 0.3, 0.06  # on a day, one of them


def cards(look: Look) -> Sequence[Say]:
    """Who was known before the story begins."""
    count = round(SHARE * len(look.files.find("resident_index")))
    said = known(look, PERSON)
    new = [index for index in range(min(max(count, LEAST), MOST)) if f"jutogai/{number(index)}" not in said]
    today = Uncertain.on(look.on)
    return [Say(PERSON, f"jutogai/{number(index)}", "KETTEI", card(index, look), today) for index in new]


def card(index: int, look: Look) -> dict[str, Any]:
    cells: dict[str, Any] = dict(stranger(index))
    if is_corporation(index):
        cells["corporation_no"] = corporation_no(index // 4 + 1)
    elif index % 50 == PROTECTED:
        since = look.on - timedelta(days=90)
        ends = since + timedelta(days=365)
        cells |= {"protection.level": "SHIEN", "protection.since": Uncertain.on(since)}
        cells["protection.until"] = Uncertain.on(ends)
    return cells


def people(look: Look) -> list[Fact]:
    """Those whose letters are ordinary ones."""
    return [fact for fact in look.facts(PERSON, kind="1") if fact.image["protection"]["level"] is None]


def matched(request: Request, look: Look) -> Verdict:
    """Is the newcomer on a card? What nobody had checked on it is corrected, and both are one person from now on."""
    said = look.book.find(PERSON)
    if not said:
        return LATER  # the cards are not sorted yet
    row = request.row
    found = [fact for fact in people(look) if _same(fact, row)]
    is_first = not any(fact.image["merged_into"] for fact in said)
    if not found and (is_first or look.chance("recognised", row["person"]) < RECOGNISED):
        unchecked = [fact for fact in people(look) if fact.image["identity_assurance"] == UNCHECKED]
        found = [fact for fact in [draw(look, unchecked, lambda fact: fact.key, row["person"])] if fact]
    if not found:
        return NOTED._replace(note="nobody we have written to")
    return Verdict(confirm=True, says=_merged(found[0], row, look), note="on a card of ours")


def _same(fact: Fact, row: Any) -> bool:
    """The reading, the day of birth and the sex: never all of them by accident."""
    image = fact.image
    born = image["birth"].text if image["birth"] else None
    return bool(row["kana"]) and (image["name"]["kana"], born) == (row["kana"], row["born"])


def _merged(fact: Fact, row: Any, look: Look) -> list[Say]:
    right = {"name.full": row["name"], "name.kana": row["kana"], "birth": when(row["born"])}
    today = Uncertain.on(look.on)
    began = beginning(look, PERSON, fact.key)
    known_as = [] if _same(fact, row) else [Say(PERSON, fact.key, "TEISEI", right, supersedes=began)]
    merge = {"merged_into": row["person"], "merged_on": today}
    return [*known_as, Say(PERSON, fact.key, "TOGO", merge, today)]


def recorded(request: Request, look: Look) -> Verdict:
    """Some department still writes to one of five who leave. Where a protected person went, no card says."""
    row = request.row
    gone = one(look, "departed", row["person"])
    if gone is None or gone["protected"] or row["reason"] != "TENSHUTSU" or not row["new_address"]:
        return NOTED
    if look.chance("written to", row["person"]) > WRITTEN_TO:
        return NOTED._replace(note="nobody writes to them any more")
    image = {
        "kind": "1", "identity_assurance": "A", "name.full": gone["name"],
        "address.municipality_code": gone["new_municipality"], "mailing.postal_code": gone["new_postal_code"],
        "mailing.address": row["new_address"],
    }  # fmt: skip
    own = serial(FIRST + 100_000 + int(look.chance("number", row["person"]) * 800_000))
    return Verdict(confirm=True, says=keep(look, PERSON, f"jutogai/{own}", image), note="has a number of ours")


def moved(look: Look) -> Sequence[Say]:
    """A letter came back, or somebody says where letters are to go."""
    if look.chance("moved", str(look.on)) > MOVES:
        return []
    who = draw(look, people(look), lambda fact: fact.key, "moved")
    if who is None:
        return []
    flat = int(look.chance("lot", who.key, str(look.on)) * 98) + 1
    to = {"mailing.postal_code": "9998001", "mailing.address": f"ダミー県ダミー市サンプル町{flat}番地"}
    return [Say(PERSON, who.key, "HENKO", to, Uncertain.on(look.on))]


def died(look: Look) -> Sequence[Say]:
    """What another town's office answers when it is asked."""
    if look.chance("died", str(look.on)) > DIES:
        return []
    who = draw(look, people(look), lambda fact: fact.key, "died")
    on = look.on - timedelta(days=30)
    return end(look, PERSON, who.key, {"died_on": Uncertain.on(on)}, on) if who else []


def checked(_: Fact, __: Look) -> dict[str, str]:
    """Somebody showed a document: the card is as good as any."""
    return {"identity_assurance": "A"}


OFFICE: Final = Office(
    answers={"match_requests": matched, "record_requests": recorded, "annulment_reviews": noted},
    chores=[cards, moved, died, mistaken(PERSON, 0.12, checked)],
)
