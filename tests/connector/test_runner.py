"""Does the runner react to each family of errors as the house says, and lose nothing doing so?"""

from __future__ import annotations

import threading

import pytest

from bus.adapters.memory import MemoryBroker, MemoryDatabase, MemoryStore
from bus.connector.ownership import Owning, here, is_dead_here
from bus.connector.runner import Limits, ParkStormError, Runner, serve
from bus.errors import Fenced, Refused, Reject, Unavailable
from bus.event import BARE, REMOVED
from tests.connector.department import ID_OF, TABLES, Voice, contracts, intake, names


@pytest.fixture
def known():
    return contracts()


@pytest.fixture
def voice(known):
    return Voice(known.narrowed(ID_OF))


@pytest.fixture
def broker(voice):
    return MemoryBroker({voice.topic: 2})


@pytest.fixture
def database():
    return MemoryDatabase()


class Fragile(MemoryStore):
    """A database that goes away, and one that refuses certain names, as a CHECK would."""

    def __init__(self, database, *, away=0, refuses=()):
        super().__init__(database)
        self.away, self.refuses, self.calls = away, refuses, 0

    def apply(self, connector, deliveries, upto, again=None):
        self.calls += 1
        if self.away:
            self.away -= 1
            raise Unavailable("the database is restarting")
        rows = [row for d in deliveries if not d.reject for c in d.changes for row in getattr(c, "rows", ())]
        if any(row[1] in self.refuses for row in rows):
            raise Reject("CHECK", code="DATA")
        return super().apply(connector, deliveries, upto, again)


@pytest.fixture
def serve_once(known, voice, broker):
    def run(store, **how):
        return serve(
            ID_OF, intake(known), TABLES, [voice.topic], broker, store, holder=here(), group="g", until_idle=True, **how
        )

    return run


def test_a_department_ends_with_the_last_version_of_everybody(voice, broker, database, serve_once):
    broker.publish([m for key in ("a", "b", "c") for m in voice.life(key, 5)])

    done = serve_once(MemoryStore(database))

    store = MemoryStore(database)
    assert done.fresh == 15
    assert names(store.rows("residents")) == {"a": "v5", "b": "v5", "c": "v5"}
    assert len(store.rows("moves")) == 15
    assert sum(store.offsets(ID_OF).values()) == 15


def test_a_second_run_begins_where_the_store_stands(voice, broker, database, serve_once):
    broker.publish(voice.life("a", 3))
    serve_once(MemoryStore(database))
    broker.publish([voice.say("a", 4), voice.say("a", 2)])

    done = serve_once(MemoryStore(database))

    assert (done.fresh, done.stale) == (1, 1)


def test_bare_and_removed_records_count_and_remove(voice, broker, database, serve_once):
    broker.publish(
        [voice.say("a", 1), voice.say("a", 2, mode=BARE), voice.say("a", 3, mode=REMOVED), voice.say("a", 9)]
    )
    broker.publish([voice.say("b", 1), voice.say("b", 2, mode=REMOVED)])

    serve_once(MemoryStore(database))

    assert names(MemoryStore(database).rows("residents")) == {"a": "v9"}


@pytest.mark.parametrize(("name", "code"), [("!reject", "RULE"), ("!crash", "RULE")])
def test_a_rule_that_fails_parks_that_person_only(voice, broker, database, serve_once, name, code):
    broker.publish([voice.say("a", 1), voice.say("a", 2, name), voice.say("a", 3), *voice.life("b", 3)])

    serve_once(MemoryStore(database))

    store = MemoryStore(database)
    assert names(store.rows("residents")) == {"a": "v1", "b": "v3"}
    assert [(p.version, p.code) for p in store.parked(ID_OF)] == [(2, code), (3, "BEHIND")]


def test_what_cannot_be_decided_is_a_review_and_the_row_stays(voice, broker, database, serve_once):
    broker.publish([voice.say("a", 1), voice.say("a", 2, "!undecided"), voice.say("a", 3, "!undecided")])

    done = serve_once(MemoryStore(database))

    assert (done.fresh, done.reviewed) == (3, 2)
    assert names(MemoryStore(database).rows("residents")) == {"a": "v1"}


def test_data_that_the_database_refuses_parks_only_its_persons(voice, broker, database, serve_once):
    lives = [m for n in range(30) for m in voice.life(f"p{n}", 3)]
    broker.publish([*lives, voice.say("x", 1), voice.say("x", 2, "bad"), voice.say("x", 3), voice.say("y", 1, "bad")])

    serve_once(Fragile(database, refuses={"bad"}))

    store = MemoryStore(database)
    assert [(p.key, p.version, p.code) for p in store.parked(ID_OF)] == [
        ("x", 2, "DATA"),
        ("x", 3, "BEHIND"),
        ("y", 1, "DATA"),
    ]
    assert names(store.rows("residents")) == {f"p{n}": "v3" for n in range(30)} | {"x": "v1"}
    assert store.offsets(ID_OF) == broker.ends([voice.topic])


def test_data_refused_in_a_released_record_parks_that_one_not_its_predecessor(voice, broker, database, serve_once):
    broker.publish([voice.say("a", 1), voice.say("a", 3, "bad"), voice.say("a", 2), voice.say("a", 4)])

    serve_once(Fragile(database, refuses={"bad"}))

    store = MemoryStore(database)
    assert names(store.rows("residents")) == {"a": "v2"}
    assert [p.version for p in store.parked(ID_OF)] == [3, 4]


def test_an_outage_parks_nobody_and_loses_nothing(voice, broker, database, serve_once):
    broker.publish([m for key in ("a", "b") for m in voice.life(key, 4)])

    done = serve_once(Fragile(database, away=3))

    store = MemoryStore(database)
    assert done.fresh == 8
    assert not store.parked(ID_OF)
    assert names(store.rows("residents")) == {"a": "v4", "b": "v4"}


def test_many_persons_in_a_row_stop_the_connector_before_they_are_parked(voice, broker, database, serve_once):
    broker.publish([voice.say("good", 1), *(voice.say(f"p{n}", 1, "!reject") for n in range(50))])

    with pytest.raises(ParkStormError) as stopped:
        serve_once(MemoryStore(database))

    store = MemoryStore(database)
    assert stopped.value.exit == 1
    assert len(store.parked(ID_OF)) < 20
    assert store.owner(ID_OF).stopped == "PARK_STORM"
    assert store.owner(ID_OF).age > 1000


def test_many_persons_in_a_row_refused_by_the_database_stop_it_too(voice, broker, database, serve_once):
    broker.publish([voice.say(f"p{n}", 1, "bad") for n in range(60)])

    with pytest.raises(ParkStormError):
        serve_once(Fragile(database, refuses={"bad"}))

    assert 20 <= len(MemoryStore(database).parked(ID_OF)) <= 40


def test_an_operator_may_have_them_all_parked(voice, broker, database, serve_once):
    broker.publish([voice.say(f"p{n}", 1, "!reject") for n in range(50)])

    serve_once(MemoryStore(database), limits=Limits(storm=0))

    assert len(MemoryStore(database).parked(ID_OF)) == 50


def test_persons_parked_among_good_ones_are_no_storm(voice, broker, database, serve_once):
    for n in range(60):
        broker.publish([voice.say(f"p{n}", 1, "!reject", partition=0), voice.say(f"q{n}", 1, partition=0)])

    assert serve_once(MemoryStore(database)).fresh == 60


def test_a_topic_whose_beginning_is_gone_asks_for_a_bootstrap(voice, broker, database, serve_once):
    broker.publish([voice.say("a", n, partition=0) for n in (1, 2, 3)])
    broker.lose(voice.topic, 0, before=1)

    with pytest.raises(Refused) as refused:
        serve_once(MemoryStore(database))

    assert refused.value.code == "BOOTSTRAP_REQUIRED"
    assert not MemoryStore(database).rows("residents")
    assert MemoryStore(database).owner(ID_OF).stopped == "BOOTSTRAP_REQUIRED"


def test_a_fenced_runner_stops_and_is_counted(known, voice, broker, database):
    store = MemoryStore(database)
    store.prepare(TABLES)
    store.claim(ID_OF, "one")
    broker.publish(voice.life("a", 2))
    runner = Runner(ID_OF, intake(known), broker.subscribe("g", [voice.topic], {}), store)
    MemoryStore(database).claim(ID_OF, "two")

    with pytest.raises(Fenced):
        runner.run(lambda: True)

    assert not store.rows("residents")
    assert store.progress(ID_OF).fenced == 1


def test_a_second_process_stands_by_until_the_lease_runs_out(database):
    first, second = MemoryStore(database), MemoryStore(database)
    first.claim(ID_OF, "elsewhere/1/1")
    stop = threading.Event()
    waiting = Owning(second, ID_OF, "other", lease=1.0, stop=stop)
    result = []
    thread = threading.Thread(target=lambda: result.append(waiting.wait()))

    thread.start()
    first.renew(ID_OF)
    thread.join(10)

    assert result == [True]
    with pytest.raises(Fenced):
        first.renew(ID_OF)


def test_the_successor_of_a_process_that_died_here_does_not_wait(database):
    dead = here().rpartition("/")[0] + "/1"
    MemoryStore(database).claim(ID_OF, dead)

    assert is_dead_here(dead)
    assert not is_dead_here(here())
    assert not is_dead_here("elsewhere/1/1")
    assert Owning(MemoryStore(database), ID_OF, here(), lease=1000.0).wait()


def test_a_paused_connector_waits_and_goes_on(known, voice, broker, database):
    store = MemoryStore(database)
    store.prepare(TABLES)
    store.claim(ID_OF, here())
    store.pause(ID_OF, "stocktaking")
    stop = threading.Event()
    owning = Owning(store, ID_OF, here(), stop=stop)
    thread = threading.Thread(target=owning.tick)

    thread.start()
    assert thread.is_alive()
    MemoryStore(database).pause(ID_OF, "")
    thread.join(10)

    assert not thread.is_alive()
