"""Does an office answer a corrected request as if it had been right at once? An office of the tests' own, in memory."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bus.adapters.sql.proposals import Request
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import LATER, NOTED, Look, Office, Verdict
from bus.kit.desk.habits import beginning, correct, end, keep, withdraw
from tests.kit.memory import Book, Department, evening

MONDAY = date(2026, 4, 6)
TAXATION, ASSISTANCE = "kojin_juminzei.taxation", "seikatsu_hogo.assistance"
KEY, OTHER = "kojin_juminzei/1/2026", "kojin_juminzei/2/2026"


def answer(request: Request, look: Look) -> Verdict:
    """By the day of the request: begin, end, refuse, wait, say nothing, or tell how many stand."""
    since = request.row["since"]
    if since == "refuse":
        return Verdict(confirm=False)
    if since in ("wait", "note"):
        return LATER if since == "wait" else NOTED
    if since == "count":
        count = len(look.facts(TAXATION, is_exempt=False))
        return Verdict(confirm=True, says=keep(look, TAXATION, OTHER, {"income": count}))
    if since.startswith("end"):
        ended = end(look, TAXATION, KEY, {"income": len(since)})
        return Verdict(confirm=bool(ended), says=ended)
    return Verdict(confirm=True, says=keep(look, TAXATION, KEY, {"income": int(since)}))


class Case:
    """One request after another, each decided at once or at the second look."""

    def __init__(self) -> None:
        world: dict[str, Any] = {}
        self.office = Department("kojin_juminzei", Office(answers={"assistance_reviews": answer}), world)
        self.assistance, self.on = Book("seikatsu_hogo"), MONDAY
        self.asked = 0

    def ask(self, since: str) -> str:
        self.asked += 1
        key = f"seikatsu_hogo/{self.asked}"
        return self._tell(Say(ASSISTANCE, key, "KETTEI", {"since": since}, Uncertain.on(self.on)), key)

    def change(self, event: str, since: str | None) -> str:
        """The request is corrected; None: annulled."""
        key = next(key for (_, key), events in self.assistance.events.items() if event in {one.id for one in events})
        reason = "TEISEI" if since else "TORIKESHI"
        return self._tell(Say(ASSISTANCE, key, reason, {"since": since} if since else {}, supersedes=event), key)

    def _tell(self, say: Say, key: str) -> str:
        self.assistance.say(None, [say], evening(self.on))
        self.office.hear(self.assistance.outbox)
        self.assistance.outbox = []
        for _ in range(2):
            self.on += timedelta(days=1)
            self.office.desk.work(self.on, evening(self.on))
        return self.assistance.history(ASSISTANCE, key)[-1].id

    def reasons(self, key: str = KEY) -> list[str]:
        return [event.reason for event in self.office.book.history(TAXATION, key)]

    def image(self, key: str = KEY) -> Any:
        return self.office.book.history(TAXATION, key)[-1].data

    def state(self, event: str) -> str:
        return self.office.decisions["assistance_reviews", event][0]


@pytest.fixture
def case() -> Case:
    return Case()


def test_what_began_because_of_it_is_corrected(case):
    event = case.ask("100")

    case.change(event, "200")

    assert case.reasons() == ["KETTEI", "TEISEI"]
    assert (case.image()["income"], case.image()["active"]) == (200, True)


def test_what_was_amended_because_of_it_is_corrected_and_the_rest_stays(case):
    case.ask("100")
    event = case.ask("200")

    case.change(event, "300")

    assert case.reasons() == ["KETTEI", "HENKO", "TEISEI"]
    assert case.image()["income"] == 300


def test_what_ended_because_of_it_ends_otherwise(case):
    case.ask("100")
    event = case.ask("end")

    changed = case.change(event, "end later")

    assert case.state(changed) == "confirmed"
    assert case.reasons() == ["KETTEI", "SHURYO", "TEISEI"]
    assert (case.image()["income"], case.image()["active"]) == (len("end later"), False)


def test_a_correction_that_is_refused_takes_back_what_was_said(case):
    event = case.ask("100")

    changed = case.change(event, "refuse")

    assert case.state(changed) == "rejected"
    assert case.reasons() == ["KETTEI", "TORIKESHI"]
    assert not case.image()["active"]


def test_a_correction_from_which_nothing_follows_takes_back_what_was_said(case):
    case.ask("100")
    event = case.ask("end")

    case.change(event, "note")

    assert case.reasons() == ["KETTEI", "SHURYO", "TORIKESHI"]
    assert (case.image()["income"], case.image()["active"]) == (100, True)


def test_a_correction_from_which_something_else_follows_says_that_instead(case):
    case.ask("100")
    event = case.ask("end")

    case.change(event, "200")

    assert case.reasons() == ["KETTEI", "SHURYO", "TORIKESHI", "HENKO"]
    assert (case.image()["income"], case.image()["active"]) == (200, True)


def test_a_correction_that_waits_takes_nothing_back(case):
    event = case.ask("100")

    changed = case.change(event, "wait")

    assert (case.state(changed), case.reasons()) == ("proposed", ["KETTEI"])


def test_a_correction_can_itself_be_taken_back(case):
    event = case.ask("100")
    changed = case.change(event, "200")

    case.change(changed, None)

    assert case.reasons() == ["KETTEI", "TEISEI", "TORIKESHI"]
    assert (case.image()["income"], case.image()["active"]) == (100, True)


def test_what_was_said_because_of_it_is_not_seen_when_it_is_answered_again(case):
    event = case.ask("100")

    case.change(event, "count")

    assert case.image(OTHER)["income"] == 0
    assert case.reasons() == ["KETTEI", "TORIKESHI"]


def test_habits_find_the_beginning_of_the_life_that_stands(case):
    case.ask("100")
    case.ask("end")
    case.ask("300")
    look = Look(case.on, case.office.book, case.office, {})

    began = beginning(look, TAXATION, KEY)

    history = case.office.book.history(TAXATION, KEY)
    assert (began, [event.reason for event in history]) == (history[2].id, ["KETTEI", "SHURYO", "KETTEI"])
    assert [say.reason for say in correct(look, TAXATION, KEY, {"income": 1})] == ["TEISEI"]
    assert [say.supersedes for say in withdraw(look, TAXATION, KEY)] == [began]
    assert correct(look, TAXATION, OTHER, {}) == withdraw(look, TAXATION, OTHER) == end(look, TAXATION, OTHER) == []
