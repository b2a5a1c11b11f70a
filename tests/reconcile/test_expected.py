"""Is the recomputation what decision 17 says, without the bus?"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest

from bus.change import Append, Keep
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import Event
from bus.reconcile.compare import compare
from bus.reconcile.expected import Recomputation, Sight
from bus.store import Column, Table

BEGIN = datetime(2026, 4, 6, 1, 0, tzinfo=UTC)
TEXT = "text"
ROLL = Table("roll", (Column("person", TEXT), Column("town", TEXT)), kept=True)
MOVES = Table("moves", tuple(Column(n, TEXT) for n in ("event_id", "kind", "supersedes", "town")), kept=False)
VIEW = Sight(["is_resident", "address.town"], hidden={"address.town"})


class Projected(NamedTuple):
    changes: list
    reviews: list


class Department:
    """Keeps everybody's town while they live here, and notes who moved."""

    tables = (ROLL, MOVES)

    def concerns(self, image, on):
        return image is not None and image["is_resident"]

    def project(self, event):
        town = event.data["address"]["town"]
        if town == "refuse me":
            raise Reject("no")
        changes = [Keep("roll", event.key, ((event.key, town),))]
        row = (event.id, event.kind, event.supersedes, town)
        if event.reason == "TENKYO":
            changes.append(Append("moves", row))
        elif event.supersedes:
            changes.append(Append("moves", row, follows=event.supersedes))
        return Projected(changes, [])


class Tables:
    """What stands in the department's database."""

    def __init__(self, **tables):
        self.tables = tables

    def rows(self, table):
        return self.tables.get(table, [])


def said(version, reason, town, *, kind="AMEND", resident=True, level=None, supersedes=None, undoes=(), key="P1"):
    return Event(
        id=f"{key}-{version}",
        kind=kind,
        reason=reason,
        key=key,
        version=version,
        effective=Uncertain.parse("2026-04-06"),
        recorded=BEGIN + timedelta(hours=version),
        data={"is_resident": resident, "address": {"town": town}, "protection": {"level": level}},
        supersedes=supersedes,
        undoes=undoes,
    )


def expect(*histories):
    recomputation = Recomputation(Department(), VIEW)
    for history in histories:
        recomputation.tell(history)
    return recomputation.found


def rows(*history):
    return expect(history).tables


def test_a_person_is_kept_as_the_last_version_has_it():
    tables = rows(said(1, "TENNYU", "北", kind="REGISTER"), said(2, "TENKYO", "南"))

    assert tables["roll"] == {"P1": (("P1", "南"),)}
    assert tables["moves"] == {"P1-2": (("P1-2", "AMEND", None, "南"),)}


def test_who_leaves_is_no_longer_kept_but_what_was_asked_stays():
    tables = rows(
        said(1, "TENNYU", "北", kind="REGISTER"), said(2, "TENKYO", "南"), said(3, "SHIBO", "南", resident=False)
    )

    assert tables["roll"] == {}
    assert list(tables["moves"]) == ["P1-2"]


def test_an_annulment_is_heard_even_if_nothing_visible_differs():
    tables = rows(
        said(1, "TENNYU", "北", kind="REGISTER"),
        said(2, "TENKYO", "南"),
        said(3, "GOKI_SHUSEI", "北"),
        said(4, "TORIKESHI_SHUSEI", "北", kind="ANNUL", supersedes="P1-2", undoes=("address.town",)),
    )

    assert tables["moves"]["P1-4"] == (("P1-4", "ANNUL", "P1-2", "北"),)


def test_an_annulment_of_what_was_never_asked_is_silent():
    tables = rows(
        said(1, "TENNYU", "北", kind="REGISTER"),
        said(2, "GOKI_SHUSEI", "南"),
        said(3, "TORIKESHI_SHUSEI", "北", kind="ANNUL", supersedes="P1-2", undoes=("address.town",)),
    )

    assert tables["moves"] == {}


class OfAge(Department):
    """Whom a resident concerns from June on, by the calendar alone; it notes who attained the age."""

    def concerns(self, image, on):
        return image["is_resident"] and on >= date(2026, 6, 1)

    def project(self, event):
        row = (event.id, event.kind, event.supersedes, str(event.effective.earliest))
        keep = Keep("roll", event.key, ((event.key, event.data["address"]["town"]),))
        return Projected([keep, Append("moves", row, follows=event.supersedes)], [])


def day_of_june(version, number, **more):
    event = said(version, "NENREI_40", "北", kind="CLOCK", **more)
    return replace(event, id=f"C{number}", recorded=datetime(2026, 6, number, tzinfo=UTC))


def heard_by_age(*history, clock=("NENREI_40",)):
    recomputation = Recomputation(OfAge(), VIEW, clock=clock)
    recomputation.tell(history)
    return recomputation.found


def test_a_duty_of_the_calendar_is_told_to_who_listens_for_it():
    birth = said(1, "TENNYU", "北", kind="REGISTER")

    listens, does_not = (heard_by_age(birth, day_of_june(1, 1), clock=clock) for clock in (["NENREI_40"], ["GANJITSU"]))

    assert (list(listens.tables["roll"]), list(listens.tables["moves"])) == (["P1"], ["C1"])
    assert (does_not.tables, does_not.heard) == ({"roll": {}, "moves": {}}, 0)


def test_a_duty_that_is_taken_back_follows_what_was_asked():
    birth = said(1, "TENNYU", "北", kind="REGISTER")

    found = heard_by_age(
        birth, day_of_june(1, 1), day_of_june(1, 2, supersedes="C1"), day_of_june(1, 3, supersedes="x")
    )

    assert [row[1:3] for (row,) in found.tables["moves"].values()] == [("CLOCK", None), ("CLOCK", "C1")]


def test_who_came_by_the_calendar_is_no_longer_kept_once_gone():
    gone = replace(said(2, "SHIBO", "北", kind="END", resident=False), recorded=datetime(2026, 6, 9, tzinfo=UTC))

    found = heard_by_age(said(1, "TENNYU", "北", kind="REGISTER"), day_of_june(1, 1), gone)

    assert (found.tables["roll"], found.concerned, found.heard) == ({}, 0, 1)


def test_a_protected_address_is_nowhere():
    tables = rows(said(1, "TENNYU", "北", kind="REGISTER"), said(2, "SHIEN_SOCHI_KAISHI", "北", level="SHIEN"))

    assert tables["roll"] == {"P1": (("P1", None),)}


def test_a_protected_move_is_not_heard_of():
    tables = rows(
        said(1, "TENNYU", "北", kind="REGISTER"),
        said(2, "SHIEN_SOCHI_KAISHI", "北", level="SHIEN"),
        said(3, "TENKYO", "南", level="SHIEN"),
    )

    assert tables["moves"] == {}


def test_a_person_whose_event_the_rules_refuse_is_named_and_left_out():
    expected = expect([said(1, "TENNYU", "refuse me")], [said(1, "TENNYU", "北", key="P2")])

    assert expected.refused == {"P1"}
    assert list(expected.tables["roll"]) == ["P2"]


@pytest.fixture
def expected():
    return expect(*([said(1, "TENNYU", "北", key=key), said(2, "TENKYO", "南", key=key)] for key in ("P1", "P2", "P3")))


def full(**other):
    roll = [(key, "南") for key in ("P1", "P2", "P3")]
    moves = [(f"{key}-2", "AMEND", None, "南") for key in ("P1", "P2", "P3")]
    return Tables(**({"roll": roll, "moves": moves} | other))


def test_equal_tables_are_equal(expected):
    assert all(finding.equal for finding in compare(Department.tables, expected.tables, full()))


def test_missing_extra_and_differing_rows_are_counted_by_column_and_never_shown(expected):
    store = full(roll=[("P1", "東"), ("P3", "南"), ("P9", "北")])

    roll, moves = compare(Department.tables, expected.tables, store)

    assert (roll.missing, roll.extra, roll.differing, roll.columns) == (1, 1, 1, {"town": 1})
    assert moves.equal
    assert "東" not in str(roll.as_dict())
    assert "P9" not in str(roll.as_dict())


def test_a_row_written_twice_is_a_difference(expected):
    store = full(moves=[*full().rows("moves"), ("P1-2", "AMEND", None, "南")])

    assert compare(Department.tables, expected.tables, store)[1].columns == {"*": 1}


def test_who_waits_for_a_decision_is_left_out_on_both_sides(expected):
    store = full(roll=[("P1", "東"), ("P2", "南"), ("P3", "南")])

    assert all(
        finding.equal
        for finding in compare(Department.tables, expected.tables, store, held={"roll": {"P1"}, "moves": {"P1"}})
    )
