"""Does an annulment bring back what was, and leave alone what a later event changed?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from bus.errors import Reject
from bus.resident.image import BOOKKEEPING
from tests.register.ledger import CHILD, HEAD, WIFE, Ledger, named

ANNULLED_BY = {
    "SHIBO": "TORIKESHI_ZO",
    "TENSHUTSU": "TORIKESHI_ZO",
    "TENSHUTSU_TODOKE": "TENSHUTSU_TORIKESHI",
    "TENNYU": "TORIKESHI_GEN",
}


@pytest.fixture
def ledger():
    return Ledger()


def facts(ledger):
    """What is said of everybody, without how it came to be said."""
    return {
        key: {path: value for path, value in person.image.items() if not path.startswith(BOOKKEEPING)}
        for key, person in ledger.people.items()
    }


def test_an_annulled_death_brings_the_person_and_the_head_back(ledger):
    head, wife, _ = ledger.family(HEAD, WIFE, CHILD)
    before = facts(ledger)
    death = ledger.enter("SHIBO", "2026-04-01", [head])

    events = ledger.enter("TORIKESHI_ZO", None, supersedes=death[0].id)

    assert facts(ledger) == before
    assert {event.kind for event in events} == {"ANNUL"}
    assert [event.supersedes for event in events] == [event.id for event in death]
    assert "is_resident" in events[0].undoes
    assert events[0].effective == death[0].effective
    assert ledger.image(wife)["household.head_name"] == "甲野　0子"


def test_what_a_later_event_changed_stays(ledger):
    (key,) = ledger.family(HEAD)
    (move,) = ledger.enter("TENKYO", "2026-04-01", [named(key, address__town="南", address__lot="１")])
    ledger.enter("SHOKKEN_SHUSEI", "2026-04-01", [named(key, address__lot="１の２")])

    ledger.enter("TORIKESHI_SHUSEI", None, supersedes=move.id)

    assert ledger.image(key)["address.town"] == "北一丁目"
    assert ledger.image(key)["address.lot"] == "１の２"


def test_an_annulment_also_takes_back_the_corrections_of_its_event(ledger):
    (key,) = ledger.family(HEAD)
    before = facts(ledger)
    (move,) = ledger.enter("TENKYO", "2026-04-01", [named(key, address__lot="１")])
    (fix,) = ledger.enter("GOKI_SHUSEI", None, [named(key, address__lot="１の２")], supersedes=move.id)

    ledger.enter("TORIKESHI_SHUSEI", None, supersedes=move.id)

    assert (fix.kind, fix.supersedes) == ("CORRECT", move.id)
    assert facts(ledger) == before


def test_a_late_correction_does_not_touch_what_came_after(ledger):
    (key,) = ledger.family(HEAD)
    (first,) = ledger.enter("TENKYO", "2026-04-01", [named(key, address__town="南", address__lot="１")])
    ledger.enter("TENKYO", "2026-04-01", [named(key, address__town="東", address__lot="２")])

    (event,) = ledger.enter("GOKI_SHUSEI", None, [named(key, address__lot="１の９")], supersedes=first.id)

    assert ledger.image(key)["address.lot"] == "２"
    assert "address.lot" in event.undoes


def test_whoever_never_came_is_no_resident(ledger):
    (key,) = ledger.family(HEAD)

    (event,) = ledger.enter("TORIKESHI_GEN", None, supersedes=ledger.pasts[key][0].id)

    image = ledger.image(key)
    assert (image["is_resident"], image["state"], image["resident_since"]) == (False, "9", None)
    assert (event.kind, image["name.full"]) == ("ANNUL", "甲野　0子")


def test_an_annulled_return_leaves_a_former_resident(ledger):
    (key,) = ledger.family(HEAD)
    ledger.enter("TENSHUTSU", "2026-04-01", [key])
    before = facts(ledger)
    (back,) = ledger.enter("TENNYU", "2026-04-01", [named(key, address__town="南", address__lot="１")])

    ledger.enter("TORIKESHI_GEN", None, supersedes=back.id)

    assert facts(ledger) == before


def test_only_the_persons_listed_are_annulled(ledger):
    head, wife, child = ledger.family(HEAD, WIFE, CHILD)
    announced = ledger.enter("TENSHUTSU_TODOKE", "2026-04-20", [head, wife, child])

    ledger.enter("TENSHUTSU_TORIKESHI", None, [child], supersedes=announced[2].id)

    assert ledger.image(child)["move_out.planned_on"] is None
    assert ledger.image(head)["move_out.planned_on"].text == "2026-04-20"


def refused(ledger, reason, persons=(), **more):
    with pytest.raises(Reject) as caught:
        ledger.enter(reason, None, persons, **more)
    return caught.value.code


def test_what_cannot_be_undone_is_refused_by_name(ledger):
    (key,) = ledger.family(HEAD)
    (move,) = ledger.enter("TENKYO", "2026-04-01", [named(key, address__lot="１")])
    unknown = "00000000-0000-4000-8000-000000000000"

    assert refused(ledger, "TORIKESHI_SHUSEI", supersedes=unknown) == "CORRECTION_TARGET"
    assert refused(ledger, "TORIKESHI_ZO", supersedes=move.id) == "CORRECTION_TARGET"
    assert refused(ledger, "GOKI_SHUSEI", [named(key, sex="2")], supersedes=unknown) == "CORRECTION_TARGET"
    (annulment,) = ledger.enter("TORIKESHI_SHUSEI", None, supersedes=move.id)
    assert refused(ledger, "TORIKESHI_SHUSEI", supersedes=move.id) == "ALREADY_ANNULLED"
    assert refused(ledger, "GOKI_SHUSEI", [named(key, sex="2")], supersedes=move.id) == "CORRECTION_TARGET"
    assert refused(ledger, "TORIKESHI_SHUSEI", supersedes=annulment.id) == "CORRECTION_TARGET"


def test_a_later_removal_is_annulled_first(ledger):
    (key,) = ledger.family(HEAD)
    ledger.enter("SHIBO", "2026-04-01", [key])

    assert refused(ledger, "TORIKESHI_GEN", supersedes=ledger.pasts[key][0].id) == "LATER_MOVEMENT"


# Random lives ---------------------------------------------------------------------------------------------------------

LOTS = st.sampled_from(["１", "２", "３の１", "葛󠄀４"])
ACTS = st.one_of(
    st.tuples(st.just("TENKYO"), st.integers(0, 2), LOTS),
    st.tuples(st.just("SHIMEI_HENKO"), st.integers(0, 2), st.sampled_from(["髙橋　一", "𠮷田　二", "神　三"])),
    st.tuples(
        st.sampled_from(
            [
                "SHIBO",
                "TENSHUTSU",
                "TENSHUTSU_TODOKE",
                "SETAI_BUNRI",
                "SHIEN_SOCHI_KAISHI",
                "SHIEN_SOCHI_SHURYO",
                "TENNYU",
            ]
        ),
        st.integers(0, 2),
        st.just(""),
    ),
)


def act(ledger, keys, reason, who, value):
    cells = {"TENKYO": {"address__lot": value}, "SHIMEI_HENKO": {"name__full": value}}.get(reason, {})
    try:
        return ledger.enter(reason, "2026-04-01", [named(keys[who], **cells)])
    except Reject:
        return []


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTS, max_size=6), ACTS)
def test_an_event_and_its_annulment_leave_everything_as_it_was(life, last):
    ledger = Ledger()
    keys = ledger.family(HEAD, WIFE, CHILD)
    for one in life:
        act(ledger, keys, *one)
    before = facts(ledger)

    events = act(ledger, keys, *last)
    if events:
        ledger.enter(ANNULLED_BY.get(last[0], "TORIKESHI_SHUSEI"), None, supersedes=events[0].id)

    assert facts(ledger) == before


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTS, max_size=8))
def test_versions_have_no_gaps_and_a_household_has_at_most_one_head(life):
    ledger = Ledger()
    keys = ledger.family(HEAD, WIFE, CHILD)

    events = [event for one in life for event in act(ledger, keys, *one)]

    for key in keys:
        versions = [event.version for event in events if event.key == key]
        assert versions == list(range(2, len(versions) + 2))
    heads = [
        person.image["household.no"]
        for person in ledger.people.values()
        if person.image["is_resident"] and person.image["household.relation_code"] == "02"
    ]
    assert len(heads) == len(set(heads))
