"""Do a department's facts begin, change, end, and come back as the law of corrections says?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings, strategies as st

from bus.connector.guard import is_plain
from bus.dates import Uncertain
from bus.errors import Misconfigured, Reject
from bus.fact.fold import fold
from bus.fact.say import Say
from bus.fact.shape import FactShape
from tests.fact.toys import IMAGES, LOAN, Life, rules


def refused(life, *args, **image):
    with pytest.raises(Reject) as caught:
        life.say(*args, **image)
    return caught.value.code


def begun(**image):
    life = Life()
    life.say("KETTEI", **({"person": "1", "amount": 100, "term__since": "2026-04-01"} | image))
    return life


def test_a_decision_starts_a_fact_and_blanks_what_is_not_said():
    life = begun()

    assert life.image == {
        "active": True, "person": "1", "amount": 100, "is_free": False,
        "term.since": Uncertain.parse("2026-04-01"), "term.until": None,
    }  # fmt: skip


def test_a_change_replaces_what_is_given_and_keeps_the_rest():
    life = begun()

    decided = life.decide(Say(LOAN, life.key, "HENKO", {"amount": 200, "person": "1"}, "2026-05-01"))

    event = decided.event
    assert (event.version, event.kind, event.reason) == (2, "AMEND", "HENKO")
    assert event.data["amount"] == 200
    assert event.data["term"] == {"since": Uncertain.parse("2026-04-01"), "until": None}
    assert event.before["amount"] == 100
    assert event.before_recorded < event.recorded


def test_a_change_that_changes_nothing_is_no_event():
    life = begun()

    assert life.say("HENKO", amount=100) is None
    assert life.say("KETTEI", person="1", amount=100, term__since="2026-04-01") is None
    assert len(life.pasts) == 1


def test_a_fact_that_ended_can_be_decided_anew():
    life = begun()
    life.say("SHURYO", term__until="2026-06-30")
    assert (life.image["active"], life.image["term.until"].text) == (False, "2026-06-30")

    life.say("KETTEI", person="1", amount=300)

    assert (life.image["active"], life.image["amount"], life.image["term.until"]) == (True, 300, None)
    assert life.present.version == 3


def test_what_cannot_be_said_is_refused_by_its_code():
    life = begun()
    ended = begun()
    ended.say("SHURYO")

    assert refused(Life(), "HENKO", amount=1) == "FACT_UNKNOWN"
    assert refused(ended, "HENKO", amount=1) == "FACT_ENDED"
    assert refused(ended, "SHURYO") == "FACT_ENDED"
    assert refused(life, "KETTEI", amount=1) == "FACT_STANDS"
    assert refused(life, "HENKO", colour="red") == "FIELD"
    assert refused(life, "HENKO", active=True) == "FIELD"
    assert refused(life, "HENKO", amount="1") == "FIELD_TYPE"
    assert refused(life, "HENKO", amount=True) == "FIELD_TYPE"
    assert refused(life, "HENKO", amount=2**63) == "FIELD_TYPE"
    assert refused(life, "HENKO", is_free=None) == "FIELD_TYPE"
    assert refused(life, "HENKO", term__until=7) == "FIELD_TYPE"
    assert refused(life, "HENKO", person="1\0") == "NUL"
    assert refused(life, "HENKO", None, None, amount=1) == "NO_EFFECTIVE"
    assert refused(life, "TENNYU", amount=1) == "REASON"
    assert refused(life, "HENKO", life.pasts[0].id, amount=1) == "CORRECTION_TARGET"
    assert refused(life, "TEISEI", None, amount=1) == "CORRECTION_TARGET"
    assert refused(life, "TORIKESHI", "no id") == "CORRECTION_TARGET"
    assert refused(life, "TORIKESHI", life.pasts[0].id, amount=1) == "FIELD"
    assert len(life.pasts) == 1


@pytest.mark.parametrize("key", ["1", "other/1", "toy", "toy/", "toy/a:b", "toy/ä", "toy/" + "9" * 61, "toy/a b"])
def test_a_key_begins_with_its_system_and_is_one_for_every_store(key):
    wrong = key != "toy/"

    if wrong:
        assert refused(Life(key), "KETTEI", person="1") == "KEY"
    else:
        assert Life(key).say("KETTEI", person="1")
    assert wrong or is_plain(key)


def test_a_correction_speaks_in_the_place_of_the_event_it_names():
    life = begun()
    wrong = life.say("HENKO", amount=200)
    life.say("HENKO", is_free=True)

    decided = life.decide(Say(LOAN, life.key, "TEISEI", {"amount": 250}, supersedes=wrong))

    assert (decided.event.kind, decided.event.supersedes, decided.event.undoes) == ("CORRECT", wrong, ("amount",))
    assert decided.event.effective == Uncertain.parse("2026-04-01")  # of the event it names
    assert (life.image["amount"], life.image["is_free"]) == (250, True)
    assert life.say("TEISEI", wrong, amount=250) is None


def test_a_correction_leaves_what_a_later_event_changed_and_is_there_when_that_one_goes():
    life = begun()
    wrong = life.say("HENKO", amount=200)
    later = life.say("HENKO", amount=300)

    life.say("TEISEI", wrong, amount=250)
    assert life.image["amount"] == 300
    life.say("TORIKESHI", later)

    assert life.image["amount"] == 250


def test_an_annulled_event_never_was_unless_a_later_one_changed_it_again():
    life = begun()
    first = life.say("HENKO", amount=200, is_free=True)
    second = life.say("HENKO", amount=300)

    life.say("TORIKESHI", first)
    assert (life.image["amount"], life.image["is_free"]) == (300, False)
    life.say("TORIKESHI", second)

    assert life.image["amount"] == 100
    assert refused(life, "TORIKESHI", first) == "ALREADY_ANNULLED"
    assert refused(life, "TEISEI", first, amount=1) == "CORRECTION_TARGET"
    assert refused(life, "TORIKESHI", life.pasts[-1].id) == "CORRECTION_TARGET"  # an annulment is not annulled


def test_a_fact_without_its_first_event_keeps_its_image_and_stands_no_longer():
    life = begun()
    before = life.image

    life.say("TORIKESHI", life.pasts[0].id)

    assert life.image == before | {"active": False}
    assert life.say("KETTEI", person="1", amount=5)
    assert life.image["active"] is True


def test_an_annulled_end_stands_again_unless_it_was_decided_anew():
    life = begun()
    end = life.say("SHURYO", term__until="2026-06-30")
    again = begun()
    old = again.say("SHURYO", term__until="2026-06-30")
    again.say("KETTEI", person="1", amount=7)

    life.say("TORIKESHI", end)
    again.say("TORIKESHI", old)

    assert (life.image["active"], life.image["term.until"]) == (True, None)
    assert (again.image["active"], again.image["amount"]) == (True, 7)


def test_a_wrong_merge_is_undone():
    life = begun()
    merged = life.say("TOGO", person="2")
    assert (life.image["active"], life.image["person"]) == (False, "2")
    assert life.pasts[-1].kind == "IDENTITY"

    life.say("TORIKESHI", merged)

    assert (life.image["active"], life.image["person"]) == (True, "1")


def test_an_image_that_is_no_fact_is_refused_before_anything_is_said():
    without = {**IMAGES[LOAN], "fields": [field for field in IMAGES[LOAN]["fields"] if field["name"] != "active"]}
    listed = {**IMAGES[LOAN], "fields": [*IMAGES[LOAN]["fields"], {"name": "x", "type": {"type": "array"}}]}

    for image in (without, listed):
        with pytest.raises(Misconfigured, match=re.escape("active") if image is without else "x is no text"):
            FactShape(image)


def test_an_image_survives_its_way_through_json():
    shape, life = rules().shape, begun(is_free=True)

    assert shape.from_json(shape.as_json(life.image)) == life.image
    assert shape.flat(shape.nested(life.image)) == life.image
    assert shape.from_json({"person": "1"}) == shape.blank() | {"person": "1"}  # as an older schema wrote it


IMAGE = st.fixed_dictionaries(
    {},
    optional={
        "person": st.sampled_from(["1", "2", None]),
        "amount": st.integers(0, 3),
        "is_free": st.booleans(),
        "term__until": st.sampled_from(["2026-06-30", "2026-07", None]),
    },
)
SAYS = st.lists(st.tuples(st.sampled_from(["KETTEI", "HENKO", "SHURYO", "TEISEI", "TORIKESHI", "TOGO"]),
                          st.integers(0, 9), IMAGE), max_size=12)  # fmt: skip


def lived(says):
    life = begun()
    for reason, number, image in says:
        try:
            target = life.pasts[number % len(life.pasts)].id if reason in ("TEISEI", "TORIKESHI") else None
            life.say(reason, target, **({} if reason == "TORIKESHI" else image))
        except Reject:
            continue
    return life


@given(SAYS, st.sampled_from(["KETTEI", "HENKO", "SHURYO", "TEISEI", "TOGO"]), st.integers(0, 9), IMAGE)
@settings(max_examples=300, deadline=None)
def test_whatever_was_said_its_annulment_brings_back_what_was_before(says, reason, number, image):
    life = lived(says)
    before = life.image

    try:
        said = life.say(reason, life.pasts[number % len(life.pasts)].id if reason == "TEISEI" else None, **image)
    except Reject:
        return
    if said is not None:
        life.say("TORIKESHI", said)

    assert life.image == before


@given(SAYS)
@settings(max_examples=200, deadline=None)
def test_the_last_image_is_what_stands_of_all_that_was_said(says):
    life = lived(says)

    assert life.image == fold(life.pasts, rules().shape.blank())
    assert [past.before for past in life.pasts[1:]] == [past.after for past in life.pasts[:-1]]
