"""Is a department where it was before what never was? Kept rows are as before; what was appended is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from bus.connector.manifest import Connector
from bus.event import RESIDENT, Event
from tests.register.ledger import REASONS

from .lives import HOUSEHOLDS, Lives
from .spoken import Said, State

EVENT_ID, SUPERSEDES = 0, 2  # of an appended row


class Undone(NamedTuple):
    """What was said before an act; the same, said again on its day, for age goes on; with the act and its annulment."""

    before: Said
    again: Said
    after: Said
    act: Iterable[Event]
    by: Iterable[Event]


def undone(lives: Lives) -> Undone | None:
    """One more act, of a kind that can be annulled, and its annulment at once. None: there was none."""
    for _ in range(10):
        told = list(lives.said)
        act = lives.one()
        if act and act[0].kind not in ("ANNUL", "IDENTITY") and REASONS[act[0].reason].reverse:
            by = lives.annul(act[0])
            if by:
                break
    else:
        return None
    keys = dict.fromkeys(event.key for event in (*act, *by))
    after = [*told, *((RESIDENT, event) for event in (*act, *by))]
    lives.said = told
    once_more = [one for key in keys if (one := lives.again(RESIDENT, key, act[0].recorded))]
    again = [*told, *((RESIDENT, event) for event in once_more)]
    return Undone(*([one for one in said if one[0] != HOUSEHOLDS] for said in (told, again, after)), act, by)


def undone_fact(lives: Lives) -> Undone | None:
    told, moment = list(lives.said), lives.ledger.now + timedelta(minutes=1)
    event = undo = None
    for _ in range(12):
        entity = lives.chance.choice(lives.speakers)
        reason = lives.chance.choice(["KETTEI", "HENKO", "HENKO", "SHURYO"])
        event = lives.facts.one(entity, moment, lives.people(), reason)
        undo = event and lives.facts.annul(entity, event, moment)
        if event:
            break
    if event is None or undo is None:
        return None
    once_more = lives.again(entity, event.key, moment)
    again = [*told, *([(entity, once_more)] if once_more else [])]
    return Undone(told, again, [*told, (entity, event), (entity, undo)], [event], [undo])


def not_restored(connector: Connector, done: Undone, before: State, again: State, after: State) -> list[str]:
    """A row is as it was, or as it is on that day. Where a rule cannot tell, a person is asked, and the row waits."""
    wrong = []
    acted = {event.id for event in done.act}
    undoing = {event.id for event in done.by}
    asked_about = {key for _, key, event, _ in after.reviews if event in undoing}
    plans = [plan for view in connector.views.values() for plan in view.plans]
    answering = {plan.table for plan in plans if plan.reasons & {event.reason for event in done.by}}
    for table in connector.tables:
        was, now = before.tables[table.name], after.tables[table.name]
        if table.kept:
            then = again.tables[table.name]
            keys = {row[0] for row in (*was, *then, *now)} - asked_about
            fits = all(_of(now, key) in (_of(was, key), _of(then, key)) for key in keys)
            wrong += [] if fits else [f"{table.name} is not as before"]
            continue
        new = [row for row in now if row not in was]
        asked = {row[EVENT_ID] for row in new if row[EVENT_ID] in acted}
        back = {row[SUPERSEDES] for row in new if row[SUPERSEDES] in acted}
        if not set(was) <= set(now):
            wrong.append(f"{table.name}: a row is gone")
        if not (asked == back or (table.name in answering and asked <= back)) or len(new) != len(asked) + len(back):
            wrong.append(f"{table.name}: what was appended is not taken back")
    return wrong


def _of(rows: tuple, key: str) -> list:
    return [row for row in rows if row[0] == key]
