"""A topic of its own on the real broker, and a department's database, for a department that only these tests know."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bus.adapters.kafka import KafkaBroker
from bus.contract.schema import Contracts
from bus.topology.cluster import CreateTopic, DeleteTopic, TopicState
from tests.connector.department import Voice, contracts


@dataclass
class Room:
    name: str
    known: Contracts
    voice: Voice
    dsn: str
    client: dict[str, Any]
    broker: KafkaBroker


@pytest.fixture
def room(stack, database, request) -> Iterator[Room]:
    name = f"t{secrets.token_hex(4)}"
    known = contracts(name, *getattr(request, "param", ()))
    voice = Voice(known.narrowed(name))
    cluster = stack.cluster
    cluster.do([CreateTopic(voice.topic, TopicState(4, 1, {"message.timestamp.type": "LogAppendTime"}))])
    broker = KafkaBroker(stack.admin)
    yield Room(name, known, voice, database("department"), dict(stack.admin), broker)
    broker.close()
    cluster.do([DeleteTopic(voice.topic)])
    cluster.close()
