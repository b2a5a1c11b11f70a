"""Do desks decide on a real PostgreSQL as staff would, and is what is annulled or corrected upstream made good?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from bus.adapters.sql.engine import engine
from bus.adapters.sql.facts import FactBook
from bus.adapters.sql.files import Files
from bus.adapters.sql.proposals import Proposals
from bus.adapters.sql.store import open_store
from bus.dates import Uncertain
from bus.fact.say import Say
from bus.kit.desk.desk import PATIENCE, Desk, Look, Office
from bus.kit.desk.internal import BANK
from bus.kit.desk.offices import OFFICES
from bus.kit.desk.tax.collection import PAYMENT, RECEIPT
from bus.kit.hearing import Told
from tests.fleet.hall import CONTRACTS, stage
from tests.kit.memory import Book, evening

pytestmark = pytest.mark.stack

MONDAY = date(2026, 4, 6)
LAND = "kotei_shisanzei.assessment"
SLIPS = 12


class Department:
    """One department with a database of its own, its connector's tables in it, and its desk."""

    def __init__(self, name: str, url: str, world: dict[str, Files], office: Office | None = None) -> None:
        self.name, self.stage, self.store = name, stage(name), open_store(url)
        self.engine = engine(url)
        self.stage.play([], self.store)
        appended = [table.name for table in self.stage.connector.tables if not table.kept]
        self.book = FactBook(self.engine, CONTRACTS, system=name, town="999999")
        self.proposals = Proposals(self.book, appended)
        self.proposals.prepare()
        self.files = world[name] = Files(self.engine)
        self.desk = Desk(name, office or OFFICES[name], self.proposals, self.files, world)
        self._told: set[str] = set()
        self._heard = 0

    def hear(self, told: list[Told]) -> None:
        mine = [one for one in told if one.entity in self.stage.ears]
        for delivery in self.stage.deliveries(mine):
            self._heard += 1
            self.store.apply(self.name, [delivery], {(delivery.record.topic, 0): self._heard})

    def news(self, entity: str) -> list[Told]:
        """What was said since the last time."""
        events = [event for history in self.book.histories(entity) for event in history]
        new = [Told(entity, event) for event in events if event.id not in self._told]
        self._told |= {one.event.id for one in new}
        return new

    def states(self, table: str) -> dict[str, str]:
        return {one.event_id: one.state for one in self.proposals.all() if one.table == table}

    def close(self) -> None:
        self.store.close()
        self.engine.dispose()


@pytest.fixture
def hall(database: Callable[..., str]) -> Iterator[dict[str, Department]]:
    """The collection and the accounting; six assessments are known to the collection."""
    world: dict[str, Files] = {}
    found = {name: Department(name, database(name), world) for name in ("shutaino", "zaimu_kaikei")}
    land = Book("kotei_shisanzei")
    for number in range(6):
        image: dict[str, Any] = {"subject": str(number), "year": "2026", "amount": 40_000 + number, "terms": 4}
        image |= {"due_on": "2026-05-31", "notice_to": str(number), "collection": "F"}
        since = Uncertain.on(MONDAY)
        land.say(None, [Say(LAND, f"kotei_shisanzei/{number}/2026", "KETTEI", image, since)], evening(MONDAY))
    found["shutaino"].hear(land.outbox)
    yield found
    for one in found.values():
        one.close()


def slip(number: int, assessment: str = "", **more: Any) -> Say:
    image = {
        "slip_no": str(number), "system": "kotei_shisanzei", "amount": 1_000 + number, "paid_on": MONDAY.isoformat(),
        "assessment": assessment or f"kotei_shisanzei/{number % 6}/2026",
    } | more  # fmt: skip
    return Say(BANK, f"zaimu_kaikei/{number}", "KETTEI", image, Uncertain.on(MONDAY))


def report(hall: dict[str, Department], *says: Say, on: date = MONDAY) -> list[str]:
    """The accounting says so, and the collection hears it; the ids of the events."""
    events = hall["zaimu_kaikei"].book.say(None, says, evening(on))
    hall["shutaino"].hear(hall["zaimu_kaikei"].news(BANK))
    return [event.id for event in events]


def work(department: Department, day: int = 0, *, chores: bool = False) -> Any:
    on = MONDAY + timedelta(days=day)
    return department.desk.work(on, evening(on), chores=chores)


def paid(collection: Department, number: int) -> int:
    look = Look(MONDAY, collection.book, collection.files, {})
    payment = look.fact(PAYMENT, f"shutaino/kotei_shisanzei/{number}/2026")
    return payment.data["paid"] if payment else -1


def sums(collection: Department) -> list[tuple[int, int]]:
    return [(one.image["amount"], one.image["count"]) for one in collection.book.find(RECEIPT, {"active": True})]


def test_two_desks_work_together_and_everything_is_decided_at_the_second_look(hall):
    collection, accounting = hall["shutaino"], hall["zaimu_kaikei"]

    work(collection)
    assert work(accounting, chores=True).said > 0
    collection.hear(accounting.news(BANK))
    first = work(collection, 1)
    second = work(collection, 2)

    assert (first.proposed + first.confirmed, second.confirmed) == (6, first.proposed)
    assert set(collection.states("bank_results").values()) == {"confirmed"}
    assert len(collection.book.find("shutaino.decision")) == 6
    assert work(collection, 2).is_nothing


def test_a_slow_request_is_only_proposed_and_confirmed_when_it_is_looked_at_again(hall):
    collection = hall["shutaino"]
    events = report(hall, *(slip(number) for number in range(SLIPS)))

    first = work(collection)
    slow = {event for event, state in collection.states("bank_results").items() if state == "proposed"}
    known = sum(paid(collection, number) for number in range(6))
    second = work(collection, 1)

    assert 0 < len(slow) == first.proposed == second.confirmed < SLIPS
    assert set(events) == set(collection.states("bank_results"))
    total = sum(1_000 + number for number in range(SLIPS))
    assert known < sum(paid(collection, number) for number in range(6)) == total
    assert sums(collection) == [(total, SLIPS)]


def test_what_waits_in_vain_is_rejected_and_no_fact_follows(hall):
    collection = hall["shutaino"]
    report(hall, slip(1, assessment="kokuho/1/2026"))

    states = []
    for day in range(PATIENCE + 2):
        work(collection, day)
        states += collection.states("bank_results").values()

    assert states == ["proposed"] * PATIENCE + ["rejected"] * 2
    assert sums(collection) == []
    assert [one.note for one in collection.proposals.all()] == ["no such assessment: to be paid back (過誤納)"]


def test_what_is_annulled_upstream_takes_its_fact_back(hall):
    collection = hall["shutaino"]
    work(collection)
    (one, other) = report(hall, slip(1), slip(7))
    work(collection, 1)
    work(collection, 2)
    both = paid(collection, 1)

    report(hall, Say(BANK, "zaimu_kaikei/1", "TORIKESHI", supersedes=one), on=MONDAY + timedelta(days=2))
    work(collection, 3)
    work(collection, 4)

    assert (both, paid(collection, 1)) == (2_008, 1_007)
    assert sums(collection) == [(1_007, 1)]
    undone = [said for said in collection.book.caused(one) if said.entity == PAYMENT]
    assert [said.annulled for said in undone] == [True]
    assert [said.annulled for said in collection.book.caused(other) if said.entity == PAYMENT] == [False]


def test_what_is_corrected_upstream_corrects_its_fact(hall):
    collection = hall["shutaino"]
    work(collection)
    (one,) = report(hall, slip(1))
    work(collection, 1)
    work(collection, 2)

    right = Say(BANK, "zaimu_kaikei/1", "TEISEI", {"amount": 500}, supersedes=one)
    report(hall, right, on=MONDAY + timedelta(days=2))
    work(collection, 3)
    work(collection, 4)

    history = collection.book.history(PAYMENT, "shutaino/kotei_shisanzei/1/2026")
    assert paid(collection, 1) == 500
    assert [event.reason for event in history] == ["KETTEI", "HENKO", "TEISEI"]
    assert history[2].supersedes == history[1].id
    assert sums(collection) == [(500, 1)]


def test_what_is_annulled_before_it_was_decided_leads_to_nothing(hall):
    collection = hall["shutaino"]
    events = report(hall, *(slip(number) for number in range(SLIPS)))

    work(collection)
    slow = [event for event, state in collection.states("bank_results").items() if state == "proposed"]
    number = events.index(slow[0])
    report(hall, Say(BANK, f"zaimu_kaikei/{number}", "TORIKESHI", supersedes=slow[0]))
    work(collection, 1)
    work(collection, 2)

    assert collection.states("bank_results")[slow[0]] == "rejected"
    assert [said.entity for said in collection.book.caused(slow[0])] == ["shutaino.decision"]
    assert sums(collection)[0][1] == SLIPS - 1
