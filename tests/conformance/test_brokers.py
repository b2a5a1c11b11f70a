"""Do all brokers keep the same promises?"""

from __future__ import annotations

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from bus.adapters.kafka import KafkaBroker
from bus.adapters.memory import MemoryBroker
from bus.kit.brokers import BrokerSuite


class TestMemoryBroker(BrokerSuite):
    @pytest.fixture
    def topic(self):
        return "topic"

    @pytest.fixture
    def broker(self, topic):
        return MemoryBroker({topic: 4})

    @pytest.fixture
    def lose(self, broker):
        return broker.lose


@pytest.mark.stack
class TestKafkaBroker(BrokerSuite):
    @pytest.fixture
    def topic(self, topics):
        return topics("suite", 4)

    @pytest.fixture
    def broker(self, stack):
        broker = KafkaBroker(stack.admin)
        yield broker
        broker.close()

    @pytest.fixture
    def lose(self, stack):
        admin = AdminClient(stack.admin)

        def lose(topic: str, partition: int, before: int) -> None:
            asked = admin.delete_records([TopicPartition(topic, partition, before)])
            for future in asked.values():
                future.result(10)

        return lose
