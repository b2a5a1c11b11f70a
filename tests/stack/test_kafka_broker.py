"""Does the Kafka adapter keep the promises of the port, against a real broker?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bus.adapters.kafka import KafkaBroker
from bus.broker import Message
from bus.errors import Misconfigured, Refused, Reject, Unavailable
from tests.conftest import Running

pytestmark = pytest.mark.stack


def drain(subscription, wanted: int):  # type: ignore[no-untyped-def]
    """Reads until so many records are there."""
    records = []
    for _ in range(200):
        records += subscription.poll(1000, 0.5)
        if len(records) >= wanted:
            return records
    raise AssertionError(f"{len(records)} of {wanted} records")


def test_records_come_back_in_order_per_key_with_headers(stack: Running, topics: Callable[..., str]) -> None:
    topic = topics("order", 4)
    broker = KafkaBroker(stack.admin)
    sent = [Message(topic, b"%d" % (n % 50), b"%d" % n, [("ce_id", b"%d" % n)]) for n in range(5000)]

    broker.publish(sent)

    subscription = broker.subscribe("test", [topic], {})
    records = drain(subscription, len(sent))
    assert len(records) == len(sent)
    for key in {message.key for message in sent}:
        assert [r.value for r in records if r.key == key] == [m.value for m in sent if m.key == key]
    assert all(r.headers == [("ce_id", r.value)] and r.timestamp > 0 for r in records)
    assert sum(subscription.position().values()) == sum(broker.ends([topic]).values()) == len(sent)
    subscription.close()
    broker.close()


def test_one_record_is_not_held_back_until_the_batch_is_full(stack: Running, topics: Callable[..., str]) -> None:
    topic = topics("prompt")
    broker = KafkaBroker(stack.admin)
    subscription = broker.subscribe("test", [topic], {})
    broker.publish([Message(topic, b"k", b"v")])

    records = subscription.poll(500, 30.0)  # would wait for 500, were it to ask for them

    assert [record.value for record in records] == [b"v"]
    subscription.close()
    broker.close()
