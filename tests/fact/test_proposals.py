"""Does a request go forward only, and does what it leads to come true with the decision or not at all?"""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text

from bus.adapters.sql.proposals import Proposals, decision_key
from bus.dates import day
from bus.errors import Reject
from bus.fact.say import Say
from tests.fact.test_facts import begin, published
from tests.fact.toys import BEGINNING, DECISION, LOAN

pytestmark = pytest.mark.stack

LOANS = "loan_requests"


@pytest.fixture
def proposals(book):
    made = Proposals(book, [LOANS, "reviews"])
    made.prepare()
    with book.engine.begin() as db:
        columns = "event_id varchar(64), kind text, supersedes text, person text, state text, since date"
        db.execute(text(f"CREATE TABLE {LOANS} ({columns})"))
    return made


def arrive(proposals, person="1"):
    """A request, as a connector would append it."""
    event = str(uuid.uuid4())
    with proposals.book.engine.begin() as db:
        insert = f"INSERT INTO {LOANS} VALUES (:event, 'REGISTER', NULL, :person, 'their own state', '2026-04-01')"
        db.execute(text(insert), {"event": event, "person": person})
    return event


def states(proposals):
    return [(one.event_id, one.state) for one in proposals.all()]


def test_what_a_connector_appended_is_received_in_the_order_in_which_it_came(proposals):
    events = [arrive(proposals, str(number)) for number in range(20)]

    waiting = proposals.open()

    assert [(one.event_id, one.state) for one in waiting] == [(event, "received") for event in events]
    assert [one.row["person"] for one in waiting] == [str(number) for number in range(20)]
    assert waiting[0].row["state"] == "their own state"
    assert len(proposals.open(limit=3)) == 3


def test_a_confirmed_request_leads_to_its_facts_and_is_acknowledged(proposals):
    book, event = proposals.book, arrive(proposals)
    proposals.propose(LOANS, event, by="clerk", note="looks right")
    assert states(proposals) == [(event, "proposed")]
    assert published(book) == {}

    done = proposals.confirm(LOANS, event, [begin()], by="head", recorded=BEGINNING)

    key = decision_key("toy", LOANS, event)
    (loan,), (decision,) = book.history(LOAN, "toy/1"), book.history(DECISION, key)
    assert set(done.facts) == {loan.id, decision.id}
    assert decision.data == {
        "active": True, "person": "1", "event": event, "request": LOANS, "state": "confirmed",
        "decided_on": decision.effective,
    }  # fmt: skip
    assert decision.effective.earliest == day(BEGINNING)
    assert [one.event_id for one in book.caused(event)] == [decision.id]  # the loan names a cause of its own
    assert proposals.open() == []
    assert [(one.state, one.decided_by, one.decided_at) for one in proposals.all()] == [
        ("confirmed", "head", BEGINNING)
    ]


def test_the_same_decision_again_does_nothing_and_another_one_is_refused(proposals):
    event = arrive(proposals)
    first = proposals.reject(LOANS, event, by="clerk", note="no")

    again = proposals.reject(LOANS, event, by="somebody else")
    with pytest.raises(Reject) as other:
        proposals.confirm(LOANS, event, [begin()], by="clerk")
    with pytest.raises(Reject) as back:
        proposals.propose(LOANS, event, by="clerk")

    assert (first.is_new, again.is_new, again.facts) == (True, False, first.facts)
    assert (other.value.code, back.value.code) == ("DECIDED", "DECIDED")
    assert proposals.all()[0].decided_by == "clerk"
    assert len(published(proposals.book)) == 1


def test_a_decision_whose_fact_is_refused_is_no_decision(proposals):
    event = arrive(proposals)

    with pytest.raises(Reject, match="no such fact"):
        proposals.confirm(LOANS, event, [Say(LOAN, "toy/9", "HENKO", {"amount": 1}, "2026-04-01")], by="clerk")

    assert states(proposals) == [(event, "received")]
    assert published(proposals.book) == {}


def test_a_decision_joins_the_department_s_own_transaction(proposals):
    event = arrive(proposals)

    with proposals.book.engine.connect() as db:
        proposals.confirm(LOANS, event, [Say(LOAN, "toy/1", "KETTEI", {}, "2026-04-01")], by="clerk", transaction=db)
        assert len(proposals.book.caused(event, db)) == 2
        db.rollback()

    assert states(proposals) == [(event, "received")]
    assert proposals.book.caused(event) == []


@pytest.mark.parametrize("table", [LOANS, "reviews", "bus_fact", "unknown"])
def test_a_request_that_is_not_there_cannot_be_decided(proposals, table):
    with pytest.raises(Reject) as caught:
        proposals.confirm(table, str(uuid.uuid4()), by="clerk")

    assert caught.value.code == "REQUEST_UNKNOWN"
