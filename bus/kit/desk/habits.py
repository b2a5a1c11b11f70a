"""What do all offices do alike? How a fact should be, its end, its correction; whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import Look
from bus.town.stories.counter import is_open

T = TypeVar("T")
Row = Mapping[str, Any]


def keep(look: Look, entity: str, key: str, image: Row, since: date | None = None) -> list[Say]:
    """The fact begins if it does not stand, and else is amended; where nothing differs, the book says nothing."""
    reason = "HENKO" if look.fact(entity, key) else "KETTEI"
    return [Say(entity, key, reason, image, Uncertain.on(since or look.on))]


def amend(look: Look, entity: str, key: str, image: Row, since: date | None = None) -> list[Say]:
    return keep(look, entity, key, image, since) if look.fact(entity, key) else []


def end(look: Look, entity: str, key: str, image: Row | None = None, since: date | None = None) -> list[Say]:
    if look.fact(entity, key) is None:
        return []
    return [Say(entity, key, "SHURYO", image or {}, Uncertain.on(since or look.on))]


def correct(look: Look, entity: str, key: str, image: Row) -> list[Say]:
    """What the fact should have said from its beginning on."""
    began = beginning(look, entity, key)
    return [Say(entity, key, "TEISEI", image, supersedes=began)] if began else []


def withdraw(look: Look, entity: str, key: str) -> list[Say]:
    """It never was."""
    began = beginning(look, entity, key)
    return [Say(entity, key, "TORIKESHI", supersedes=began)] if began else []


def beginning(look: Look, entity: str, key: str) -> str | None:
    """The id of the event with which a fact that stands began."""
    if look.fact(entity, key) is None:
        return None
    return next((e.id for e in reversed(look.book.history(entity, key)) if e.kind == "REGISTER"), None)


def known(look: Look, entity: str) -> set[str]:
    """The keys of all that was ever said, so that what was taken back is not said again by itself."""
    return {fact.key for fact in look.book.find(entity)}


def draw(look: Look, things: Iterable[T], name: Callable[[T], str], *salt: str) -> T | None:
    """One of them; another one every day."""
    return min(things, key=lambda thing: look.chance(str(look.on), *salt, name(thing)), default=None)


def busy(look: Look, entity: str) -> bool:
    """Does the office work? On an open day; until something is said on any, for a town may begin on a Sunday."""
    return is_open(look.on) or not look.book.find(entity)


def fiscal_year(on: date) -> int:
    return on.year if on.month >= 4 else on.year - 1


def day(value: Any) -> date | None:
    """Of a row's column, where it is a certain one."""
    if isinstance(value, date):
        return value
    found = value if isinstance(value, Uncertain) else Uncertain.parse(str(value)) if value else None
    return found.earliest if found is not None and found.is_certain else None


def age(row: Row, on: date) -> int | None:
    """In years, of whom it is known when they were born."""
    born = day(row.get("born"))
    return None if born is None else on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def number(addressee: str) -> str:
    """宛名番号: of whom is not on the register, without the name of the system that keeps it."""
    return addressee.rpartition("/")[2]


def told(look: Look, department: str, entity: str, *, ended: bool = False) -> Iterator[Row]:
    """What another department says, as people outside know it by the slip in their hands; `ended`: also what was so."""
    for row in look.world[department].find("bus_fact", entity=entity) if department in look.world else ():
        if row["image"] and (ended or row["image"]["active"]):
            yield {"key": row["key"], **row["image"]}


def heir(look: Look, person: str) -> str | None:
    """Who of the household reports as an heir: its oldest other grown-up."""
    taxpayers = look.world.get("kojin_juminzei")
    for dead in taxpayers.find("taxpayers", person=person) if taxpayers else ():
        family = taxpayers.find("taxpayers", household=dead["household"], state="住民") if taxpayers else ()
        grown = [one for one in family if one["person"] != person and (age(one, look.on) or 0) >= 18]
        oldest = min(grown, key=lambda one: (str(one["born"]), str(one["person"])), default=None)
        return str(oldest["person"]) if oldest else None
    return None


def levy(
    look: Look, system: str, subject: str, year: int, amount: int, *, due: date, terms: int = 1,
    notice_to: str | None = None, collection: str = "F",
) -> list[Say]:  # fmt: skip
    """What somebody owes for a year. `notice_to`: who gets the letters, where that is somebody else."""
    image = {
        "subject": subject, "year": str(year), "amount": amount, "terms": terms, "due_on": Uncertain.on(due),
        "notice_to": notice_to or subject, "collection": collection,
    }  # fmt: skip
    return keep(look, f"{system}.assessment", f"{system}/{subject}/{year}", image)
