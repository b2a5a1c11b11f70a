"""Does the document say what crossed, and is nothing called crossed that a department has not applied?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bus.fleet.model import LATE_SECONDS

from .city import a_bad_night, all_crossed, changed, flows, machine_form, pair, told

CITY = flows()


def test_a_city_in_which_all_has_crossed_misses_nothing():
    document = told(CITY)

    assert document["ok"] is True
    assert document["missing"] == []
    assert all(system["crossed"] for system in document["systems"])
    assert all(flow["crossed"] for flow in document["flows"])


def test_a_city_in_which_nothing_has_crossed_misses_every_pair():
    document = told(CITY, [], published={})

    assert document["ok"] is False
    assert set(document["missing"]) == {f"{flow} {one} → {other}" for flow, one, other in machine_form()}
    assert not any(system["crossed"] for system in document["systems"])


@pytest.mark.parametrize("gone", sorted(CITY.systems))
def test_a_connector_that_is_gone_makes_exactly_its_own_rows_missing(gone):
    document = told(CITY, without=[gone])

    own = {f"{flow} {one} → {other}" for flow, one, other in machine_form() if gone in (one, other)}
    assert set(document["missing"]) == own
    assert document["ok"] is False
    assert [system["id"] for system in document["systems"] if not system["crossed"]] == [gone]
    assert [system["id"] for system in document["systems"] if not system["connector"]] == [gone]


def test_what_was_published_and_not_applied_has_not_crossed():
    crossings = changed(all_crossed(CITY), "shutaino", "keiji_zei.assessment", count=0, last=None)

    document = told(CITY, crossings)

    assert document["missing"] == ["F09 keiji_zei → shutaino"]
    assert pair(document, "F09", "keiji_zei", "shutaino")["state"] == "never"
    assert pair(document, "F09", "kokuho", "shutaino")["crossed"] is True


def test_one_contract_that_never_came_is_missing_in_every_flow_it_stands_for():
    crossings = changed(all_crossed(CITY), "kokuho", "kojin_juminzei.taxation", count=0)

    document = told(CITY, crossings)

    assert document["missing"] == ["F02 kojin_juminzei → kokuho", "F07 kojin_juminzei → kokuho"]


def test_what_cannot_be_told_is_null_and_never_nought():
    crossings = changed(all_crossed(CITY), "kenko_kanri", "juki.resident", count=None, last=None, age_seconds=None)

    document = told(CITY, crossings)

    found = pair(document, "F20", "juki", "kenko_kanri")
    assert (found["count"], found["last"], found["age_seconds"], found["crossed"]) == (None, None, None, False)
    (system,) = [one for one in document["systems"] if one["id"] == "kenko_kanri"]
    assert system["heard"] is None


@pytest.mark.parametrize(
    ("age", "state"),
    [(0.0, "current"), (LATE_SECONDS, "current"), (LATE_SECONDS + 1, "late"), (None, "unknown")],
)
def test_the_age_of_the_truth_makes_the_state_of_a_pair(age, state):
    crossings = changed(all_crossed(CITY), "inkan", "koseki.guardianship", age_seconds=age)

    document = told(CITY, crossings)

    found = pair(document, "F19", "koseki", "inkan")
    assert (found["state"], found["age_seconds"], found["crossed"]) == (state, age, True)


def test_a_pair_says_where_it_is_shown_and_what_carries_it():
    document = told(CITY)

    found = pair(document, "F10", "shutaino", "kaigo")

    assert found["shown_by"] == "bus connector status kaigo"
    assert found["entities"] == ["shutaino.payment"]


def test_a_flow_beyond_the_figure_is_shown_and_breaks_nothing():
    crossings = [one for one in all_crossed(CITY) if one.entity != "shomu_jimu.claim"]

    document = told(CITY, crossings)

    (claims,) = [flow for flow in document["further"] if flow["flow"] == "X03"]
    assert claims["crossed"] is False
    assert document["ok"] is True


def test_a_bad_night_names_each_trouble_in_its_own_place():
    document = a_bad_night(CITY)

    states = {system["id"]: system["state"] for system in document["systems"]}
    assert states["hojin_juminzei"] == states["kenko_kanri"] == "never"
    assert states["kaigo"] == "late"
    assert states["shogai_fukushi"] == "unknown"
    assert states["koseki"] == "current"


def test_a_system_that_only_publishes_is_as_old_as_it_is_heard():
    city = replace(CITY, further=tuple(flow for flow in CITY.further if flow.id != "X09"))  # then jutogai hears nothing
    crossings = changed(all_crossed(city), "kokuho", "jutogai.person", age_seconds=900.0)

    document = told(city, crossings)

    (system,) = [one for one in document["systems"] if one["id"] == "jutogai"]
    assert (system["state"], system["age_seconds"], system["heard"]) == ("late", 900.0, 0)
