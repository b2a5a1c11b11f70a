"""What do the offices for residents do alike? State a few of those kept, begin, end, pay, put mistakes right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from bus.adapters.sql.facts import Fact
from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import NOTED, Answer, Chore, Look, Verdict
from bus.kit.desk.habits import Row, busy, correct, day, draw, end, keep, known, withdraw

Image = Callable[[Row, Look], Row]
Asks = Callable[[Row, Look], bool]
Why = Callable[[Row, Look], str]

_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
WITHDRAWN: Final = 0.25  # of what was wrong: it never was
GONE: Final = Verdict(confirm=False, note="not here any more")
NOTHING: Final = NOTED._replace(note="nothing of ours stands")


def key(entity: str, person: str) -> str:
    """Of what there is one of for a person."""
    return f"{entity.partition('.')[0]}/{person}"


def serial(what: str) -> str:
    """A key of its own for something that has no number; letters alone, for digits might look like a 個人番号."""
    return sha256(what.encode()).hexdigest()[:16].translate(_LETTERS)


def when(value: Any) -> Uncertain | None:
    """Of a row's column, as it is written."""
    if value is None or isinstance(value, Uncertain):
        return value
    return Uncertain.on(value) if isinstance(value, date) else Uncertain.parse(str(value))


def since_of(row: Row, *columns: str) -> Uncertain | None:
    """The first of these that is written."""
    return next((when(row[column]) for column in columns if row.get(column)), None)


def month(on: date, ahead: int = 0) -> Uncertain:
    """A whole month, and which one is written."""
    months = on.year * 12 + on.month - 1 + ahead
    first = date(months // 12, months % 12 + 1, 1)
    after = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return Uncertain(f"{first:%Y-%m}", first, after - timedelta(days=1))


def one(look: Look, table: str, person: str) -> Row | None:
    """A person's row, where the department keeps one: who is gone or dead has none."""
    return next(iter(look.files.find(table, person=person)), None)


def ranked(look: Look, rows: Iterable[Row], *salt: str) -> list[Row]:
    return sorted(rows, key=lambda row: look.chance(*salt, str(row["person"])))


# What nobody asks for -----------------------------------------------------------------------------------------------


def stock(
    entity: str, table: str, image: Image, share: float, *, least: int = 3, suits: Asks | None = None,
    soon: Asks | None = None, must: Sequence[Asks] = (),
) -> Chore:  # fmt: skip
    """What was so before the story begins, of some of those kept who suit; of whom it will end `soon`, of all.

    `must`: at least one of each, of whomever is kept, so that something of every kind is said in a village, too.
    """

    def chore(look: Look) -> Sequence[Say]:
        rows = ranked(look, look.files.find(table), "stock", entity)
        fit = [row for row in rows if suits is None or suits(row, look)]
        wanted = fit[: max(least, round(share * len(fit)))]
        wanted += [row for row in fit if soon and soon(row, look)]
        for asks in must:
            wanted += [row for row in (*fit, *rows) if asks(row, look)][:1]
        said = known(look, entity)
        new = {key(entity, row["person"]): row for row in wanted}
        return [say for name, row in new.items() if name not in said for say in begin(look, entity, image(row, look))]

    return chore


def filed(kind: str, act: Callable[[str, Look], Sequence[Say]]) -> Chore:
    """What follows from something that reached the window today: once for each person."""

    def chore(look: Look) -> Sequence[Say]:
        persons = dict.fromkeys(filing.key for filing in look.filings if filing.kind == kind)
        return [say for person in persons for say in act(person, look)]

    return chore


def mistaken(entity: str, often: float, right: Callable[[Fact, Look], Row]) -> Chore:
    """訂正, 取消し: now and then something was wrong from its beginning on, or of the wrong person."""

    def chore(look: Look) -> Sequence[Say]:
        if look.chance(entity, str(look.on), "mistaken") > often:
            return []
        wrong = draw(look, look.facts(entity), lambda fact: fact.key, "mistaken")
        if wrong is None:
            return []
        if look.chance(wrong.key, str(look.on), "mistaken") < WITHDRAWN:
            return withdraw(look, entity, wrong.key)
        return correct(look, entity, wrong.key, right(wrong, look))

    return chore


def wrong_amount(fact: Fact, look: Look) -> Row:
    return {"amount": int(fact.image["amount"] * (0.8 + 0.4 * look.chance(fact.key, "right"))) // 10 * 10}


def wrong_since(fact: Fact, look: Look) -> Row:
    """A day that was written down some days too late."""
    since = day(fact.image["since"]) or look.on
    return {"since": Uncertain.on(since - timedelta(days=1 + int(look.chance(fact.key, "right") * 20)))}


def merged(entity: str) -> Chore:
    """Two numbers, one person: what stands under one goes on under the other; back, where that was wrong."""

    def chore(look: Look) -> Sequence[Say]:
        alias = {row["person"]: row["survivor"] for row in look.files.find("bus_alias")}
        says: list[Say] = []
        for fact in look.book.find(entity):
            number, cause = fact.key.rpartition("/")[2], f"TOGO/{fact.key}"
            to = alias.get(number)
            if fact.stands and to:
                says.append(Say(entity, fact.key, "TOGO", {"person": to}, Uncertain.on(look.on), cause=cause))
                if look.fact(entity, key(entity, to)) is None:
                    image = {path: value for path, value in fact.image.items() if path != "active"} | {"person": to}
                    says.append(Say(entity, key(entity, to), "KETTEI", image, Uncertain.on(look.on), cause=cause))
            elif not to and fact.image["person"] not in (None, number):
                former = [said for said in look.book.caused(cause) if not said.annulled]
                says += [Say(said.entity, said.key, "TORIKESHI", supersedes=said.event_id) for said in reversed(former)]
        return says

    return chore


def leaving(row: Row, _: Look) -> bool:
    """Has announced a move: the end comes soon."""
    return row.get("leaves_on") is not None


# What is asked ------------------------------------------------------------------------------------------------------


def begin(look: Look, entity: str, image: Row) -> list[Say]:
    since = image.get("since") or image.get("from_month")
    return keep(look, entity, key(entity, image["person"]), image, day(since))


def begins(entity: str, table: str, image: Image, *, unless: Why | None = None) -> Answer:
    """The fact begins, for who is still kept in `table`. `unless`: a reason why not."""

    def answer(request: Request, look: Look) -> Verdict:
        row = one(look, table, request.row["person"])
        if row is None:
            return GONE
        asked = {**row, **request.row}
        if unless and (why := unless(asked, look)):
            return Verdict(confirm=False, note=why)
        return Verdict(confirm=True, says=begin(look, entity, image(asked, look)))

    return answer


def ends(entity: str, column: str, *, until: str = "until", only: Asks | None = None) -> Answer:
    """The fact ends, if it stands, on the day (or in the month) the request names."""

    def answer(request: Request, look: Look) -> Verdict:
        if only and not only(request.row, look):
            return NOTED
        says = finish(look, entity, request.row["person"], request.row.get(column), until)
        return Verdict(confirm=True, says=says) if says else NOTHING

    return answer


def finish(look: Look, entity: str, person: str, last: Any, until: str = "until") -> list[Say]:
    known_until = when(last) or Uncertain.on(look.on)
    return end(look, entity, key(entity, person), {until: known_until}, day(last))


def permit_ended(row: Row, _: Look) -> bool:
    """Of what may have changed a foreign resident's status: the permit ran out and nobody renewed it."""
    return row.get("reason") == "ZAIRYU_MANRYO"


def struck_off(row: Row, _: Look) -> bool:
    """… or the mayor found that nobody lives there any more."""
    return row.get("reason") in ("ZAIRYU_MANRYO", "SHOKKEN_SHOJO")


# What is paid -------------------------------------------------------------------------------------------------------


def pay_day(on: date, of_month: int = 15) -> date:
    """The next one that a list of today still reaches."""
    reached = on + timedelta(days=3)
    months = on.year * 12 + on.month - 1 + (reached.month != on.month or reached.day > of_month)
    return date(months // 12, months % 12 + 1, of_month)


def pay(look: Look, system: str, what: str, amount: int, budget: str, on: date | None = None) -> list[Say]:
    """To a creditor number: accounting does not hear who it is, and no number of theirs is one of ours."""
    image = {
        "payee_no": f"9{int(look.chance('payee', what.partition('/')[0]) * 10**7):07d}", "amount": amount,
        "pay_on": Uncertain.on(on or pay_day(look.on)), "budget_code": budget,
    }  # fmt: skip
    return keep(look, f"{system}.disbursement", f"{system}/D-{serial(f'{system}/{what}')}", image)


def payments(entity: str, share: float, most: int, budget: str) -> Chore:
    """What some of those entitled are paid back: on every open day of a few, always of one."""
    system = entity.partition(".")[0]

    def chore(look: Look) -> Sequence[Say]:
        if not busy(look, f"{system}.disbursement"):
            return []
        stands = [fact.image for fact in look.facts(entity)]
        paid = ranked(look, stands, "pay", str(look.on))[: max(1, round(share * len(stands)))]
        return [
            say
            for image in paid
            for say in pay(look, system, f"{image['person']}/{look.on}", _amount(look, image, most), budget)
        ]

    return chore


def _amount(look: Look, image: Row, most: int) -> int:
    return int((0.05 + 0.95 * look.chance("amount", image["person"], str(look.on)) ** 2) * most) // 10 * 10
