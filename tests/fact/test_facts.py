"""Is all that a department says in its history and in its outbox, in gap-free versions, and nothing by another way?"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import exc, text
from sqlalchemy.orm import Session

from bus.adapters.sql.engine import engine as connect
from bus.adapters.sql.facts import FactBook, Said
from bus.errors import Misconfigured, Refused, Reject
from bus.fact.say import Say
from tests.fact.toys import BEGINNING, LOAN, RECEIPT

pytestmark = pytest.mark.stack


def begin(key="toy/1", **image):
    return Say(LOAN, key, "KETTEI", {"person": "1", "amount": 100} | image, "2026-04-01", cause="what led to it")


def count(book, query):
    with book.engine.connect() as db:
        return db.execute(text(query)).scalar_one()


def published(book):
    """What the outbox says, per fact in the order of its numbers."""
    found = {}
    with book.engine.connect() as db:
        for row in db.execute(text("SELECT * FROM bus_outbox ORDER BY shard, seq")):
            found.setdefault((row.aggregatetype, row.aggregateid), []).append(
                book.contracts.canonical(row.aggregatetype).decode(bytes(row.payload))
            )
    return found


def test_what_is_said_is_published_with_the_department_s_own_rows(book):
    with book.engine.begin() as db:
        db.execute(text("CREATE TABLE loans (no integer)"))

    with Session(book.engine) as session, session.begin():
        session.execute(text("INSERT INTO loans VALUES (1)"))
        (started,) = book.say(session, [begin()])
        (changed,) = book.say(session, [Say(LOAN, "toy/1", "HENKO", {"term.until": "2026-07"}, "2026-05-01")])

    assert count(book, "SELECT count(*) FROM loans") == 1
    assert published(book) == {(LOAN, "toy/1"): [started, changed]}
    assert book.history(LOAN, "toy/1") == [started, changed]
    assert changed.before == started.data
    assert changed.recorded > started.recorded
    assert book.caused("what led to it") == [Said(LOAN, "toy/1", started.id, "KETTEI", annulled=False)]
    assert "what led to it" not in str(published(book))


def test_what_is_refused_leaves_the_caller_s_transaction_as_it_was(book):
    with book.engine.begin() as db:
        with pytest.raises(Reject) as caught:
            book.say(db, [begin("toy/1"), begin("toy/2"), Say(LOAN, "toy/3", "HENKO", {"amount": 1}, "2026-04-01")])
        kept = book.say(db, [begin("toy/4")])

    assert caught.value.code == "FACT_UNKNOWN"
    assert [fact.key for fact in book.find(LOAN)] == ["toy/4"]
    assert published(book) == {(LOAN, "toy/4"): kept}
    assert count(book, "SELECT count(*) FROM bus_fact") == 1


def test_corrections_and_annulments_are_read_back_as_they_were_published(book):
    (started,) = book.say(None, [begin()])
    (wrong,) = book.say(None, [Say(LOAN, "toy/1", "HENKO", {"amount": 7, "is_free": True}, "2026-05-01")])
    book.say(None, [Say(LOAN, "toy/1", "TEISEI", {"amount": 8}, supersedes=wrong.id)])
    book.say(None, [Say(LOAN, "toy/1", "TORIKESHI", supersedes=wrong.id)])

    history = book.history(LOAN, "toy/1")

    assert published(book)[LOAN, "toy/1"] == history
    assert [event.kind for event in history] == ["REGISTER", "AMEND", "CORRECT", "ANNUL"]
    assert history[2].undoes == history[3].undoes == ("amount", "is_free")
    assert history[3].data == started.data
    assert next(book.histories(LOAN)) == history


def test_two_kinds_of_facts_may_have_the_same_key(book):
    book.say(None, [begin(), Say(RECEIPT, "toy/1", "KETTEI", {"person": "1"}, "2026-04-01")])
    book.say(None, [Say(RECEIPT, "toy/1", "SHURYO", {}, "2026-05-01")])

    assert {place: [event.version for event in events] for place, events in published(book).items()} == {
        (LOAN, "toy/1"): [1],
        (RECEIPT, "toy/1"): [1, 2],
    }


def test_facts_are_found_by_what_their_image_says(book):
    book.say(
        None,
        [begin("toy/2", **{"term.since": "2026-04-01"}), begin("toy/1", person="2"), begin("toy/3", amount=None)],
    )
    book.say(None, [Say(LOAN, "toy/3", "SHURYO", {}, "2026-05-01")])

    def keys(**where):
        return [fact.key for fact in book.find(LOAN, {path.replace("__", "."): value for path, value in where.items()})]

    assert keys() == ["toy/1", "toy/2", "toy/3"]
    assert keys(person="1", active=True) == ["toy/2"]
    assert keys(amount=None) == ["toy/3"]
    assert keys(term__since="2026-04-01") == ["toy/2"]
    assert not book.find(LOAN, {"person": "1", "amount": None})[0].stands
    with pytest.raises(Reject, match="no such field"):
        keys(colour="red")


def test_a_department_says_only_what_is_its_own_to_say(book):
    with pytest.raises(Refused) as caught:
        book.say(None, [Say("juki.resident", "juki/1", "KETTEI", {}, "2026-04-01")])
    with pytest.raises(Misconfigured, match="no topic"):
        book.say(None, [Say("toy.unknown", "toy/1", "KETTEI", {}, "2026-04-01")])

    assert caught.value.code == "ORIGIN"
    assert (book.speaks(LOAN), book.speaks("toy.unknown"), book.speaks("juki.resident")) == (True, False, False)


def test_when_it_was_recorded_is_given_in_simulated_towns_only_and_never_turns_back(book):
    real = FactBook(book.engine, book.contracts, system="toy", town="131016")

    (event,) = book.say(None, [begin()], BEGINNING)
    with pytest.raises(Reject) as backwards:
        book.say(None, [Say(LOAN, "toy/1", "SHURYO", {}, "2026-05-01")], BEGINNING - timedelta(seconds=1))
    with pytest.raises(Reject) as elsewhere:
        real.say(None, [begin("toy/2")], BEGINNING)
    (ahead,) = book.say(None, [begin("toy/3")], datetime(2126, 1, 1, tzinfo=UTC))
    (later,) = book.say(None, [Say(LOAN, "toy/3", "SHURYO", {}, "2026-05-01")])

    assert event.recorded == BEGINNING
    assert (backwards.value.code, elsewhere.value.code) == ("RECORDED_ORDER", "RECORDED")
    assert later.recorded > ahead.recorded


KEYS = [f"toy/{number}" for number in range(12)]


def write(book, seed, done, times=60):
    """Says this and that about a few facts that everybody says something about, and changes its mind now and then."""
    rng = random.Random(seed)
    for turn in range(times):
        says = [
            Say(LOAN, key, "HENKO", {"amount": rng.randrange(10**6)}, "2026-04-01")
            for key in rng.sample(KEYS, rng.randint(1, 4))
        ]
        says += (
            [begin(f"toy/n{turn}")] if rng.random() < 0.5 else []
        )  # who comes first starts it; the others say nothing new
        with book.engine.connect() as db:
            events = book.say(db, says)
            if rng.random() < 0.3:
                db.rollback()
                done["rollbacks"] += 1
            else:
                db.commit()
                done["events"] += len(events)


def test_eight_writers_who_change_their_minds_leave_no_gap(book):
    book.say(None, [begin(key) for key in KEYS])
    done = Counter()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: write(book, seed, done), range(8)))

    histories = {events[0].key: events for events in book.histories(LOAN)}
    assert done["rollbacks"] > 50
    assert sum(map(len, histories.values())) == done["events"] + len(KEYS)
    assert published(book) == {(LOAN, key): events for key, events in histories.items()}
    for events in histories.values():
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        assert [event.before for event in events[1:]] == [event.data for event in events[:-1]]
    assert {fact.key: fact.image for fact in book.find(LOAN)} == {key: h[-1].data for key, h in histories.items()}


def test_processes_that_prepare_at_once_do_not_trip_over_one_another(book, database):
    engines = [connect(database("fresh"))] * 6
    books = [FactBook(one, book.contracts, system="toy", town="999999") for one in engines]

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(FactBook.prepare, books))

    assert len({one.incarnation for one in books}) == 1
    assert books[0].incarnation != book.incarnation
    assert books[0].say(None, [begin()])
    engines[0].dispose()


def test_preparing_again_waits_for_no_writer(book):
    with book.engine.begin() as db:
        named = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'bus_outbox'::regclass"
        days = sorted(db.execute(text(named)).scalars())
        db.execute(text(f"DROP TABLE {days[-2]}"))  # the last one is the default

    with book.engine.begin() as db:
        book.say(db, [begin()])
        book.prepare()  # a new day has to wait; nobody else does
    book.prepare()

    assert len(book.history(LOAN, "toy/1")) == 1
    assert count(book, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'bus_outbox'::regclass") == len(days)


COPY = (
    "INSERT INTO bus_fact_history SELECT entity, key, version + 1, gen_random_uuid(), kind, reason, effective_text, "
    "effective_earliest, effective_latest, recorded, supersedes, undoes, said, image, cause FROM bus_fact_history"
)
MOVE = "UPDATE bus_fact SET version = version + 1"
ATTEMPTS = {
    "another image by hand": ["UPDATE bus_fact SET image = image || '{\"amount\": 1}'"],
    "the same values again, covered by the old outbox row": ["UPDATE bus_fact SET image = image"],
    "a version without history": [MOVE],
    "history without an outbox row": [COPY, MOVE],
    "history that the fact does not follow": [COPY],
    "history checked early": ["SET CONSTRAINTS ALL DEFERRED", COPY, MOVE, "SET CONSTRAINTS ALL IMMEDIATE"],
    "a fact without history": ["INSERT INTO bus_fact (entity, key, version) VALUES ('toy.loan', 'toy/9', 0)"],
    "history rewritten": ["UPDATE bus_fact_history SET image = '{}'"],
    "history deleted": ["DELETE FROM bus_fact_history"],
    "history emptied": ["TRUNCATE bus_fact_history CASCADE"],
    "a fact deleted": ["DELETE FROM bus_fact"],
    "another key": ["UPDATE bus_fact SET key = 'toy/9'"],
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_way_leads_past_the_outbox(book, attempt):
    events = book.say(None, [begin()])

    with pytest.raises(exc.DBAPIError) as caught, book.engine.begin() as db:
        for statement in ATTEMPTS[attempt]:
            db.execute(text(statement))

    assert caught.value.orig.sqlstate == "P0001"  # a trigger said no
    assert book.history(LOAN, "toy/1") == events
    assert len(book.say(None, [Say(LOAN, "toy/1", "SHURYO", {}, "2026-05-01")])) == 1  # the proper way is open
