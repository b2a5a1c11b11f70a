"""What does a line of matrix.yaml mean: who is there, what happens, and which letter has to be read from the answer?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from ruamel.yaml import YAML

from bus.dates import JAPAN, Uncertain
from bus.event import RESIDENT, Event
from bus.fact.decide import Rules, decide
from bus.fact.reasons import reasons
from bus.fact.say import Past, Present, Say
from bus.fact.shape import FactShape
from tests.register.ledger import SCHEMAS, Ledger

from .hall import CONTRACTS, FLEET, Heard

Cells = dict[str, Any]


def _plain(cell: Any) -> Any:
    """Days as a request has them: as text."""
    if isinstance(cell, Mapping):
        return {name: _plain(inner) for name, inner in cell.items()}
    if isinstance(cell, list):
        return [_plain(inner) for inner in cell]
    return cell.isoformat() if isinstance(cell, date) else cell


SAID = _plain(YAML(typ="safe").load(Path(__file__).with_name("matrix.yaml")))
DAY, EARLIER, ARRIVAL = date.fromisoformat(SAID["day"]), date(2026, 5, 10), date(2026, 4, 10)
NOT_HERE = "–"


class Case(NamedTuple):
    """One reason of a row, for one department, and the letter that is to be read."""

    row: str
    column: str
    entry: Mapping[str, Any]
    department: str
    letter: str

    @property
    def name(self) -> str:
        what = f" {self.entry['what']}" if "what" in self.entry else ""
        return f"{self.department}: {self.entry['reason']}{what}: {self.letter}"


def cells() -> dict[tuple[str, str], str]:
    """(row, column) -> as it is written."""
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in SAID["matrix"].splitlines()]
    (_, *columns), *rows = lines
    return {(row, column): cell for row, *given in rows for column, cell in zip(columns, given, strict=True)}


def cases() -> Iterator[Case]:
    """Of every connector there is."""
    written = cells()
    for (row, column), cell in written.items():
        for entry in SAID["rows"][row]:
            if "where" in entry and written[entry["where"], column] == "·":
                continue  # who was told nothing has nothing to take back
            letters = cell.split("/")
            letter = letters[min(entry.get("place", 1), len(letters)) - 1]
            for department in SAID["columns"][column]:
                if department in FLEET and department in SAID["departments"] and letter != NOT_HERE:
                    yield Case(row, column, entry, department, letter)


def reading(case: Case) -> Mapping[str, Any] | None:
    """Does the department read this cell otherwise?"""
    for one in SAID["readings"]:
        fits = case.row == one["row"] and case.column == one["column"]
        if fits and case.entry["reason"] in one.get("reasons", [case.entry["reason"]]):
            return one
    return None


# Who is there, and what happens


class Scene(NamedTuple):
    said: tuple[Event, ...]  # of the person, or fact, before
    last: Event
    key: str
    entity: str = RESIDENT


def scene(entry: Mapping[str, Any], person: Mapping[str, Any]) -> Scene:
    return _scene(json.dumps(entry), json.dumps(person))


@cache
def _scene(entry: str, person: str) -> Scene:
    told = json.loads(entry)
    return _of_fact(told) if "of" in told else _of_resident(told, json.loads(person))


def _of_resident(entry: Mapping[str, Any], person: Mapping[str, Any]) -> Scene:
    town = Town(entry, person)
    for act in entry.get("first", ()):
        town.do(act, EARLIER)
    if "clock" in entry:
        last = _by_calendar(town.events["subject"][-1], entry["clock"])
        return Scene(tuple(town.events["subject"]), last, last.key)
    town.do(entry["act"], DAY)
    *said, last = town.events["subject"]
    assert last.reason == entry["reason"], f"{entry['reason']} says nothing of the person"
    return Scene(tuple(said), last, last.key)


def _by_calendar(event: Event, duty: str) -> Event:
    """The present version once more, as the clock says it."""
    more = {"before": event.data, "before_recorded": event.recorded, "supersedes": None, "undoes": ()}
    when = {"recorded": _at(DAY, 0), "effective": Uncertain.on(DAY)}
    return replace(event, id=str(uuid4()), kind="CLOCK", reason=duty, **when, **more)


def _at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), JAPAN).astimezone(UTC)


class Town:
    """The people of matrix.yaml, on a register in memory; what is said of each."""

    def __init__(self, entry: Mapping[str, Any], person: Mapping[str, Any]) -> None:
        self.ledger, self.keys, self.events = Ledger(), dict[str, str](), dict[str, list[Event]]()
        self.acts: list[list[Event]] = []
        self.person = person
        given = SAID["town"]
        who = SAID["people"][person["who"]]
        self.cells: Cells = {**given["subject"], **who, **entry.get("before", {}), **person.get("before", {})}
        reason = next((name for name in entry.get("act", ()) if name.isupper()), None)
        arrives = entry.get("newborn") or entry.get("newcomer") or reason in ("TENNYU", "SHOKKEN_KISAI")
        family = {"father": given["father"], "mother": given["mother"]} | ({} if arrives else {"subject": self.cells})
        for members in (family, {"neighbour": given["neighbour"]}):
            act = {
                "TENNYU": {name: {**given["address"], **cells} for name, cells in members.items()},
                "household": "new",
            }
            self.do(act, ARRIVAL)
        self.acts.clear()
        self.newborn = bool(entry.get("newborn"))

    def do(self, act: Mapping[str, Any], day: date) -> None:
        """{REASON: {who: cells}, household:, effective:, annuls:, on:}"""
        reason = next(name for name in act if name.isupper())
        more: Cells = {}
        if "household" in act:
            household = act["household"]
            more["household"] = "new" if household == "new" else self.ledger.image(self.keys[household])["household.no"]
        if "annuls" in act:
            more["supersedes"] = self.acts[act["annuls"] - 1][0].id
        persons = [
            {"key": self.keys.get(who), "set": self._says(reason, who, said)} for who, said in act[reason].items()
        ]
        day = date.fromisoformat(act.get("on", day.isoformat()))
        self.ledger.now = _at(day)
        effective = act.get("effective", None if "annuls" in act else day.isoformat())
        made = self.ledger.enter(reason, effective, persons, **more)
        fresh = iter(event.key for event in made if event.version == 1)
        self.keys |= {who: next(fresh) for who in act[reason] if who not in self.keys}
        names = {key: who for who, key in self.keys.items()}
        for event in made:
            self.events.setdefault(names[event.key], []).append(event)
        self.acts.append([event for event in made if names[event.key] == "subject"] or made)

    def _says(self, reason: str, who: str, said: Any) -> Cells:
        if said == "another_head":
            said = SAID["another_head"][self.person["who"]]
        if who != "subject":
            return dict(said)
        more = self.person.get("says", {}).get(reason, {})
        if "subject" in self.keys or reason == "SHUSSEI":
            return {**said, **more}
        return {**SAID["town"]["address"], **self.cells, **said, **more}


def _of_fact(entry: Mapping[str, Any]) -> Scene:
    entity = entry["of"]
    shape, key = FactShape(CONTRACTS.canonical(entity).image), f"{entity.partition('.')[0]}/1"
    rules = Rules(shape, reasons(SCHEMAS))
    present: Present | None = None
    pasts: list[Past] = []
    events: list[Event] = []
    for number, act in enumerate([*entry.get("first", ()), entry["act"]]):
        ((reason, image),) = act.items()
        say = Say(entity, key, reason, image, DAY.isoformat())
        decided = decide(rules, present, pasts, say, _at(DAY, 9 + number), str(uuid4()))
        assert decided is not None
        event = decided.event
        present = Present(event.version, decided.after, event.recorded)
        events.append(event)
    return Scene(tuple(events[:-1]), events[-1], key, entity)


# Which letter is that?


def faults(case: Case, heard: Heard, here: Scene, letter: str) -> list[str]:
    """Why the answer is not this letter; `A+G` is both."""
    letters = letter.rstrip("*").split("+")
    asking = [one for one in letters if one not in ("·", "A", "N", "S")]
    answering = [table for one in asking for kind in re.findall(r"[GLHV]", one) for table in _described(case, kind)]
    wrong = [what for one in letters if one in ("A", "N", "S") for what in _shown(case, heard, here, one)]
    asked = _asked(heard, answering)
    right = {name: rows for name, rows in asked.items() if name in answering}
    if asking and sum(map(len, right.values())) != 1:
        wrong.append(f"{letter}: {[(name, len(rows)) for name, rows in right.items()] or 'no row'} in {answering}")
    wrong += [f"{name}: {len(rows)} rows more" for name, rows in asked.items() if name not in answering]
    wrong += [f"{name}: of another event" for name, rows in right.items() if rows[0]["event_id"] != here.last.id]
    if case.entry.get("leaves_nobody"):
        wrong += [f"{name}: of nobody" for name in heard.rows(here.key)]
    if "L" in letters and here.entity == RESIDENT:
        left = set(heard.rows(here.key)) - set(_described(case, "ends"))
        wrong += [f"{name}: still kept" for name in sorted(left)]
    return wrong


def _described(case: Case, what: str) -> list[str]:
    return SAID["departments"][case.department].get(what, [])


def _asked(heard: Heard, answering: list[str]) -> dict[str, list[Cells]]:
    """The rows more, without those that take back what the undone event had asked for, unless they are all there is."""
    found, back = {}, {}
    for name, rows in heard.new().items():
        before = {row["event_id"] for row in heard.before.tables[name]}
        for row in rows:
            kind = back if row["supersedes"] is not None and row["supersedes"] in before else found
            kind.setdefault(name, []).append(row)
    if any(name in answering for name in found):
        return found
    return found | {name: rows for name, rows in back.items() if name in answering}


def _shown(case: Case, heard: Heard, here: Scene, letter: str) -> list[str]:
    was, now = heard.rows(here.key, after=False), heard.rows(here.key)
    if letter == "S":
        return _hidden(case.entry, was, now)
    key = here.last.data["person"] if here.entity != RESIDENT else None
    new, old = ([key if one == "subject" else one for one in case.entry.get(name, ())] for name in ("new", "old"))
    columns = _described(case, letter)
    place = {name: [str(row.get(column)) for row in now.get(table, ()) for table_, column in [name.split(".")]]
             for name in columns for table in [name.partition(".")[0]]}  # fmt: skip
    wrong = []
    if new and not any(value in cell for value in new for shown in place.values() for cell in shown):
        wrong.append(f"{letter}: {new} stands in none of {place}")
    if not new:  # that something is gone says little where it never was
        wrong += [f"{letter}: {value} stood nowhere before" for value in old[:1] if value not in _text(was)]
    return wrong + [f"{letter}: {value} is still there" for value in old if value in _text(now)]


def _hidden(entry: Mapping[str, Any], was: Any, now: Any) -> list[str]:
    wrong = []
    for rows, hidden in ((was, not entry["hides"]), (now, entry["hides"])):
        when = "after" if rows is now else "before"
        flags = {row["protected"] for kept in rows.values() for row in kept if "protected" in row}
        if flags != {hidden}:
            wrong.append(f"S: protected is {flags or 'nowhere'} {when} it")
    wrong += [f"S: {value} is shown" for value in entry.get("old", ()) if value in _text(now)]
    return wrong + [f"S: {value} is not shown again" for value in entry.get("new", ()) if value not in _text(now)]


def _text(rows: Mapping[str, list[Cells]]) -> str:
    return "\n".join(str(cell) for kept in rows.values() for row in kept for cell in row.values())
