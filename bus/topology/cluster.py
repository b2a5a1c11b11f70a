"""Port: what is there in the cluster, and how is one thing of it changed?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Acl(NamedTuple):
    """One permission. What the bus derives is allowed, literal, from any host; what is found may be anything."""

    principal: str  # without `User:`
    operation: str  # READ, WRITE, …
    resource: str  # TOPIC, GROUP, …
    name: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"

    def __str__(self) -> str:
        unusual = [
            word
            for word, usual in ((self.pattern, "LITERAL"), (self.permission, "ALLOW"), (self.host, "*"))
            if word != usual
        ]
        return f"{self.principal} {self.operation} {self.resource.lower()} {self.name}" + (
            f" ({', '.join(unusual)})" if unusual else ""
        )


class TopicState(NamedTuple):
    partitions: int
    replicas: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """A cluster, desired or actual; in a desired one `brokers` says how many the settings were made for."""

    topics: Mapping[str, TopicState] = field(default_factory=dict)
    users: frozenset[str] = frozenset()
    acls: frozenset[Acl] = frozenset()
    brokers: int = 1


@dataclass(frozen=True, slots=True)
class CreateTopic:
    name: str
    state: TopicState

    def __str__(self) -> str:
        settings = " ".join(f"{name}={value}" for name, value in sorted(self.state.settings.items()))
        return (
            f"create topic {self.name}: {self.state.partitions} partitions, {self.state.replicas} replicas, {settings}"
        )


@dataclass(frozen=True, slots=True)
class Configure:
    topic: str
    setting: str
    before: str | None
    after: str

    def __str__(self) -> str:
        return f"set {self.topic} {self.setting}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class DeleteTopic:
    name: str

    def __str__(self) -> str:
        return f"delete topic {self.name} with its records"


@dataclass(frozen=True, slots=True)
class CreateUser:
    name: str

    def __str__(self) -> str:
        return f"create user {self.name}"


@dataclass(frozen=True, slots=True)
class Grant:
    acl: Acl

    def __str__(self) -> str:
        return f"grant {self.acl}"


@dataclass(frozen=True, slots=True)
class Revoke:
    acl: Acl

    def __str__(self) -> str:
        return f"revoke {self.acl}"


Action = CreateTopic | Configure | DeleteTopic | CreateUser | Grant | Revoke


class Cluster(Protocol):
    def read(self) -> Shape:
        """As it is now: topics with the settings given to them, users, permissions. Raises Unavailable."""

    def do(self, actions: Iterable[Action]) -> None:
        """Returns when all are visible to clients, permissions too. Raises Unavailable, Misconfigured."""

    def close(self) -> None: ...


class Prober(Protocol):
    """Tries as one principal; for bus.topology.probe."""

    def topics(self, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Operations the broker lets this principal do, by topic. READ and WRITE are tried, the others asked for."""

    def groups(self, names: Iterable[str]) -> Mapping[str, frozenset[str]]: ...

    def cluster(self) -> frozenset[str]: ...

    def close(self) -> None: ...
