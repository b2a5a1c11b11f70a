"""Who may hear what, and under which law? topology.yaml, checked to the last key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bus.errors import Misconfigured, Usage
from bus.event import RESIDENT
from bus.topology.reading import Place, Reading

ID: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
RESERVED: Final = frozenset(
    [
        "admin",
        "controller",
        "relay",
        "projector",
        "processors",
        "register",
        "register_owner",
        "register_app",
        "bus",
        "postgres",
        "template0",
        "template1",
        "public",
        "none",
    ]
)
REGISTER: Final = "juki"  # the system of the resident register: spoken for by the relay
_ENTITY: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")
_SCHEMA: Final = re.compile(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9_]*)\.([1-9][0-9]{0,2})")
_PATH: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_RULE: Final = re.compile(r"[a-z_][a-z0-9_]*\(\)")
_DUTY: Final = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Topic:
    entity: str  # <system>.<entity>
    schema: str  # <system>/<entity>.<major>
    partitions: int  # fixed for the life of the topic: more would break the order of a person's events
    retention_days: int
    holds: str = ""

    @property
    def major(self) -> int:
        return int(self.schema.rpartition(".")[2])


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str
    purpose: str
    statute: str
    reads: Mapping[str, tuple[str, ...]]  # entity -> granted dotted paths
    concerns: Mapping[str, str]  # entity -> a rule of the connector; an entity without one: all of it
    clock: tuple[str, ...]  # the duties of the calendar it hears (schemas/codes/duty.yaml)
    sees_protected: str | None  # the statute that lets it see protected addresses
    database: str

    @property
    def group(self) -> str:
        return self.id.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Processor:
    """A fold with memory (bus/processor): hears canonical topics, says another one."""

    id: str
    purpose: str
    reads: tuple[str, ...]  # entities
    writes: str  # an entity


@dataclass(frozen=True, slots=True)
class Topology:
    town: str
    topics: Mapping[str, Topic]
    subscriptions: Mapping[str, Subscription]
    processors: Mapping[str, Processor] = field(default_factory=dict)
    warnings: tuple[str, ...] = field(default=())

    @property
    def publishers(self) -> tuple[str, ...]:
        """The departments that say something themselves; the register speaks for the system `juki`."""
        return tuple(sorted({producer(entity) for entity in self.topics} - {REGISTER}))

    def canonical(self, entity: str) -> str:
        return f"{self.town}.{_words(entity)}.v{self._topic(entity).major}"

    def narrowed(self, subscription: str, entity: str) -> str:
        if subscription not in self.subscriptions:
            raise Misconfigured(f"there is no subscription {subscription}", hint="see topology.yaml")
        return f"{self.town}.{_words(subscription)}.in.{_words(entity)}.v{self._topic(entity).major}"

    def _topic(self, entity: str) -> Topic:
        if entity not in self.topics:
            raise Misconfigured(f"there is no topic {entity}", hint="see topology.yaml")
        return self.topics[entity]


def producer(entity: str) -> str:
    """The system whose facts these are; nobody else may say them."""
    return entity.partition(".")[0]


def _words(name: str) -> str:
    return name.replace("_", "-")


def check_digit(five: str) -> str:
    """Of a 団体コード: modulus 11, weights 6 to 2 (domain 4.1)."""
    rest = sum(int(digit) * weight for digit, weight in zip(five, (6, 5, 4, 3, 2), strict=True)) % 11
    return str((11 - rest) % 10)


def town_warning(code: str) -> str | None:
    """None: a right code. Text: a sample's. Anything else is refused."""
    if not re.fullmatch(r"[0-9]{6}", code):
        raise Usage(f"a 団体コード has 6 digits, not {code!r}", code="TOWN")
    if check_digit(code[:5]) == code[5]:
        return None
    if code.startswith("99999"):
        return f"{code} is a sample's 団体コード and can never be real"
    raise Usage(f"{code} is no 団体コード: its check digit would be {check_digit(code[:5])}", code="TOWN")


def load(path: Path, town: str | None = None) -> Topology:
    """Raises Misconfigured with every mistake, each as file:line."""
    reading = Reading(path)
    root = reading.fields(
        reading.root(), "the file", {"town": True, "topics": True, "processors": False, "subscriptions": True}
    )
    warnings = _town(reading, root.get("town"), town)
    topics = {
        entity: _topic(reading, entity, at) for entity, at in _entries(reading, root.get("topics"), "topics").items()
    }
    subscriptions = {
        name: _subscription(reading, name, at, topics)
        for name, at in _entries(reading, root.get("subscriptions"), "subscriptions").items()
    }
    processors = {
        name: _processor(reading, name, at, topics)
        for name, at in _entries(reading, root.get("processors"), "processors").items()
    }
    for twice in sorted(processors.keys() & subscriptions.keys()):
        reading.wrong(root["processors"].value[twice], f"processors.{twice}: a subscription has this name")
    reading.done()
    return Topology(town or root["town"].value, topics, subscriptions, processors, warnings)


def _entries(reading: Reading, at: Place | None, what: str) -> dict[str, Place]:
    if at is None or at.value is None:
        return {}
    if not isinstance(at.value, dict):
        reading.wrong(at, f"{what} must be a mapping")
        return {}
    return dict(at.value)


def _town(reading: Reading, at: Place | None, given: str | None) -> tuple[str, ...]:
    if given is not None:
        warning = town_warning(given)
        return (warning,) if warning else ()
    code = reading.text(at, "town")
    if at is None or not code:
        return ()
    try:
        warning = town_warning(code)
    except Usage as error:
        reading.wrong(at, f"town: {error.message}")
        return ()
    return (f"{reading.path.name}:{at.line}: {warning}",) if warning else ()


def _topic(reading: Reading, entity: str, at: Place) -> Topic:
    what = f"topics.{entity}"
    if not _ENTITY.fullmatch(entity):
        reading.wrong(at, f"{what}: a name is <system>.<entity>, each of a-z, 0-9 and _, at most 32")
    found = reading.fields(at, what, {"schema": True, "partitions": True, "retention_days": False, "holds": True})
    schema = reading.text(found.get("schema"), f"{what}.schema")
    match = _SCHEMA.fullmatch(schema)
    if schema and (match is None or f"{match[1]}.{match[2]}" != entity):
        reading.wrong(found["schema"], f"{what}.schema must be {entity.replace('.', '/')}.<major>")
    return Topic(
        entity,
        schema,
        reading.number(found.get("partitions"), f"{what}.partitions", 1, 256, 1),
        reading.number(found.get("retention_days"), f"{what}.retention_days", 1, 3650, 35),
        reading.text(found.get("holds"), f"{what}.holds"),
    )


_KEYS: Final = {
    "purpose": True,
    "statute": True,
    "reads": True,
    "concerns": False,
    "clock": False,
    "sees_protected": False,
    "database": False,
}


def _subscription(reading: Reading, name: str, at: Place, topics: Mapping[str, Topic]) -> Subscription:
    what = f"subscriptions.{name}"
    if not ID.fullmatch(name):
        reading.wrong(at, f"{what}: an id is of a-z, 0-9 and _, at most 32, and begins with a letter")
    if name in RESERVED or name.startswith("pg_"):
        reading.wrong(at, f"{what}: this name belongs to the bus itself")
    found = reading.fields(at, what, _KEYS)
    database = reading.text(found["database"], f"{what}.database") if "database" in found else name
    if not ID.fullmatch(database) or database in RESERVED:
        reading.wrong(found.get("database", at), f"{what}.database is no name for a department's database")
    reads = _reads(reading, what, found.get("reads"), topics)
    return Subscription(
        name,
        reading.text(found.get("purpose"), f"{what}.purpose"),
        reading.text(found.get("statute"), f"{what}.statute"),
        reads,
        _concerns(reading, f"{what}.concerns", found.get("concerns"), reads),
        _duties(reading, f"{what}.clock", found.get("clock"), reads),
        reading.text(found["sees_protected"], f"{what}.sees_protected") if "sees_protected" in found else None,
        database,
    )


def _concerns(reading: Reading, what: str, at: Place | None, reads: Mapping[str, object]) -> dict[str, str]:
    """One rule alone is about residents."""
    if at is None:
        return {}
    given = {RESIDENT: at} if isinstance(at.value, str) else _entries(reading, at, what)
    for entity, rule in given.items():
        if entity not in reads:
            reading.wrong(rule, f"{what}: {entity} is not among the reads")
        if not _RULE.fullmatch(reading.text(rule, f"{what}.{entity}")):
            reading.wrong(rule, f"{what} must be a rule's call, such as may_be_pupil()")
    return {entity: str(rule.value) for entity, rule in given.items()}


def _duties(reading: Reading, what: str, at: Place | None, reads: Mapping[str, object]) -> tuple[str, ...]:
    if at is None:
        return ()
    if not isinstance(at.value, tuple) or not at.value:
        reading.wrong(at, f"{what} must be a list of duties of schemas/codes/duty.yaml")
        return ()
    if RESIDENT not in reads:
        reading.wrong(at, f"{what}: the calendar speaks of residents, who are not among the reads")
    said = tuple(reading.text(place, what) for place in at.value)
    for place, duty in zip(at.value, said, strict=True):
        if not _DUTY.fullmatch(duty) or said.count(duty) > 1:
            reading.wrong(place, f"{what}: {duty} is no duty, or is said twice")
    return said


def _processor(reading: Reading, name: str, at: Place, topics: Mapping[str, Topic]) -> Processor:
    what = f"processors.{name}"
    if not ID.fullmatch(name) or name in RESERVED:
        reading.wrong(at, f"{what}: an id is of a-z, 0-9 and _, at most 32, and none of the bus's own names")
    found = reading.fields(at, what, {"purpose": True, "reads": True, "writes": True})
    heard = found["reads"].value if "reads" in found and isinstance(found["reads"].value, tuple) else ()
    reads = tuple(reading.text(place, f"{what}.reads") for place in heard)
    writes = reading.text(found.get("writes"), f"{what}.writes")
    for entity in (*reads, writes):
        if entity not in topics:
            reading.wrong(at, f"{what}: there is no topic {entity}")
    return Processor(name, reading.text(found.get("purpose"), f"{what}.purpose"), reads, writes)


def _reads(reading: Reading, what: str, at: Place | None, topics: Mapping[str, Topic]) -> dict[str, tuple[str, ...]]:
    granted: dict[str, tuple[str, ...]] = {}
    if at is not None and not at.value:
        reading.wrong(at, f"{what}.reads grants nothing")
    for entity, paths in _entries(reading, at, f"{what}.reads").items():
        if entity not in topics:
            reading.wrong(paths, f"{what}.reads: there is no topic {entity}; there are {', '.join(topics) or 'none'}")
        if not isinstance(paths.value, tuple) or not paths.value:
            reading.wrong(paths, f"{what}.reads.{entity} must be a list of fields")
            continue
        granted[entity] = _paths(reading, f"{what}.reads.{entity}", paths.value)
    return granted


def _paths(reading: Reading, what: str, places: tuple[Place, ...]) -> tuple[str, ...]:
    said: list[str] = []
    for place in places:
        path = reading.text(place, what)
        if path and not _PATH.fullmatch(path):
            reading.wrong(place, f"{what}: {path} is no dotted path of a field; wildcards are not granted")
        elif path in said:
            reading.wrong(place, f"{what}: {path} is said twice")
        said.append(path)
    return tuple(said)
