"""Is the last screen true to what was found, in both languages, and does it name nobody?"""

import io
import time
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bus.demo.course import Played
from bus.demo.demo import Outcome
from bus.demo.fleet import Kill
from bus.demo.poison import Tampered, tamper
from bus.demo.proof import Department
from bus.demo.screen import WORDS, document, draw
from bus.fleet.flows import load
from bus.fleet.model import Crossing, document as document_of
from bus.reconcile.compare import Finding
from bus.settings import ROOT


def outcome(*, crossed=True, **poisoned):
    departments = [
        Department("kaigo", "介護保険", {"insured": 7}, {"requests": 2}, findings=[Finding("insured", 7, 7)]),
        Department(
            "kokuho", "国民健康保険", {"members": 9}, parked=1, waiting=2, codes=["DECODE"], stale=3,
            findings=[Finding("members", 9, 9, **poisoned)], truth_age_seconds=0.0,
        ),
    ]  # fmt: skip
    kills = [Kill("kaigo", 4711, time.monotonic(), signal=9, waiting=4, dead_seconds=1.5)]
    played = Played(5, 6, kills=kills, poison=Tampered("an-event", "a.topic", 3))
    return Outcome("999999", 10, played=played, departments=departments, map=figure(crossed=crossed))


def figure(*, crossed: bool):
    """The map of a city with one flow."""
    flows = load(ROOT / "schemas" / "flows.yaml")
    at = datetime(2026, 4, 12, tzinfo=UTC)
    known = [
        Crossing(pair.consumer, entity, int(crossed), at if crossed else None, 0.0)
        for flow in flows.figure
        for pair, entities in flow.pairs().items()
        for entity in entities
    ]
    return document_of(flows, known, connectors=flows.systems, published={}, town="999999", at=at)


def drawn(found, lang):
    console = Console(file=io.StringIO(), width=140)
    draw(found, lang)(console)
    return console.file.getvalue()


def test_both_languages_say_the_same_things():
    assert WORDS["ja"].keys() == WORDS["en"].keys()


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_screen_shows_every_department_and_names_the_poisoned_event(lang):
    screen = drawn(outcome(), lang)

    assert all(word in screen for word in ("kaigo", "国民健康保険", "an-event", "DECODE", "4711"))
    assert WORDS[lang]["ok"] in screen


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_difference_is_shown_with_table_and_columns(lang):
    screen = drawn(outcome(differing=2, columns={"kana": 2}), lang)

    assert "kokuho.members" in screen
    assert "kana" in screen
    assert WORDS[lang]["bad"] in screen


def test_it_is_not_well_when_the_wrong_person_is_parked():
    found = outcome()
    found.departments[0].parked = 1

    assert not document(found)["ok"]


def test_it_is_not_well_when_a_kill_held_up_nobody():
    found = outcome()
    found.played.kills[0].waiting = 0

    assert not document(found)["ok"]


def test_it_is_not_well_when_a_flow_did_not_cross():
    assert not document(outcome(crossed=False))["ok"]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_screen_ends_with_the_map_of_all_flows(lang):
    screen = drawn(outcome(), lang)

    assert all(f"F{number:02d}" in screen for number in range(1, 21))
    assert "101" in screen


def test_the_document_says_unknown_as_null():
    assert document(outcome())["departments"][0]["truth_age_seconds"] is None


def test_a_tampered_record_keeps_its_frame_and_its_person():
    from bus.adapters.memory import MemoryBroker
    from bus.broker import Message

    broker = MemoryBroker({"t": 1})
    broker.publish([Message("t", key, b"\0\0\0\0\7good", [("ce_id", b"1")], 0) for key in (b"a", b"b")])

    tampered = tamper(broker, "t", "a", event_id="e", doubles=1)

    read = broker.subscribe("g", ["t"], {}).poll(10, 0.0)
    assert [(record.key, (record.value or b"")[:5]) for record in read] == [
        (b"a", b"\0\0\0\0\7"), (b"b", b"\0\0\0\0\7"), (b"a", b"\0\0\0\0\7"), (b"b", b"\0\0\0\0\7"),
    ]  # fmt: skip
    assert read[2].value != read[0].value
    assert read[3].value == read[1].value
    assert tampered.doubled == 1
