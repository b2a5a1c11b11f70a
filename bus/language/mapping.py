"""What does a manifest mean for one event? Said twice: clearly (project) and compiled; tests hold the two equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, Final, NamedTuple

from bus.change import Append, Change, Keep, Row
from bus.errors import BusError, Reject, Undecided
from bus.event import BARE, DATA, Event
from bus.language.record import day_of, record_type, value_at
from bus.language.rules import Rule
from bus.language.words import (
    DIRECT,
    ENVELOPE,
    ID,
    KEY,
    KIND,
    MODE,
    REASON,
    RECORDED,
    SUPERSEDES,
    VALUES,
    Code,
    Decide,
    Envelope,
    Field,
    Plan,
    Value,
    Word,
)
from bus.reading.law import Law

SUPERSEDING: Final = ("CORRECT", "ANNUL", "CLOCK")
RETOLD: Final = ("RESYNC",)  # says again what was said: asks for nothing anew
TAKES_BACK: Final = ("CLOCK",)  # … nor does this kind where it supersedes: the day had not come, after all


# The record of somebody who is another one now (TOGO, FUBAN_KAE): nothing is kept under it but who that is. Every
# department that is granted the field gets this for nothing, so that no manifest can forget it.
MERGED: Final = "identity.merged_into"
ALIAS: Final = "bus_alias"
_MAY_PART: Final = ("IDENTITY", "ANNUL", "CORRECT", "RESYNC")  # kinds after which somebody may be himself again


class Projected(NamedTuple):
    """What an event asks of a department's database, and why a person has to look at it."""

    changes: list[Change]
    reviews: list[str]


class Case:
    """One event before the rules: each rule is asked once, however many tables need it."""

    __slots__ = ("answers", "law", "on", "record")

    def __init__(self, record: Any, on: date, law: Any) -> None:
        self.record = record
        self.on = on
        self.law = law
        self.answers: dict[str, Any] = {}

    def ask(self, rule: Rule) -> Any:
        if rule.name not in self.answers:
            self.answers[rule.name] = self._ask(rule)
        return self.answers[rule.name]

    def _ask(self, rule: Rule) -> Any:
        try:
            return rule.answer(self.record, self.on, self.law)
        except Undecided as undecided:
            raise Undecided(f"{rule.name}: {undecided.message}", code=undecided.code) from None
        except BusError as error:
            error.where = error.where or f"rule {rule.name}"
            error.code = "RULE" if error.code == Reject.code else error.code
            raise
        except Exception as error:  # noqa: BLE001  # that event's fault (house 3.6); its text may hold a value
            raise Reject(f"raised {type(error).__name__}", code="RULE", where=f"rule {rule.name}") from None


# Said clearly


def project(plans: Sequence[Plan], case: Case, event: Event, *, aliased: bool = False) -> Projected:
    """`aliased`: the department is told who is another one now."""
    changes: list[Change] = []
    reviews: list[str] = []
    survivor = value_at(event.data, MERGED) if aliased else None
    for plan in plans:
        if plan.kept:
            change = Keep(plan.table, event.key) if survivor else _kept(plan, case, event, reviews)
        else:
            change = _appended(plan, case, event, reviews)
        if change is not None:
            changes.append(change)
    if aliased and (alias := _alias(event.key, survivor, event.kind)):
        changes.append(alias)
    return Projected(changes, list(dict.fromkeys(reviews)))


def _alias(key: str, survivor: str | None, kind: str) -> Change | None:
    if survivor:
        return Keep(ALIAS, key, ((key, survivor),))
    return Keep(ALIAS, key) if kind in _MAY_PART else None


def _kept(plan: Plan, case: Case, event: Event, reviews: list[str]) -> Change | None:
    """The rows of the person as the present image has them; as they were (None) when a rule cannot tell."""
    try:
        if plan.only_if and not case.ask(plan.only_if):
            return Keep(plan.table, event.key)
        if plan.rows:
            return Keep(plan.table, event.key, tuple((event.key, *row) for row in case.ask(plan.rows)))
        return Keep(plan.table, event.key, ((event.key, *(cell(word, case, event) for word in plan.words)),))
    except Undecided as undecided:
        reviews.append(undecided.message)
        return None


def _appended(plan: Plan, case: Case, event: Event, reviews: list[str]) -> Change | None:
    """A row for a reason in `from`; else one that follows that of the event it corrects or annuls, if there."""
    try:
        anew = event.reason in plan.reasons and not _is_old(event.kind, event.supersedes)
        if anew and (not plan.only_if or case.ask(plan.only_if)):
            cells = [cell(word, case, event) for word in plan.words]
            return Append(plan.table, (event.id, event.kind, event.supersedes, *cells))
    except Undecided as undecided:
        reviews.append(undecided.message)
    if event.supersedes is None or event.kind not in SUPERSEDING:
        return None
    cells = [_cell_or_blank(word, case, event) for word in plan.words]
    return Append(plan.table, (event.id, event.kind, event.supersedes, *cells), follows=event.supersedes)


def _is_old(kind: str, supersedes: str | None) -> bool:
    return kind in RETOLD or (kind in TAKES_BACK and supersedes is not None)


def _cell_or_blank(word: Word, case: Case, event: Event) -> Any:
    """An annulment is told even when a rule cannot decide on what is left; nobody has to, then."""
    try:
        return cell(word, case, event)
    except Undecided:
        return None


def cell(word: Word, case: Case, event: Event) -> Any:
    match word:
        case Field(path):
            return value_at(event.data, path)
        case Envelope(name):
            return ENVELOPE[name][1](event)
        case Decide(rule):
            return case.ask(rule)
        case Value(value):
            return value
        case Code(path):
            return word.translate(value_at(event.data, path))


# Compiled


def compiled(
    plans: Sequence[Plan], paths: Sequence[str], rule_paths: Sequence[str], law: Law
) -> Callable[[Row], Projected]:
    """The same for the flat record of contract.decoder(paths): positions instead of names, no look-up twice."""
    positions = {path: VALUES + index for index, path in enumerate(paths)}
    record = record_type({path: positions[path] for path in rule_paths})
    merged = positions.get(MERGED)
    kept = tuple(plan.table for plan in plans if plan.kept) + ((ALIAS,) if merged is not None else ())
    direct = all(plan.only_if is None and plan.rows is None and _is_direct(plan.words) for plan in plans)
    steps: list[Callable[[Row, Case | None, list[str]], Change | None]] = [
        (_keep_step if plan.kept else _append_step)(plan, positions) for plan in plans
    ]

    def plan_row(row: Row) -> Projected:
        if row[MODE] != DATA:
            return Projected([] if row[MODE] == BARE else [Keep(table, row[KEY]) for table in kept], [])
        on = None if direct else day_of(row[RECORDED])
        case = None if on is None else Case(record(row), on, law.on(on))
        reviews: list[str] = []
        if merged is not None and row[merged]:
            return _of_another(row, row[merged], case, reviews)
        changes = [change for step in steps if (change := step(row, case, reviews)) is not None]
        if merged is not None and row[KIND] in _MAY_PART:
            changes.append(Keep(ALIAS, row[KEY]))
        return Projected(changes, list(dict.fromkeys(reviews)) if reviews else reviews)

    def _of_another(row: Row, survivor: str, case: Case | None, reviews: list[str]) -> Projected:
        changes: list[Change] = []
        for one, step in zip(plans, steps, strict=True):
            change = Keep(one.table, row[KEY]) if one.kept else step(row, case, reviews)
            if change is not None:
                changes.append(change)
        return Projected([*changes, Keep(ALIAS, row[KEY], ((row[KEY], survivor),))], list(dict.fromkeys(reviews)))

    def plan(row: Row) -> Projected:
        try:
            return plan_row(row)
        except Reject as reject:
            raise located(reject, row[ID]) from None

    return plan


def located(reject: Reject, event_id: str) -> Reject:
    where = f"{reject.where}, event {event_id}" if reject.where else f"event {event_id}"
    return Reject(reject.message, code=reject.code, where=where, hint=reject.hint)


def mirrored(plans: Sequence[Plan]) -> tuple[str, ...] | None:
    """The paths in the narrowed record, by column behind the key, if all that is done is to keep one row of them."""
    if len(plans) != 1 or not plans[0].kept or plans[0].only_if is not None or plans[0].rows is not None:
        return None
    found: list[str] = []
    for word in plans[0].words:
        match word:
            case Field(path):
                found.append(f"body.data.{path}")
            case Envelope("protected"):
                found.append("body.protected")
            case _:
                return None
    return tuple(found) if len(set(found)) == len(found) else None


def _is_direct(words: Sequence[Word]) -> bool:
    return not any(isinstance(word, Decide) for word in words)


def _position(word: Word, positions: Mapping[str, int]) -> int | None:
    """Where the cell stands in the record as it is, if it does."""
    match word:
        case Field(path):
            return positions[path]
        case Envelope(name):
            return DIRECT.get(name)
    return None


def _getter(word: Word, positions: Mapping[str, int]) -> Callable[[Row, Any], Any]:
    match word:
        case Decide(rule):
            return lambda _, case: case.ask(rule)
        case Value(value):
            return lambda *_: value
        case Code(path):
            at, translate = positions[path], word.translate
            return lambda row, _: translate(row[at])
        case Envelope(name):
            of_row = ENVELOPE[name][2]
            return lambda row, _: of_row(row)
        case Field(path):
            at = positions[path]
            return lambda row, _: row[at]


def _picker(words: Sequence[Word], positions: Mapping[str, int], head: tuple[int, ...]) -> Callable[[Row, Any], Row]:
    """record, case -> the table's row: one itemgetter, over the record with what had to be computed put behind it."""
    computed: list[Callable[[Row, Any], Any]] = []
    wanted = list(head)
    behind = VALUES + len(positions)
    for word in words:
        at = _position(word, positions)
        if at is None:
            at = behind + len(computed)
            computed.append(_getter(word, positions))
        wanted.append(at)
    pick: Callable[[Row], Row] = itemgetter(*wanted) if len(wanted) > 1 else lambda row: (row[wanted[0]],)
    if not computed:
        return lambda row, _: pick(row)
    return lambda row, case: pick((*row, *[one(row, case) for one in computed]))


def _keep_step(plan: Plan, positions: Mapping[str, int]) -> Callable[[Row, Any, list[str]], Change | None]:
    table, only_if, rows = plan.table, plan.only_if, plan.rows
    pick = _picker(plan.words, positions, (KEY,))

    def step(row: Row, case: Any, reviews: list[str]) -> Change | None:
        try:
            if only_if is not None and not case.ask(only_if):
                return Keep(table, row[KEY])
            if rows is not None:
                return Keep(table, row[KEY], tuple((row[KEY], *one) for one in case.ask(rows)))
            return Keep(table, row[KEY], (pick(row, case),))
        except Undecided as undecided:
            reviews.append(undecided.message)
            return None

    return step


def _append_step(plan: Plan, positions: Mapping[str, int]) -> Callable[[Row, Any, list[str]], Change | None]:
    table, only_if, reasons = plan.table, plan.only_if, plan.reasons
    pick = _picker(plan.words, positions, (ID, KIND, SUPERSEDES))
    one_by_one = [_getter(word, positions) for word in plan.words]

    def follow(row: Row, case: Any) -> Change:
        cells: list[Any] = []
        for getter in one_by_one:
            try:
                cells.append(getter(row, case))
            except Undecided:
                cells.append(None)
        return Append(table, (row[ID], row[KIND], row[SUPERSEDES], *cells), follows=row[SUPERSEDES])

    def step(row: Row, case: Any, reviews: list[str]) -> Change | None:
        try:
            anew = row[REASON] in reasons and not _is_old(row[KIND], row[SUPERSEDES])
            if anew and (only_if is None or case.ask(only_if)):
                return Append(table, pick(row, case))
        except Undecided as undecided:
            reviews.append(undecided.message)
        if row[SUPERSEDES] is None or row[KIND] not in SUPERSEDING:
            return None
        return follow(row, case)

    return step
