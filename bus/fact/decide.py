"""Which event follows from what a department says of a fact?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import Event
from bus.fact.fold import fold, line, named, undone
from bus.fact.reasons import Reason
from bus.fact.say import Past, Present, Say
from bus.fact.shape import ACTIVE, FactShape, Flat, is_protected


class Decided(NamedTuple):
    event: Event
    after: Flat
    said: Flat


@dataclass(frozen=True, slots=True)
class Rules:
    shape: FactShape
    reasons: Mapping[str, Reason]


def decide(
    rules: Rules, present: Present | None, pasts: Sequence[Past], say: Say, recorded: datetime, new_id: str
) -> Decided | None:
    """The event, or None where nothing would change. Raises Reject; `pasts` is asked for corrections alone."""
    say.check()
    reason = rules.reasons.get(say.reason)
    if reason is None:
        raise Reject("there is no such reason", code="REASON", where="reason")
    target, said = None, _said(rules, reason, present, say)
    if reason.names_another:
        target = named(say.supersedes, pasts, annuls=reason.annuls)
        if reason.corrects and said is not None and _is_said(said, target, pasts):
            return None
    elif say.supersedes is not None:
        raise Reject("this reason names no other event", code="CORRECTION_TARGET", where="supersedes")
    if said is None:
        return None
    effective = say.when() or (target.effective if target else None)
    if effective is None:
        raise Reject("since when?", code="NO_EFFECTIVE", where="effective")
    if target is None:
        after = {**(present.image if present else rules.shape.blank()), **said}
    else:
        before = present.image if present else None
        now = Past(new_id, reason.kind, target.id, effective, said, before, before or {})
        after = fold([*pasts, now], rules.shape.blank())
    return Decided(_event(rules, reason, present, say, after, (recorded, new_id, effective), _undoes(target, pasts)),
                   after, said)  # fmt: skip


def _said(rules: Rules, reason: Reason, present: Present | None, say: Say) -> Flat | None:
    """What is said, in full; None: nothing new."""
    given = say.values(rules.shape)
    if reason.kind == "REGISTER":
        return _begun(rules, present, given)
    if present is None:
        raise Reject("there is no such fact yet", code="FACT_UNKNOWN", where="key")
    if reason.annuls and given:
        raise Reject("an annulment says nothing but which event it annuls", code="FIELD", where="image")
    if reason.names_another:
        return given
    if not present.image[ACTIVE]:
        raise Reject("the fact has ended", code="FACT_ENDED", where="key")
    new = {path: value for path, value in given.items() if present.image[path] != value}
    if reason.kind == "AMEND":
        return new or None
    return {**new, ACTIVE: False}


def _begun(rules: Rules, present: Present | None, given: Flat) -> Flat | None:
    said = {**rules.shape.blank(), **given, ACTIVE: True}
    if present is None or not present.image[ACTIVE]:
        return said
    if present.image == said:
        return None  # said already
    raise Reject("the fact stands already, and says something else", code="FACT_STANDS", where="key")


def _is_said(given: Flat, target: Past, pasts: Sequence[Past]) -> bool:
    said: Flat = {}
    for one in line(target, pasts):
        said.update(one.said)
    return all(path in said and said[path] == value for path, value in given.items())


def _undoes(target: Past | None, pasts: Sequence[Past]) -> tuple[str, ...]:
    return undone(line(target, pasts)) if target else ()


def _event(
    rules: Rules, reason: Reason, present: Present | None, say: Say, after: Flat,
    stamp: tuple[datetime, str, Uncertain], undoes: tuple[str, ...],
) -> Event:  # fmt: skip
    recorded, new_id, effective = stamp
    return Event(
        id=new_id,
        kind=reason.kind,
        reason=reason.reason,
        key=say.key,
        version=present.version + 1 if present else 1,
        effective=effective,
        recorded=recorded,
        data=rules.shape.nested(after),
        supersedes=say.supersedes,
        protected=is_protected(after),
        before=rules.shape.nested(present.image) if present else None,
        before_recorded=present.recorded if present else None,
        undoes=undoes,
    )
