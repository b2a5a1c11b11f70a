"""What does the broker let one principal do? Reading and writing are tried, the rest is the broker's own answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from bus.adapters.kafka import COMMON, MAX_BYTES, Alarm, sort
from bus.errors import Unavailable

TIMEOUT: Final = 10.0
_DENIED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_ABSENT: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)  # noqa: SLF001
_EOF: Final = KafkaError._PARTITION_EOF  # noqa: SLF001


class KafkaProber:
    """Writes nothing: the record it offers is too large for any topic, which is said only to those who may write."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = dict(client) | COMMON
        self._alarm = Alarm()
        self._admin = AdminClient(self._client | {"error_cb": self._alarm})

    def topics(self, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
        asked = list(names)
        futures = self._admin.describe_topics(
            TopicCollection(asked), include_authorized_operations=True, request_timeout=TIMEOUT
        )
        told = {name: self._operations(future) for name, future in futures.items()}
        visible = [name for name in asked if told[name]]  # of the others a client learns no leader: nothing can be sent
        tried = {"READ": self._readable(visible), "WRITE": self._writable(asked)}
        others = {name: operations - {"READ", "WRITE"} for name, operations in told.items()}
        return {name: others[name] | {verb for verb, may in tried.items() if name in may} for name in asked}

    def groups(self, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
        futures = self._admin.describe_consumer_groups(
            list(names), include_authorized_operations=True, request_timeout=TIMEOUT
        )
        return {name: self._operations(future) for name, future in futures.items()}

    def cluster(self) -> frozenset[str]:
        return self._operations(
            self._admin.describe_cluster(include_authorized_operations=True, request_timeout=TIMEOUT)
        )

    def _operations(self, future: Any) -> frozenset[str]:
        try:
            return frozenset(operation.name for operation in future.result(TIMEOUT).authorized_operations or ())
        except KafkaException as error:
            if error.args[0].code() in (*_DENIED, *_ABSENT):
                return frozenset()
            self._admin.poll(0)
            raise sort(self._alarm.take() or error.args[0]) from error

    def _readable(self, names: list[str]) -> set[str]:
        """A fetch at the end of each topic: the broker says `end` or `denied`."""
        settings = {
            "group.id": "-",
            "enable.partition.eof": True,
            "auto.offset.reset": "latest",
            "error_cb": self._alarm,
        }
        consumer = Consumer(self._client | settings)
        consumer.assign([TopicPartition(name, 0, OFFSET_END) for name in names])
        heard: dict[str, bool] = {}
        deadline = time.monotonic() + TIMEOUT
        try:
            while len(heard) < len(names):
                self._in_time(deadline)
                for message in consumer.consume(len(names), 0.05):
                    error: Any = message.error()
                    if error is None or error.code() == _EOF:
                        heard[str(message.topic())] = True
                    elif error.code() in (*_DENIED, *_ABSENT) and message.topic():
                        heard.setdefault(str(message.topic()), False)
        finally:
            consumer.close()
        return {name for name, may in heard.items() if may}

    def _writable(self, names: list[str]) -> set[str]:
        producer = Producer(
            self._client | {"message.max.bytes": 4 * MAX_BYTES, "message.timeout.ms": 8000, "error_cb": self._alarm}
        )
        heard: dict[str, bool] = {}
        deadline = time.monotonic() + TIMEOUT
        for name in names:
            try:
                producer.produce(name, bytes(MAX_BYTES * 3 // 2), b"probe", 0, partial(_report, heard, name))
            except KafkaException as refused:  # the client may know by now that it is denied, and says so at once
                _report(heard, name, refused.args[0], None)
        while len(heard) < len(names):
            self._in_time(deadline)
            producer.flush(0.05)
        return {name for name, may in heard.items() if may}

    def _in_time(self, deadline: float) -> None:
        if self._alarm.grave is not None:
            raise sort(self._alarm.grave)
        if time.monotonic() > deadline:
            raise Unavailable("the broker gives no answer to a probe", code="PROBE")

    def close(self) -> None:
        del self._admin


def _report(heard: dict[str, bool], name: str, error: KafkaError | None, _: Any) -> None:
    if error is None or error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        heard[name] = True
    elif error.code() in (*_DENIED, *_ABSENT):
        heard[name] = False
    else:
        raise sort(error, name)
