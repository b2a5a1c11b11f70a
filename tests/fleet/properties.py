"""What has to be so of every department, whatever happened in a town? Each answers who is wrong, and in what."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from bus.store import Applied

from .hall import Hall
from .lives import Lives
from .restored import not_restored, undone, undone_fact
from .spoken import apply, broken, clean, expected, intake, shuffled, state, tell

ACTS = 10
Wrong = dict[str, list[Any]]  # department -> what is wrong there
Property = Callable[[int, Hall], Wrong]


def any_order_of_delivery_leaves_what_the_order_of_speech_does(seed: int, hall: Hall) -> Wrong:
    heard, chance = tell(Lives(seed).play(ACTS).said, hall), Random(seed)
    return {
        name: state(name, apply(name, shuffled(records, chance), hall), hall).differs(clean(name, records, hall))
        for name, records in heard.items()
    }


def a_record_that_comes_after_its_next_one_is_waited_for(seed: int, hall: Hall) -> Wrong:
    heard, chance = tell(Lives(seed).play(ACTS).said, hall), Random(seed)
    found: Wrong = {}
    for name, records in heard.items():
        batches, late = broken(intake(name, hall), records, chance)
        total = Applied()
        found[name] = list(state(name, apply(name, batches, hall, total), hall).differs(clean(name, records, hall)))
        gaps = [why.code for _, why in total.culprits].count("GAP")
        if gaps < late or total.released < late:
            found[name].append(f"{gaps} of {late} gaps were seen, {total.released} filled")
    return found


def an_event_and_its_annulment_leave_what_was_before(seed: int, hall: Hall) -> Wrong:
    lives = Lives(seed).play(ACTS - 4)
    done = undone(lives) if seed % 3 else undone_fact(lives)
    if done is None:
        return {}
    heard = [tell(said, hall) for said in (done.before, done.again, done.after)]
    return {
        name: not_restored(hall.connector(name), done, *(clean(name, records[name], hall) for records in heard))
        for name in hall.names
    }


def what_is_recomputed_at_the_sources_is_what_the_way_led_to(seed: int, hall: Hall) -> Wrong:
    said = Lives(seed).play(ACTS).said
    heard = tell(said, hall)
    return {name: expected(name, said, apply(name, [records], hall), hall) for name, records in heard.items()}


PROPERTIES: tuple[Property, ...] = (
    any_order_of_delivery_leaves_what_the_order_of_speech_does,
    a_record_that_comes_after_its_next_one_is_waited_for,
    an_event_and_its_annulment_leave_what_was_before,
    what_is_recomputed_at_the_sources_is_what_the_way_led_to,
)
