"""Does all that the register committed reach the topic, per person in order, whatever is killed, frozen or refused?"""

from __future__ import annotations

import random
import signal
import time
from zlib import crc32

import pytest
from sqlalchemy import Connection, Engine, text

from bus.adapters.kafka_cluster import KafkaCluster
from bus.adapters.sql.engine import engine as connect
from bus.topology.cluster import Configure
from tests.register import relaying, relays as observed, writers
from tests.register.relays import Relays, until

pytestmark = pytest.mark.stack


@pytest.fixture
def register(database):
    """An empty outbox in a database of its own, with persons to write about."""
    made = connect(database("register"))
    writers.install(made)
    yield made
    made.dispose()


@pytest.fixture
def topic(topics):
    return topics("juki", 4)


@pytest.fixture
def relays(stack, register, topic):
    dsn = register.url.render_as_string(hide_password=False)
    made = Relays(register, {"dsn": dsn, "client": stack.admin, "topic": topic, "lease": 3.0, "patience": 4.0})
    yield made
    made.close()


@pytest.fixture
def clients(register):
    """Writers with enough connections for each of them."""
    pool = connect(register.url)
    pool.pool._max_overflow = 30  # the product's own pool is small on purpose
    yield lambda threads: writers.Writers(pool, threads)
    pool.dispose()


def count(db: Connection | Engine, query: str) -> int:
    if isinstance(db, Engine):
        with db.connect() as connection:
            return count(connection, query)
    return int(db.execute(text(query)).scalar_one())


# Numbers that rolled-back transactions drew, and rows that a transaction wrote which began before its predecessor's.
GAPS = "SELECT sum(last - number) FROM (SELECT max(seq) AS last, count(*) AS number FROM bus_outbox GROUP BY shard) s"
EARLY = """
    SELECT count(*) FROM (
        SELECT xid, lag(xid) OVER (PARTITION BY aggregateid ORDER BY version) AS before FROM bus_outbox
    ) o WHERE xid < before
"""


@pytest.mark.slow
def test_nothing_is_lost_or_reordered_while_relays_are_killed(request, stack, register, topic, relays, clients):
    commits, kills = (20_000, 20) if request.config.getoption("--full") else (4_000, 5)
    rng = random.Random(7)
    relays.start()
    relays.start()
    crowd = clients(12)
    crowd.start(commits)

    while relays.kills < kills:
        relays.wait_until_one_works()
        time.sleep(rng.random() * 0.2)  # anywhere in its work: reading, sending, waiting, storing
        relays.kill(relays.holder() or 0)
        relays.start()
        if crowd.are_done and relays.kills < kills:
            writers_again(register)
    crowd.join()
    relays.wait_until_all_is_said()

    versions, seen = observed.first_occurrences(observed.everything(stack.admin, topic))
    assert set(crowd.promised) <= seen, "lost"
    assert len(seen) == count(register, "SELECT count(*) FROM bus_outbox"), "lost or invented"
    assert observed.faults(versions) == {}, "reordered"
    assert relays.kills == kills
    assert min(row.epoch for row in relays.leases()) > kills / 2  # each kill hit the one that held the leases
    assert crowd.counts["rollbacks"] > commits / 20
    assert crowd.counts["long"] > 0
    assert count(register, GAPS) > 0
    assert count(register, EARLY) > 0


def writers_again(register: Engine) -> None:
    """Something to work on for a relay that comes back after the writers have finished."""
    with register.begin() as db:
        for key in range(1, 100):
            writers.say(db, f"0{key}")


def test_a_number_that_a_slower_transaction_commits_later_is_still_said(stack, register, topic, relays):
    slow, quick = (f"0{key}" for key in [key for key in range(1, 99) if crc32(b"0%d" % key) % 4 == 0][:2])
    relay = relaying.made(relays.options)
    with register.connect() as early, register.connect() as late:
        writers.say(early, slow)  # draws the shard's first number
        writers.say(late, quick)  # … its second
        late.commit()
        relay.step()
        relay.step()
        early.commit()

        while not relay.source.idle():
            relay.step()

    relay.close()
    versions, _ = observed.first_occurrences(observed.everything(stack.admin, topic))
    assert versions == {slow: [1], quick: [1]}


def test_a_transaction_that_began_early_and_wrote_late_comes_late(stack, register, topic, relays):
    relay = relaying.made(relays.options)
    with register.connect() as early, register.connect() as late:
        early.execute(text("SELECT pg_current_xact_id()"))  # older than the one that writes first
        writers.say(late, "01")
        late.commit()
        writers.say(early, "01")
        early.commit()

        while not relay.source.idle():
            relay.step()

    relay.close()
    versions, _ = observed.first_occurrences(observed.everything(stack.admin, topic))
    assert versions == {"01": [1, 2]}
    assert count(register, EARLY) == 1


def test_a_frozen_relay_loses_its_shards_and_says_nothing_wrong_when_it_thaws(stack, register, topic, relays, clients):
    frozen, standby = relays.start(), None
    until(lambda: relays.has_all(frozen), 90, "the first relay holds all shards")
    standby = relays.start()
    crowd = clients(4)
    crowd.start(3_000)
    until(lambda: relays.position() > 200, 90, "the relay is at work")

    relays.signal(frozen, signal.SIGSTOP)
    until(lambda: relays.has_all(standby), 90, "the other takes over")
    taken = relays.position()
    until(lambda: relays.position() > taken, 90, "and goes on")
    relays.signal(frozen, signal.SIGCONT)
    until(relays.has_been_fenced, 30, "the thawed one is told that it is no longer the owner")
    crowd.join()
    relays.wait_until_all_is_said()

    said = relays.end(frozen)
    versions, seen = observed.first_occurrences(observed.everything(stack.admin, topic))
    assert said["fenced"] > 0
    assert relays.has_all(standby), "the thawed relay took nothing back"
    assert set(crowd.promised) <= seen
    assert observed.faults(versions) == {}


def test_what_the_broker_never_takes_blocks_its_person_only_and_is_said_after_release(
    stack, register, topics, relays, clients
):
    relays.options["topic"] = topic = topics("small", 4, **{"max.message.bytes": "3000"})
    with register.begin() as db:
        first = writers.say(db, "01")
        for key in range(2, 60):
            writers.say(db, f"0{key}")
        large = writers.say(db, "01", size=4_000)
        later = [writers.say(db, f"0{key}") for key in range(1, 60)]
    relays.start()
    until(relays.has_said_everything, 40, "all is said or set aside")

    _, seen = observed.first_occurrences(observed.everything(stack.admin, topic))
    with register.connect() as db:
        blocked = db.execute(text("SELECT key, seq, code FROM bus_blocked")).all()
        seq = count(db, f"SELECT seq FROM bus_outbox WHERE id = '{large.id}'")
    assert blocked == [("01", seq, "RANGE")]
    assert {(e.key, e.version, e.id) for e in (first, *later) if e.key != "01"} <= seen
    assert (large.key, large.version, large.id) not in seen

    cluster = KafkaCluster(stack.admin, stack.settings.users)
    cluster.do([Configure(topic, "max.message.bytes", "3000", "1000000")])
    cluster.close()
    with register.begin() as db:
        db.execute(text("UPDATE bus_blocked SET code = 'RELEASE'"))
    until(lambda: count(register, "SELECT count(*) FROM bus_blocked") == 0, 30, "the person goes on")

    versions, _ = observed.first_occurrences(observed.everything(stack.admin, topic))
    assert versions["01"][-2:] == [2, 3]
