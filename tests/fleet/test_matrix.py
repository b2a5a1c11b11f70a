"""Does every department answer what happens to a person as the reaction matrix says (matrix.yaml)?"""

from __future__ import annotations

import pytest

from .hall import FLEET, connector, hear
from .matrix import SAID, Case, cases, cells, faults, reading, scene

CASES = list(cases())


def judged(case: Case, letter: str, person: dict) -> list[str]:
    here = scene(case.entry, person)
    return faults(case, hear(case.department, here.said, here.last, here.entity), here, letter)


def band(case: Case) -> dict:
    """Whom the department is about; of some rows, somebody else."""
    said = SAID["departments"][case.department]
    return said.get("in_band_of", {}).get(case.row, said["in_band"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_department_answers_as_the_matrix_says(case):
    other = reading(case)

    wrong = judged(case, other["reads"] if other else case.letter, band(case))

    assert wrong == []


STARRED = [
    pytest.param(case, person, id=f"{case.name}: {number}")
    for case in CASES
    if case.letter.endswith("*")
    for number, person in enumerate(SAID["departments"][case.department]["outside"])
]


@pytest.mark.parametrize(("case", "person"), STARRED)
def test_who_is_outside_the_band_of_age_or_status_is_not_meant(case, person):
    other = reading(case)

    assert judged(case, (other or {}).get("outside", "·"), person) == []


@pytest.mark.parametrize("one", SAID["readings"], ids=lambda one: f"{one['column']}: {one['row']}")
def test_a_cell_that_is_read_otherwise_says_why_and_would_fail(one):
    there = [case for case in CASES if reading(case) is one]

    assert len(one["why"]) > 20
    assert one["article"]
    assert there
    assert all(judged(case, case.letter, band(case)) for case in there)


def test_every_cell_is_played_and_every_department_of_the_matrix_is_described():
    written = cells()
    described = set(SAID["departments"])

    assert {row for row, _ in written} == set(SAID["rows"])
    assert {column for _, column in written} == set(SAID["columns"])
    assert len(written) == 16 * 18
    assert described == {name for names in SAID["columns"].values() for name in names} & set(FLEET)


def test_every_table_and_column_that_is_named_is_there():
    missing = []
    for name, said in SAID["departments"].items():
        tables = {table.name: {column.name for column in table.columns} for table in connector(name).tables}
        asked = [table for letter in "GLHV" for table in said.get(letter, ())]
        missing += [f"{name}: {table}" for table in [*asked, *said.get("ends", ())] if table not in tables]
        columns = [path.split(".") for letter in "AN" for path in said.get(letter, ())]
        missing += [f"{name}: {table}.{one}" for table, one in columns if one not in tables.get(table, ())]

    assert missing == []
