"""What must every broker keep? Subclass BrokerSuite, give it the fixtures `broker`, `topic` and `lose`, and be green.

class TestMyBroker(BrokerSuite):
    broker: the broker; topic: the name of an empty topic with 4 partitions;
    lose: lose(topic, partition, before) removes the records before that offset, as retention does
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bus.broker import Broker, Message, Record, Subscription
from bus.errors import BusError, Refused, Reject

Lose = Callable[[str, int, int], None]


def read(subscription: Subscription, wanted: int, patience: float = 30.0) -> list[Record]:
    """Polls until so many records have come."""
    records: list[Record] = []
    deadline = time.monotonic() + patience
    while len(records) < wanted:
        assert time.monotonic() < deadline, f"{len(records)} of {wanted} records came"
        records += subscription.poll(wanted - len(records), 0.5)
    return records


def said(topic: str, count: int, keys: int = 10) -> list[Message]:
    return [Message(topic, b"%d" % (n % keys), b"value %d" % n, [("ce_id", b"%d" % n)]) for n in range(count)]


class BrokerSuite:
    def test_records_come_in_order_per_key_as_they_were_sent(self, broker: Broker, topic: str) -> None:
        messages = said(topic, 2000, keys=50)

        broker.publish(messages)

        records = read(broker.subscribe("g", [topic], {}), len(messages))
        for key in {message.key for message in messages}:
            assert [r.value for r in records if r.key == key] == [m.value for m in messages if m.key == key]
            assert len({r.partition for r in records if r.key == key}) == 1
        assert all(list(r.headers) == [("ce_id", (r.value or b"")[6:])] for r in records)

    def test_what_is_published_is_acknowledged(self, broker: Broker, topic: str) -> None:
        before = sum(broker.ends([topic]).values())

        broker.publish(said(topic, 100))

        assert sum(broker.ends([topic]).values()) == before + 100

    def test_a_given_partition_is_kept(self, broker: Broker, topic: str) -> None:
        broker.publish([Message(topic, b"k", b"v", (), partition) for partition in range(4)])

        records = read(broker.subscribe("g", [topic], {}), 4)

        assert sorted(record.partition for record in records) == [0, 1, 2, 3]

    def test_an_empty_value_and_none_are_told_apart(self, broker: Broker, topic: str) -> None:
        broker.publish([Message(topic, b"k", None), Message(topic, b"k", b"")])

        assert [record.value for record in read(broker.subscribe("g", [topic], {}), 2)] == [None, b""]

    def test_reading_begins_where_it_is_told(self, broker: Broker, topic: str) -> None:
        broker.publish([Message(topic, b"k", b"%d" % n, (), 2) for n in range(10)])

        subscription = broker.subscribe("g", [topic], {(topic, 2): 7})

        assert [record.value for record in read(subscription, 3)] == [b"7", b"8", b"9"]
        assert subscription.position()[topic, 2] == 10

    def test_one_record_is_not_held_back_until_the_batch_is_full(self, broker: Broker, topic: str) -> None:
        subscription = broker.subscribe("g", [topic], {})
        broker.publish(said(topic, 1))

        began = time.monotonic()
        records = subscription.poll(500, 20.0)

        assert len(records) == 1
        assert time.monotonic() - began < 10

    def test_a_limit_is_kept(self, broker: Broker, topic: str) -> None:
        broker.publish(said(topic, 100))

        assert len(broker.subscribe("g", [topic], {}).poll(10, 5.0)) <= 10

    def test_seeking_reads_the_same_again(self, broker: Broker, topic: str) -> None:
        broker.publish([Message(topic, b"k", b"%d" % n, (), 1) for n in range(100)])
        subscription = broker.subscribe("g", [topic], {})
        first = read(subscription, 30)

        subscription.seek({(topic, 1): 10})

        again = read(subscription, 90)
        assert again[:20] == first[10:30]
        assert [record.offset for record in again] == list(range(10, 100))

    def test_nothing_new_is_no_error(self, broker: Broker, topic: str) -> None:
        assert list(broker.subscribe("g", [topic], {}).poll(10, 0.1)) == []

    def test_a_commit_never_hurts(self, broker: Broker, topic: str) -> None:
        broker.publish(said(topic, 10))
        subscription = broker.subscribe("g", [topic], {})
        read(subscription, 10)

        subscription.commit(subscription.position())
        subscription.commit({("no such topic", 0): 5})

        assert list(subscription.poll(10, 0.2)) == []

    def test_a_position_that_is_gone_is_refused(self, broker: Broker, topic: str, lose: Lose) -> None:
        broker.publish([Message(topic, b"k", b"%d" % n, (), 0) for n in range(10)])
        lose(topic, 0, 6)
        subscription = broker.subscribe("g", [topic], {(topic, 0): 3})

        with pytest.raises(Refused) as refused:
            read(subscription, 1)

        assert refused.value.code == "OFFSET_GONE"

    def test_a_record_that_is_too_large_is_rejected_and_nothing_is_sent(self, broker: Broker, topic: str) -> None:
        before = sum(broker.ends([topic]).values())
        messages = [*said(topic, 3), Message(topic, b"k", bytes(1_100_000)), *said(topic, 3)]

        with pytest.raises(Reject) as rejected:
            broker.publish(messages)

        assert getattr(rejected.value, "index", None) == 3
        assert sum(broker.ends([topic]).values()) == before
        broker.publish(said(topic, 1))  # the broker is as good as before

    def test_an_unknown_topic_is_told(self, broker: Broker) -> None:
        with pytest.raises(BusError):
            broker.subscribe("g", ["there-is-no-such-topic"], {}).poll(1, 1.0)
