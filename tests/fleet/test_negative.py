"""Would the fleet's properties notice a department that looks past annulments? Three that do, each in another way."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.kit.fleet import report

from .hall import Hall
from .properties import PROPERTIES

NEGATIVE = Path(__file__).with_name("negative")
HALL = Hall(NEGATIVE / "topology.yaml", NEGATIVE)
TOWNS = 40
RESTORES = "an_event_and_its_annulment_leave_what_was_before"


@pytest.fixture(scope="module")
def broken() -> dict[str, set[str]]:
    """department -> the properties of random lives that it does not have."""
    found: dict[str, set[str]] = {name: set() for name in HALL.names}
    for owed in PROPERTIES:
        for seed in range(TOWNS):
            for name, wrong in owed(seed, HALL).items():
                found[name] |= {owed.__name__} if wrong else set()
    return found


def owed_by_examples(name: str) -> set[str]:
    """What `bus connector test` reports."""
    verdicts = report(HALL.connector(name), HALL.topology, HALL.contracts)
    return {verdict.owed for verdict in verdicts if not verdict.ok}


@pytest.mark.parametrize("name", HALL.names)
def test_a_department_that_looks_past_annulments_is_caught_by_the_property_about_them(name, broken):
    assert broken[name] == {RESTORES}


@pytest.mark.parametrize("name", HALL.names)
def test_its_own_examples_notice_it_too_for_they_are_booked_as_the_register_books_an_annulment(name):
    assert owed_by_examples(name) == {"an_annulment_restores_what_was_before"}
