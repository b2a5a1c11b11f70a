"""Does every reason do what a person who knows the register says it does (acts.yaml), and does its reverse undo it?"""

from __future__ import annotations

import pytest

from bus.errors import Reject
from bus.movement.rules import RULES
from bus.resident.image import BOOKKEEPING, changed
from tests.register.acts import Town, cases, name
from tests.register.ledger import REASONS

CASES = cases()
REFUSED = [
    pytest.param(case.get("first", ()), code, act, id=f"{name(case)}: {code}")
    for case in CASES
    for code, act in case.get("refused", {}).items()
]
REVERSED = [
    pytest.param(case, reverse, id=f"{name(case)}: {reverse}")
    for case in CASES
    for reverse in REASONS[case["reason"]].reverse
]
OFFICIAL = {f"{group}{number:02}" for group, count in (("K", 9), ("S", 9), ("M", 19)) for number in range(1, count + 1)}
NEVER_UNDONE = (*BOOKKEEPING, "history.")


def after(first):
    town = Town()
    for act in first:
        town.do(act)
    return town


def images(town):
    return {key: dict(person.image) for key, person in town.ledger.people.items()}


def facts(image):
    return {path: value for path, value in image.items() if not path.startswith(NEVER_UNDONE)}


def test_every_official_reason_is_covered_and_no_other():
    covered = [code for reason in REASONS.values() for code in (reason.code, *reason.also)]

    assert set(covered) == OFFICIAL


def test_every_reason_has_a_rule_or_speaks_of_an_earlier_event():
    ruled = {name for name, reason in REASONS.items() if not (reason.annuls or reason.corrects)} - {"IKO"}

    assert set(RULES) == ruled


def test_every_reason_has_an_example_and_a_reverse_that_annuls():
    assert {case["reason"] for case in CASES} == set(REASONS) - {"IKO"}
    for reason in REASONS.values():
        assert all(REASONS[reverse].annuls for reverse in reason.reverse), reason.reason
        assert bool(reason.reverse) != (reason.annuls or reason.reason == "IKO"), reason.reason


def test_every_reason_that_has_a_rule_is_refused_something():
    assert {case["reason"] for case in CASES if case.get("refused")} >= set(RULES) - {"SHIEN_SOCHI_SHURYO"}


@pytest.mark.parametrize("case", CASES, ids=name)
def test_an_act_changes_what_the_example_says(case):
    town = after(case.get("first", ()))

    events = town.do(case["act"])

    told = {
        f"{who}: {path}": town.says(who, path) for who, cells in case["changes"].items() for path in cells
    }  # one comparison, so that everything that is wrong is seen
    assert told == {
        f"{who}: {path}": town.expected(cell) for who, cells in case["changes"].items() for path, cell in cells.items()
    }
    assert {event.kind for event in events if event.reason == case["reason"]} == {REASONS[case["reason"]].kind}


@pytest.mark.parametrize("case", [case for case in CASES if case.get("silent")], ids=name)
def test_a_new_sheet_tells_nobody_anything(case):
    town = after(case.get("first", ()))
    before = images(town)

    (event,) = town.do(case["act"])

    assert changed(before[event.key], town.ledger.image(event.key)) == ()


@pytest.mark.parametrize(("first", "code", "act"), REFUSED)
def test_what_may_not_be_is_refused_by_name_and_nothing_changes(first, code, act):
    town = after(first)
    before = images(town)

    with pytest.raises(Reject) as caught:
        town.do(act)

    assert caught.value.code == code
    assert images(town) == before


@pytest.mark.parametrize(("case", "reverse"), REVERSED)
def test_an_act_and_its_reverse_leave_everything_as_it_was(case, reverse):
    town = after(case.get("first", ()))
    before = images(town)
    done = town.do(case["act"])

    undone = town.do({reverse: {}, "annuls": len(town.told)})

    assert {event.kind for event in undone} == {"ANNUL"}
    assert {event.supersedes for event in undone} == {event.id for event in done}
    for key, image in images(town).items():
        if key in before:
            assert facts(image) == facts(before[key])
        else:
            assert (image["is_resident"], image["state"], image["removal.reason_code"]) == (False, "9", "S09")


def test_a_removal_is_not_annulled_while_another_head_was_chosen_since():
    town = after([{"SHIBO": {"taro": {}}}, {"SETAINUSHI_HENKO": {"hana": {"household.relation_code": "02"}}}])

    with pytest.raises(Reject) as caught:
        town.do({"TORIKESHI_ZO": {}, "annuls": 1})

    assert caught.value.code == "LATER_MOVEMENT"


def test_a_special_adoption_stays_hidden_after_its_annulment():
    town = after([{"TOKUBETSU_YOSHI": {"ken": {"name.full": "戊島　健"}}}])

    town.do({"TORIKESHI_SHUSEI": {}, "annuls": 1})

    assert town.says("ken", "history.locked") == "1"


def test_a_merge_never_weakens_a_protection():
    protect = {"SHIEN_SOCHI_KAISHI": {"ume": {}}}
    town = after([protect, {"SHIEN_SOCHI_KARI": {"ken": {}}}])

    events = town.do({"TOGO": {"ume": {}, "ken": {}}})

    assert town.says("ume", "protection.level") == "SHIEN"
    assert all(event.protected for event in events)
