"""Whatever happens in a town, and in whatever order it arrives: does every department hold what it ought to?

The lives are made by the rules of the register, of facts and of the calendar (lives.py, facts.py); the fleet is
discovered. 40 towns of some five people for each property, 2,000 towns with --full.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from .hall import CITY
from .properties import PROPERTIES

SEEDS = st.integers(min_value=0, max_value=2**32)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", PROPERTIES, ids=lambda wrong: wrong.__name__)
def test_every_department_holds_what_it_ought_to(wrong, request):
    towns = 2_000 if request.config.getoption("--full") else 40

    @settings(max_examples=towns, deadline=None, suppress_health_check=list(HealthCheck))
    @given(SEEDS)
    def holds(seed: int) -> None:
        found = {name: what for name, what in wrong(seed, CITY).items() if what}
        assert found == {}, f"town {seed}"

    holds()
