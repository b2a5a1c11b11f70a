"""How do dashboards learn where a reader stands? By the group's offsets, told on the side; nothing waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from bus.broker import Offsets


class Courtesy:
    """Not the consumer's own commit: that one holds up closing for 45 s when the group is denied or away."""

    def __init__(self, client: Mapping[str, Any], group: str) -> None:
        self._client = client
        self._group = group
        self._admin: AdminClient | None = None
        self._news: dict[tuple[str, int], int] = {}
        self._told: Future[Any] | None = None

    def tell(self, offsets: Offsets) -> None:
        self._news.update({place: offset for place, offset in offsets.items() if offset >= 0})
        self.catch_up()

    def catch_up(self) -> None:
        """One request at a time; what came meanwhile goes with the next."""
        if not self._news or (self._told is not None and not self._told.done()):
            return
        places = [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._news.items()]
        self._news = {}
        try:
            if self._admin is None:
                self._admin = AdminClient(dict(self._client) | {"error_cb": lambda _: None})
            request = [ConsumerGroupTopicPartitions(self._group, places)]
            (self._told,) = self._admin.alter_consumer_group_offsets(request, request_timeout=5).values()
        except (KafkaException, ValueError):
            return
