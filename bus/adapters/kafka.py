"""How do records cross Kafka, with nothing lost, skipped or reordered in silence?"""

# ruff: noqa: SLF001 - the client spells its own error codes with an underscore

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bus.adapters.kafka_group import Courtesy
from bus.broker import Message, Offsets, Record
from bus.errors import BusError, Misconfigured, Refused, Reject, Unavailable

MAX_BYTES: Final = 1_000_000  # of a record; the topics' max.message.bytes is the same
PATIENCE: Final = 120.0  # seconds until a record that nobody acknowledges counts as unknown (reliability 9)

COMMON: Final = {
    "log_level": "2",  # what goes wrong arrives as an error; librdkafka's own lines would only double it
    "reconnect.backoff.max.ms": "2000",
    "socket.keepalive.enable": "true",
}
PRODUCER: Final = COMMON | {
    "enable.idempotence": "true",
    "acks": "all",
    "max.in.flight.requests.per.connection": "5",
    "partitioner": "murmur2_random",
    "linger.ms": "5",
    "message.max.bytes": str(MAX_BYTES),
    "delivery.report.only.error": False,
}
CONSUMER: Final = COMMON | {
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": "true",
    "enable.partition.eof": "false",
    "fetch.wait.max.ms": "250",
    "fetch.queue.backoff.ms": "20",  # the default of 1 s starves a fast reader
    "fetch.error.backoff.ms": "200",
    "queued.max.messages.kbytes": "32768",
}

_DENIED: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
)
_GRAVE: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)
_UNKNOWN: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


def sort(error: KafkaError, where: str | None = None) -> BusError:
    """The client's error in the families of bus.errors."""
    code = error.code()
    if code == KafkaError._AUTHENTICATION:
        return Unavailable(
            "the broker does not accept this user or password",
            code="AUTHENTICATION",
            where=where,
            hint="check BUS_USER_*; `bus settings`",
        )
    if code == KafkaError._SSL:
        return Unavailable("no trusted TLS connection to the broker", code="TLS", where=where, hint="check BUS_CA_FILE")
    if code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        return Refused(
            "the position to read from no longer exists: records were removed before they were read",
            code="OFFSET_GONE",
            where=where,
            hint="bootstrap this reader anew; nothing is skipped in silence",
        )
    if code in _DENIED:
        return Refused("the broker denies this", code="NOT_AUTHORIZED", where=where, hint="`bus topology drift`")
    if code in _UNKNOWN:
        return Misconfigured(
            "there is no such topic or partition", code="TOPIC_UNKNOWN", where=where, hint="`bus topology apply`"
        )
    return Unavailable(f"the broker is away ({error.name()})", where=where)


class Alarm:
    """Keeps the client's background errors until somebody asks: a wrong password is told nowhere else."""

    def __init__(self) -> None:
        self.error: KafkaError | None = None
        self.grave: KafkaError | None = None  # waiting will not cure it

    def __call__(self, error: KafkaError) -> None:
        if error.fatal() or error.code() in _GRAVE:
            self.grave = error
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.error = error

    def take(self) -> KafkaError | None:
        error, self.error, self.grave = self.grave or self.error, None, None
        return error


class KafkaBroker:
    """`patience`: seconds until publish gives up on an acknowledgement; below 120 only in tests."""

    def __init__(self, client: Mapping[str, Any], patience: float = PATIENCE) -> None:
        self._client = dict(client)
        self._patience = patience
        self._producer: Producer | None = None
        self._alarm = Alarm()
        self._reader: Consumer | None = None
        self._reader_alarm = Alarm()

    def publish(self, messages: Sequence[Message]) -> None:
        for index, message in enumerate(messages):
            _weigh(index, message)
        batch = _Batch(len(messages))
        try:
            self._send(messages, batch)
            while not batch.is_done:
                self._open().flush(0.1)  # short: signals are heard, and linger does not hold the last ones back
                if self._alarm.grave is not None:
                    raise sort(self._alarm.grave)
        except BaseException:
            self._discard()
            raise
        if batch.failed is not None:
            self._discard()  # what followed the failure may or may not have arrived: a fresh producer, and all again
            raise batch.error(messages)

    def _send(self, messages: Sequence[Message], batch: _Batch) -> None:
        producer = self._open()
        for index, message in enumerate(messages):
            report = partial(batch.report, index)
            while True:
                try:
                    producer.produce(
                        message.topic,
                        message.value,
                        message.key,
                        message.partition,
                        report,
                        headers=list(message.headers),
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
                except KafkaException as error:
                    raise sort(error.args[0], message.topic) from error
            if batch.failed is not None:
                return
            if index % 1000 == 999:
                producer.poll(0)

    def _open(self) -> Producer:
        if self._producer is None:
            timeout = {"message.timeout.ms": str(int(self._patience * 1000)), "error_cb": self._alarm}
            self._producer = Producer(self._client | PRODUCER | timeout)
        return self._producer

    def _discard(self) -> None:
        """Nothing of a failed batch may arrive later, behind what is sent next."""
        producer, self._producer = self._producer, None
        self._alarm.take()
        if producer is not None:
            producer.purge()
            producer.flush(1)

    def subscribe(self, group: str, topics: Sequence[str], start: Offsets) -> KafkaSubscription:
        alarm = Alarm()
        consumer = Consumer(self._client | CONSUMER | {"group.id": group, "error_cb": alarm})
        try:
            known = {
                (topic, partition): OFFSET_BEGINNING
                for topic in topics
                for partition in _partitions(consumer, topic, alarm)
            }
            known |= {place: offset for place, offset in start.items() if place in known}
            return KafkaSubscription(consumer, known, alarm, Courtesy(self._client | COMMON, group))
        except BaseException:
            consumer.close()
            raise

    def ends(self, topics: Sequence[str]) -> Offsets:
        if self._reader is None:
            self._reader = Consumer(self._client | CONSUMER | {"group.id": "-", "error_cb": self._reader_alarm})
        found: dict[tuple[str, int], int] = {}
        for topic in topics:
            for partition in _partitions(self._reader, topic, self._reader_alarm):
                try:
                    found[topic, partition] = self._reader.get_watermark_offsets(
                        TopicPartition(topic, partition), timeout=5
                    )[1]
                except KafkaException as error:
                    raise sort(error.args[0], f"{topic}/{partition}") from error
        return found

    def close(self) -> None:
        if self._producer is not None:
            self._discard()
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Batch:
    """Only per-message reports count: flush() says 0 left when all have failed, too."""

    def __init__(self, size: int) -> None:
        self.open = size
        self.failed: int | None = None
        self.cause: KafkaError | None = None

    def report(self, index: int, error: KafkaError | None, _: Any) -> None:
        self.open -= 1
        if error is not None and (self.failed is None or index < self.failed):
            self.failed, self.cause = index, error

    @property
    def is_done(self) -> bool:
        return self.open <= 0 or self.failed is not None

    def error(self, messages: Sequence[Message]) -> BusError:
        assert self.failed is not None
        assert self.cause is not None
        if self.cause.code() in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD):
            return _never(self.failed, messages[self.failed])
        return sort(self.cause, messages[self.failed].topic)


def _weigh(index: int, message: Message) -> None:
    """Before anything is sent: or the ones behind it would arrive and it would not."""
    size = len(message.key) + len(message.value or b"") + sum(len(name) + len(value) for name, value in message.headers)
    if size > MAX_BYTES - 1000:  # the record's own frame
        raise _never(index, message)


def _never(index: int, message: Message) -> Reject:
    reject = Reject("the record is larger than the broker takes", code="RANGE", where=message.topic)
    reject.index = index
    return reject


def _partitions(consumer: Consumer, topic: str, alarm: Alarm) -> list[int]:
    found = _metadata(consumer, topic, alarm)
    if found.error is not None:
        raise sort(found.error, topic)
    return sorted(found.partitions)


def _metadata(consumer: Consumer, topic: str, alarm: Alarm, patience: int = 5) -> Any:
    """In short waits, because why it fails is only told in between."""
    while True:
        try:
            return consumer.list_topics(topic, timeout=1).topics[topic]
        except KafkaException as error:
            consumer.poll(0)
            patience -= 1
            if alarm.grave is not None or not patience:
                raise sort(alarm.take() or error.args[0], topic) from error


class KafkaSubscription:
    """All partitions, assigned by hand: no group decides who reads, the store's owner does."""

    def __init__(self, consumer: Consumer, start: dict[tuple[str, int], int], alarm: Alarm, courtesy: Courtesy) -> None:
        self._consumer = consumer
        self._courtesy = courtesy
        self._alarm = alarm
        self._next = start
        self._assign()

    def _assign(self) -> None:
        self._consumer.assign(
            [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._next.items()]
        )

    def poll(self, limit: int, wait: float) -> Sequence[Record]:
        consume: Any = self._consumer.consume  # the client's own types allow for None everywhere
        found = consume(limit, 0)
        if not found:
            found = consume(1, wait)  # it waits until it has all it was asked for: so ask for one, then for the rest
            if found and limit > 1:
                found += consume(limit - 1, 0)
        if not found:
            self._courtesy.catch_up()
            if (error := self._alarm.take()) is not None:
                raise sort(error)
            return ()
        records: list[Record] = []
        seen, made = records.append, Record._make
        after = self._next
        for message in found:
            if message.error() is not None:
                if message.topic() is None and message.error().code() not in _GRAVE:
                    continue  # of the group, which is a courtesy
                if records:  # what came before it is good; the error comes again, or did not matter
                    self._assign()
                    break
                self._judge(message)
                continue
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            headers, stamp = message.headers() or (), message.timestamp()[1]
            seen(made((topic, partition, offset, message.key(), message.value(), headers, stamp)))
            after[topic, partition] = offset + 1
        self._alarm.error = None
        return records

    def _judge(self, message: Any) -> None:
        """A message that is an error: grave ones are raised, from the same position again next time."""
        error: KafkaError = message.error()
        sorted_out = sort(error, f"{message.topic()}/{message.partition()}" if message.topic() else None)
        self._assign()
        raise sorted_out

    def position(self) -> Offsets:
        """Where nothing was read yet, the first record's place is asked for."""
        unread = [
            TopicPartition(topic, partition, OFFSET_BEGINNING)
            for (topic, partition), offset in self._next.items()
            if offset == OFFSET_BEGINNING
        ]
        if unread:  # all in one question: a hundred of them would each wait behind what is being fetched
            try:
                first = self._consumer.offsets_for_times(unread, timeout=5)
            except KafkaException as error:
                raise sort(self._alarm.take() or error.args[0], f"{unread[0].topic}/{unread[0].partition}") from error
            for place in first:
                if place.error is not None:
                    raise sort(self._alarm.take() or place.error, f"{place.topic}/{place.partition}")
                self._next[place.topic, place.partition] = place.offset
        return dict(self._next)

    def seek(self, offsets: Offsets) -> None:
        self._next.update(offsets)
        self._assign()  # drops what was fetched ahead

    def commit(self, offsets: Offsets) -> None:
        self._courtesy.tell(offsets)

    def close(self) -> None:
        self._consumer.close()
