"""Does the Kafka adapter say what is wrong, and go on after an outage?"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from bus.adapters.kafka import KafkaBroker
from bus.broker import Message
from bus.errors import Refused, Unavailable
from bus.kit.brokers import read, said
from bus.stack.process import wait_until
from bus.wiring import Wiring
from tests.conftest import Running

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("use", ["publish", "subscribe", "ends"])
def test_a_wrong_password_is_named(stack: Running, topics: Callable[..., str], use: str) -> None:
    topic = topics("secret")
    broker = KafkaBroker(stack.admin | {"sasl.password": "wrong"}, patience=5)

    began = time.monotonic()
    with pytest.raises(Unavailable) as away:
        {
            "publish": lambda: broker.publish(said(topic, 1)),
            "subscribe": lambda: broker.subscribe("g", [topic], {}),
            "ends": lambda: broker.ends([topic]),
        }[use]()

    assert away.value.code == "AUTHENTICATION"
    assert time.monotonic() - began < 10
    assert "wrong" not in str(away.value)


def test_what_was_not_granted_is_refused(stack: Running) -> None:
    canonical = Wiring(stack.settings).topology.canonical("juki.resident")
    relay = KafkaBroker(Wiring(stack.settings).client("relay"))

    subscription = relay.subscribe("g", [canonical], {})

    with pytest.raises(Refused) as refused:
        read(subscription, 1)
    assert refused.value.code == "NOT_AUTHORIZED"


def test_a_group_that_was_not_granted_disturbs_nobody(stack: Running) -> None:
    wiring = Wiring(stack.settings)
    canonical = wiring.topology.canonical("juki.resident")
    projector = KafkaBroker(wiring.client("projector"))

    subscription = projector.subscribe("not-its-own", [canonical], {})

    for _ in range(4):
        subscription.commit({(canonical, 0): 0})
        assert list(subscription.poll(10, 0.3)) == []


@pytest.fixture
def frail(own: Callable[..., Running]) -> Iterator[Running]:
    """A stack of this test's own: its broker will die."""
    return own()


def test_an_outage_is_told_and_ends_without_a_restart(frail: Running) -> None:
    topic = Wiring(frail.settings).topology.canonical("juki.resident")
    broker = KafkaBroker(frail.admin, patience=2)
    subscription = broker.subscribe("g", [topic], {})
    broker.publish(said(topic, 50))
    first = read(subscription, 50)

    os.kill(frail.pid("kafka-1"), signal.SIGKILL)
    assert wait_until(lambda: not frail.is_alive("kafka-1"), 5)
    with pytest.raises(Unavailable):
        broker.publish(said(topic, 10))
    away = _polls_quietly(subscription)
    frail.again()

    broker.publish([Message(topic, b"back", b"again", (), 0)])
    later = _poll_until(subscription, b"again")
    assert away == []
    assert len(first) == 50
    assert later[-1].key == b"back"


def _polls_quietly(subscription) -> list:
    """Nothing, or Unavailable; never a crash, never a record that is not there."""
    found = []
    for _ in range(4):
        try:
            found += subscription.poll(10, 0.3)
        except Unavailable:
            continue
    return found


def _poll_until(subscription, value: bytes) -> list:
    records: list = []
    deadline = time.monotonic() + 30
    while not records or records[-1].value != value:
        assert time.monotonic() < deadline
        try:
            records += subscription.poll(100, 0.5)
        except Unavailable:
            continue
    return records
