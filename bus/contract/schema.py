"""What is said on each topic, under which number, and how are its bytes read and written?"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

from bus.codec import proof, written
from bus.codec.flat import pick
from bus.codec.node import Node, at, node
from bus.codec.strict import EPOCH, FIRST_MICRO, LAST_MICRO, Reader, to_micros, varint, write
from bus.contract import compose, grant, project
from bus.contract.lock import Entry, Lock, image_file
from bus.errors import Misconfigured, Reject
from bus.event import DATA, Event

ENVELOPE = "envelope.1.avsc"
LOCK = "ids.lock"
MOST_BYTES = 900_000  # under message.max.bytes, with room for headers; known before the outbox row is written
RELOCK = "run `bus contract lock`, look at what it added to schemas/ids.lock, and commit it"


class Grants(Protocol):
    """What a contract has to know of the topology."""

    @property
    def town(self) -> str: ...
    @property
    def topics(self) -> Mapping[str, Any]: ...
    @property
    def subscriptions(self) -> Mapping[str, Any]: ...
    def canonical(self, entity: str) -> str: ...
    def narrowed(self, sub: str, entity: str) -> str: ...


@dataclass(frozen=True, eq=False)
class Contract:
    """One version of what one topic says. Everything it cannot read strictly it refuses with Reject."""

    id: int
    subject: str  # the topic without the town, and "-value"
    version: int  # of the subject
    topic: str
    entity: str
    town: str
    schema: compose.Schema
    image: compose.Schema  # the part of the schema that is the image: all of it, or what is granted
    fingerprint: bytes  # 8 bytes, in every record
    narrowed: bool

    @cached_property
    def paths(self) -> tuple[str, ...]:
        return grant.paths(self.image)

    @cached_property
    def protected_paths(self) -> frozenset[str]:
        return grant.protected_paths(self.image)

    @cached_property
    def node(self) -> Node:
        return node(self.schema)

    @cached_property
    def frame(self) -> bytes:
        return struct.pack(">bI", 0, self.id)

    @cached_property
    def samples(self) -> list[bytes]:
        """Two values on which every plan of this contract is proved."""
        given = {"contract": self.fingerprint, "town": self.town} | ({"mode": DATA} if self.narrowed else {})
        return [self.frame + raw for raw in proof.samples(self.schema, self.node, given)]

    @cached_property
    def prefix(self) -> bytes:
        """How every value of this contract begins: frame, fingerprint, town."""
        town = self.town.encode()
        return self.frame + self.fingerprint + varint(len(town)) + town

    fields_in_prefix: ClassVar[int] = project.IN_START  # fingerprint and town

    def encode(self, event: Event, *, town: str, incarnation: str) -> bytes:
        """The value; of a narrowed contract: with a body of the granted fields. Raises Reject naming the field."""
        if town != self.town:
            raise Reject("an event of another town than the topic's", code="MISROUTED", where="town")
        if not self.narrowed:
            return _fitting(self._event(event, incarnation))
        body = (event.kind, event.reason, event.effective, event.supersedes, event.change_set, event.protected)
        recorded = to_micros(event.recorded)
        values = tuple(pick(event.data, path) for path in self.paths)
        return _fitting(self._notice(event.id, event.key, event.version, recorded, DATA, body, values, incarnation))

    def encode_narrowed(
        self, id: str, key: str, version: int, recorded: int, mode: str, body: Sequence[Any] | None,
        values: Sequence[Any] = (), *, incarnation: str,
    ) -> bytes:  # fmt: skip
        """`recorded`: µs; `body`: (kind, reason, effective, supersedes, change_set, protected) in DATA, else None;
        `values`: in the order of `paths`."""
        if (mode == DATA) is (body is None):
            raise Reject("mode and body contradict each other", code="DATA", where="body")
        return _fitting(self._notice(id, key, version, recorded, mode, body, values, incarnation))

    @cached_property
    def _event(self) -> Callable[..., bytes]:
        return written.event(self.node, self.prefix, self._slow_event)

    @cached_property
    def _notice(self) -> Callable[..., bytes]:
        return written.notice(self.node, self.prefix, self._slow_notice)

    def _slow_event(self, event: Event, incarnation: str) -> bytes:
        record = {name: getattr(event, name) for name in _OF_EVENT}
        outer = {"contract": self.fingerprint, "town": self.town, "incarnation": incarnation, "after": event.data}
        return self.frame + write(self.node, record | outer)

    def _slow_notice(
        self, id: str, key: str, version: int, recorded: int, mode: str, body: Sequence[Any] | None,
        values: Sequence[Any], incarnation: str,
    ) -> bytes:  # fmt: skip
        head = {"contract": self.fingerprint, "town": self.town, "incarnation": incarnation, "id": id, "key": key}
        inner = None
        if body is not None:
            inner = dict(zip(project.BODY, body, strict=True)) | {"data": _nest(self.paths, values)}
        if type(recorded) is not int or not FIRST_MICRO <= recorded <= LAST_MICRO:
            raise Reject("not a time in microseconds", code="RANGE", where="recorded")
        when = EPOCH + timedelta(microseconds=recorded)
        return self.frame + write(self.node, head | {"version": version, "recorded": when, "mode": mode, "body": inner})

    @cached_property
    def decode(self) -> Callable[[bytes], Event]:
        """The event, or Reject; of a narrowed contract: of DATA records only."""
        return project.whole(self)

    def read(self, value: bytes | None) -> dict[str, Any]:
        """The record as the schema nests it, strictly."""
        reader = Reader(self.open(value), 5)
        record: dict[str, Any] = reader.whole(self.node)
        return self._consistent(record)

    def open(self, value: bytes | None) -> bytes:
        """The value, once its frame, fingerprint and town are ours."""
        if value is not None and value.startswith(self.prefix):
            return value
        if not value:
            raise Reject("no value", code="EMPTY")
        if len(value) < 5 or value[0]:
            raise Reject("not framed: a zero byte and four bytes of schema id are missing", code="FRAMING")
        if value[:5] != self.frame:
            raise Reject("a schema id that is not this contract's", code="SCHEMA_UNKNOWN")
        if len(value) < 13:
            raise Reject("the record is cut off", code="DECODE", where="contract")
        if value[5:13] != self.fingerprint:
            raise Reject("written with another schema than its id says", code="FINGERPRINT", where="contract")
        Reader(value, 13).read(at(self.node, "town"), "town")
        raise Reject("of another town than the topic", code="MISROUTED", where="town")

    def _consistent(self, record: dict[str, Any]) -> dict[str, Any]:
        if self.narrowed and (record["mode"] == DATA) != (record["body"] is not None):
            raise Reject("mode and body contradict each other", code="DECODE", where="body")
        return record

    def decoder(self, paths: Sequence[str]) -> Callable[[bytes], tuple[Any, ...]]:
        """A compiled plan, made once per tuple of paths; times are microseconds.

        Narrowed: (id, key, version, recorded, mode, kind, reason, effective, supersedes, change_set, protected, *values
        of paths); the slots of the body are None where there is none. Canonical: (id, key, version, recorded, kind,
        reason, effective, supersedes, change_set, undoes, before_recorded, before, after), the images as tuples.
        """
        return _decoder(self, tuple(paths))


@cache
def _decoder(contract: Contract, paths: tuple[str, ...]) -> Callable[[bytes], tuple[Any, ...]]:
    return project.notice(contract, paths) if contract.narrowed else project.event(contract, paths)


_OF_EVENT = (
    "id", "kind", "reason", "key", "version", "effective", "recorded", "supersedes", "undoes", "change_set",
    "before_recorded", "before",
)  # fmt: skip


def _fitting(value: bytes) -> bytes:
    if len(value) > MOST_BYTES:
        raise Reject(f"more than {MOST_BYTES} bytes; no broker would take it", code="SIZE")
    return value


def _nest(paths: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    image: dict[str, Any] = {}
    for path, value in zip(paths, values, strict=True):
        *parents, leaf = path.split(".")
        inner = image
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[leaf] = value
    return image


class Contracts:
    """Every contract of a town, by topic and by number."""

    def __init__(self, schemas: Path, topology: Grants, *, lock: Lock | None = None) -> None:
        self.schemas, self.topology = Path(schemas), topology
        self.lock = Lock.read(self.schemas / LOCK) if lock is None else lock
        self._known: dict[int, Contract] = {}

    @classmethod
    def provisional(cls, schemas: Path, topology: Grants) -> Contracts:
        """Numbers made up where ids.lock has none: for tests and for `bus contract lock` itself."""
        lock = Lock.read(Path(schemas) / LOCK)
        made = cls(schemas, topology, lock=lock)
        for subject, image, paths, schema in made.wanted():
            lock.add(subject, compose.digest(schema).hex(), image, paths)
        return made

    def wanted(self) -> Sequence[tuple[str, str, tuple[str, ...], compose.Schema]]:
        """(subject, image, granted paths, schema) of all that the topology asks for."""
        found: list[tuple[str, str, tuple[str, ...], compose.Schema]] = []
        for entity, topic in sorted(self.topology.topics.items()):
            found.append((self._subject(self.topology.canonical(entity)), topic.schema, (), self.compose(topic.schema)))
            for name, sub in sorted(self.topology.subscriptions.items()):
                if entity in sub.reads:
                    paths = grant.granted(self.image(topic.schema), sub.reads[entity])
                    subject = self._subject(self.topology.narrowed(name, entity))
                    found.append((subject, topic.schema, paths, self.compose(topic.schema, paths)))
        return found

    def canonical(self, entity: str = "juki.resident") -> Contract:
        return self._contract(self.topology.canonical(entity), self.topology.topics[entity].schema, ())

    def narrowed(self, subscription: str, entity: str = "juki.resident") -> Contract:
        topic = self.topology.narrowed(subscription, entity)
        image = self.topology.topics[entity].schema
        paths = grant.granted(self.image(image), self.topology.subscriptions[subscription].reads[entity])
        return self._contract(topic, image, paths)

    def by_id(self, id: int) -> Contract:  # its name on the wire
        """Also versions that are no longer written. Raises Reject SCHEMA_UNKNOWN."""
        if id not in self._known:
            if not 1 <= id <= len(self.lock.entries):
                raise Reject("no such schema id", code="SCHEMA_UNKNOWN")
            self._known[id] = self._made(self.lock.entries[id - 1])
        return self._known[id]

    def of(self, value: bytes | None) -> Contract:
        """The contract whose number the value carries, which may be an older one. Raises Reject."""
        if not value:
            raise Reject("no value", code="EMPTY")
        if len(value) < 5 or value[0]:
            raise Reject("not framed: a zero byte and four bytes of schema id are missing", code="FRAMING")
        return self.by_id(int.from_bytes(value[1:5], "big"))

    def image(self, name: str) -> compose.Schema:
        image: compose.Schema = compose.read(self.schemas / image_file(name))
        return image

    def compose(self, image: str, paths: Sequence[str] = ()) -> compose.Schema:
        envelope = compose.read(self.schemas / ENVELOPE)
        if paths:
            return compose.narrowed(envelope, self.image(image), paths)
        return compose.canonical(envelope, self.image(image))

    def _subject(self, topic: str) -> str:
        return topic.removeprefix(f"{self.topology.town}.") + "-value"

    def _contract(self, topic: str, image: str, paths: Sequence[str]) -> Contract:
        sha256 = compose.digest(self.compose(image, paths)).hex()
        subject = self._subject(topic)
        entry = self.lock.find(subject, sha256)
        if entry is None:
            what, where = f"the schema of {subject} has no number yet", str(self.schemas / LOCK)
            code = "SCHEMA_CHANGED" if self.lock.of(subject) else "SCHEMA_UNLOCKED"
            raise Misconfigured(what, code=code, where=where, hint=RELOCK)
        return self.by_id(entry.id)

    def _made(self, entry: Entry) -> Contract:
        schema = self.compose(entry.image, entry.paths)
        digest = compose.digest(schema)
        if digest.hex() != entry.sha256:
            what, where = f"not what schema {entry.id} was made of", str(self.schemas / image_file(entry.image))
            raise Misconfigured(what, code="SCHEMA_CHANGED", where=where, hint="restore it from git")
        image = self.image(entry.image)
        name = entry.subject.removesuffix("-value")
        return Contract(
            id=entry.id, subject=entry.subject, version=entry.version, topic=f"{self.topology.town}.{name}",
            entity=".".join(name.split(".")[-3:-1]).replace("-", "_"), town=self.topology.town, schema=schema,
            image=grant.narrow(image, entry.paths) if entry.paths else image,
            fingerprint=digest[:8], narrowed=bool(entry.paths),
        )  # fmt: skip
