"""How is a Kafka cluster read and changed, as the topology wants it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from bus.adapters.kafka import COMMON, CONSUMER, Alarm, sort
from bus.errors import Misconfigured, Unavailable
from bus.topology.cluster import (
    Acl,
    Action,
    Configure,
    CreateTopic,
    CreateUser,
    DeleteTopic,
    Grant,
    Revoke,
    Shape,
    TopicState,
)

T = TypeVar("T")
TIMEOUT: Final = 30.0  # hundreds of topics and permissions on a busy machine take their time
ITERATIONS: Final = 4096
_ANYTHING: Final[Any] = None  # the client's types do not know that this is allowed
_EVERY: Final = AclBindingFilter(
    ResourceType.ANY, _ANYTHING, ResourcePatternType.ANY, _ANYTHING, _ANYTHING, AclOperation.ANY, AclPermissionType.ANY
)


class KafkaCluster:
    """`passwords`: of the users it may have to create. One call per sort of action."""

    def __init__(self, client: Mapping[str, Any], passwords: Mapping[str, str]) -> None:
        self._alarm = Alarm()
        self._admin = AdminClient(dict(client) | COMMON | {"error_cb": self._alarm})
        self._passwords = passwords

    def read(self) -> Shape:
        metadata = self._call(lambda: self._admin.list_topics(timeout=TIMEOUT))
        names = [name for name in metadata.topics if not name.startswith("__")]
        settings = self._settings(names)
        topics = {
            name: TopicState(len(metadata.topics[name].partitions), _replicas(metadata.topics[name]), settings[name])
            for name in names
            if name in settings
        }
        users = self._ask(self._admin.describe_user_scram_credentials(request_timeout=TIMEOUT))
        return Shape(topics, frozenset(users), self._acls(), len(metadata.brokers))

    def _settings(self, names: list[str]) -> dict[str, dict[str, str]]:
        """Only what was set on the topic itself; a topic that goes while we ask is left out."""
        if not names:
            return {}
        asked = self._admin.describe_configs(
            [ConfigResource(ResourceType.TOPIC, name) for name in names], request_timeout=TIMEOUT
        )
        found: dict[str, dict[str, str]] = {}
        for resource, future in asked.items():
            try:
                entries = future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue
                raise sort(error.args[0], resource.name) from error
            own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
            found[resource.name] = {name: entry.value for name, entry in entries.items() if entry.source == own}
        return found

    def _acls(self) -> frozenset[Acl]:
        bindings = self._ask(self._admin.describe_acls(_EVERY, request_timeout=TIMEOUT))
        return frozenset(
            Acl(
                binding.principal.removeprefix("User:"),
                binding.operation.name,
                binding.restype.name,
                binding.name,
                binding.resource_pattern_type.name,
                binding.permission_type.name,
                binding.host,
            )
            for binding in bindings
        )

    def do(self, actions: Iterable[Action]) -> None:
        steps = list(actions)
        self._create_topics([step for step in steps if isinstance(step, CreateTopic)])
        self._configure([step for step in steps if isinstance(step, Configure)])
        self._create_users([step.name for step in steps if isinstance(step, CreateUser)])
        self._permit([s.acl for s in steps if isinstance(s, Grant)], [s.acl for s in steps if isinstance(s, Revoke)])
        if gone := [step.name for step in steps if isinstance(step, DeleteTopic)]:
            self._all(self._admin.delete_topics(gone, request_timeout=TIMEOUT))

    def _create_topics(self, steps: list[CreateTopic]) -> None:
        if not steps:
            return
        wanted = [
            NewTopic(step.name, step.state.partitions, step.state.replicas, config=dict(step.state.settings))
            for step in steps
        ]
        self._all(self._admin.create_topics(wanted, request_timeout=TIMEOUT), but=KafkaError.TOPIC_ALREADY_EXISTS)
        names = {step.name: step.state.partitions for step in steps}

        def led() -> bool:
            """A client that comes at once must find leaders, or it would wait for its next look."""
            topics = self._call(lambda: self._admin.list_topics(timeout=TIMEOUT)).topics
            return all(
                name in topics and [p.leader >= 0 for p in topics[name].partitions.values()] == [True] * count
                for name, count in names.items()
            )

        self._until(led, "the new topics")

    def _configure(self, steps: list[Configure]) -> None:
        changes: dict[str, list[ConfigEntry]] = {}
        for step in steps:
            entry = ConfigEntry(step.setting, step.after, incremental_operation=AlterConfigOpType.SET)
            changes.setdefault(step.topic, []).append(entry)
        if changes:
            resources = [
                ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
                for name, entries in changes.items()
            ]
            self._all(self._admin.incremental_alter_configs(resources, request_timeout=TIMEOUT))

    def _create_users(self, names: list[str]) -> None:
        unknown = [name for name in names if name not in self._passwords]
        if unknown:
            raise Misconfigured(
                f"no password is known for the new users {', '.join(unknown)}",
                code="NO_PASSWORD",
                hint="`bus stack up` makes them for the embedded stack; else set BUS_USER_<NAME>",
            )
        if names:
            self.set_passwords({name: self._passwords[name] for name in names})

    def set_passwords(self, users: Mapping[str, str]) -> None:
        """Also for users that exist: the old password is no longer taken for new connections."""
        kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        asked: list[Any] = [
            UserScramCredentialUpsertion(name, kind, password.encode()) for name, password in users.items()
        ]
        self._all(self._admin.alter_user_scram_credentials(asked, request_timeout=TIMEOUT))

    def _permit(self, grants: list[Acl], revokes: list[Acl]) -> None:
        """The broker applies permissions a moment after it has taken them: wait until they show.

        A broker that has just begun, on a busy machine, was seen to take some and to forget them: these are asked for
        again, which changes nothing where they are there.
        """
        if revokes:
            self._all(self._admin.delete_acls([_filter(acl) for acl in revokes], request_timeout=TIMEOUT))
        for patience in (TIMEOUT / 6, TIMEOUT / 3, TIMEOUT):
            if missing := sorted(set(grants) - self._acls(), key=str):
                self._all(self._admin.create_acls([_binding(acl) for acl in missing], request_timeout=TIMEOUT))
            try:
                self._until(lambda: self._are_shown(grants, revokes), "the new permissions", patience)
                return
            except Unavailable:
                if patience == TIMEOUT:
                    raise

    def _are_shown(self, grants: list[Acl], revokes: list[Acl]) -> bool:
        now = self._acls()
        return now.issuperset(grants) and now.isdisjoint(revokes)

    def _until(self, true: Callable[[], bool], what: str, patience: float = TIMEOUT) -> None:
        deadline = time.monotonic() + patience
        while not true():
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{what} do not show", code="NOT_APPLIED", hint="try again; `bus topology drift` tells"
                )
            time.sleep(0.02)

    def _all(self, futures: Mapping[Any, Future[Any]], but: int | None = None) -> None:
        for what, future in futures.items():
            try:
                future.result(TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() != but:
                    raise sort(error.args[0], str(getattr(what, "name", what))) from error

    def _ask(self, future: Any) -> Any:
        return self._call(lambda: future.result(TIMEOUT))

    def _call(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except KafkaException as error:
            self._admin.poll(0)  # hears why
            raise sort(self._alarm.take() or error.args[0]) from error

    def close(self) -> None:
        del self._admin


def _replicas(topic: Any) -> int:
    return min((len(partition.replicas) for partition in topic.partitions.values()), default=0)


def _binding(acl: Acl) -> AclBinding:
    return AclBinding(*_parts(acl))


def _filter(acl: Acl) -> AclBindingFilter:
    return AclBindingFilter(*_parts(acl))


def _parts(acl: Acl) -> tuple[Any, ...]:
    return (
        ResourceType[acl.resource],
        acl.name,
        ResourcePatternType[acl.pattern],
        f"User:{acl.principal}",
        acl.host,
        AclOperation[acl.operation],
        AclPermissionType[acl.permission],
    )


def answers(client: Mapping[str, Any], brokers: int) -> bool:
    """Does a cluster of that many brokers let this user in?"""
    alarm = Alarm()
    consumer = Consumer(
        dict(client) | CONSUMER | {"group.id": "-", "error_cb": alarm, "reconnect.backoff.max.ms": "100"}
    )
    deadline = time.monotonic() + 2
    try:
        while time.monotonic() < deadline:
            if len(consumer.list_topics(timeout=1).brokers) >= brokers:
                return True
        return False
    except KafkaException:
        return False
    finally:
        consumer.close()
