"""Whatever happens in a town, and in whatever order it arrives: does every department hold what it ought to?

The lives are made by the rules of the register, of facts and of the calendar (lives.py); the fleet is discovered. 40
towns of some five people for each property, 2,000 with --full.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from bus.store import Applied

from .hall import FLEET
from .lives import Lives
from .restored import not_restored, undone, undone_fact
from .spoken import apply, broken, clean, expected, shuffled, state, tell

SEEDS = st.integers(min_value=0, max_value=2**32)
ACTS = 10
Wrong = dict[str, list]


@pytest.fixture
def every_life(request) -> Callable[[Callable[[int], Wrong]], None]:
    """every_life(wrong) -> `wrong(seed)` is empty, whatever the seed."""
    towns = 2_000 if request.config.getoption("--full") else 40

    def hold(wrong: Callable[[int], Wrong]) -> None:
        @settings(max_examples=towns, deadline=None, suppress_health_check=list(HealthCheck))
        @given(SEEDS)
        def holds(seed: int) -> None:
            found = {name: what for name, what in wrong(seed).items() if what}
            assert found == {}, f"town {seed}"

        holds()

    return hold


@pytest.mark.slow
def test_any_order_of_delivery_leaves_what_the_order_of_speech_does(every_life):
    def wrong(seed: int) -> Wrong:
        heard, chance = tell(Lives(seed).play(ACTS).said), Random(seed)
        return {
            name: state(name, apply(name, shuffled(heard[name], chance))).differs(clean(name, heard[name]))
            for name in FLEET
        }

    every_life(wrong)


@pytest.mark.slow
def test_a_record_that_comes_after_its_next_one_is_waited_for(every_life):
    def wrong(seed: int) -> Wrong:
        heard, chance = tell(Lives(seed).play(ACTS).said), Random(seed)
        return {name: waited(name, heard[name], chance) for name in FLEET}

    every_life(wrong)


def waited(name, records, chance) -> list:
    batches, late = broken(name, records, chance)
    total = Applied()
    differs = state(name, apply(name, batches, total)).differs(clean(name, records))
    gaps = [why.code for _, why in total.culprits].count("GAP")
    return differs + ([] if (gaps, total.released) >= (late, late) else [f"{gaps} of {late} gaps were seen"])


@pytest.mark.slow
def test_an_event_and_its_annulment_leave_what_was_before(every_life):
    def wrong(seed: int) -> Wrong:
        lives = Lives(seed).play(ACTS - 4)
        done = undone(lives) if seed % 3 else undone_fact(lives)
        if done is None:
            return {}
        heard = [tell(said) for said in (done.before, done.again, done.after)]
        return {name: not_restored(name, done, *(clean(name, records[name]) for records in heard)) for name in FLEET}

    every_life(wrong)


@pytest.mark.slow
def test_what_is_recomputed_at_the_sources_is_what_the_way_led_to(every_life):
    def wrong(seed: int) -> Wrong:
        said = Lives(seed).play(ACTS).said
        heard = tell(said)
        return {name: expected(name, said, apply(name, [heard[name]])) for name in FLEET}

    every_life(wrong)
