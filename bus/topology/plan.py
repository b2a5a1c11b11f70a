"""What must be done so that the cluster is as desired? (Pure. The second plan is empty.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bus.errors import Misconfigured, Refused
from bus.topology.cluster import Acl, Action, Configure, CreateTopic, CreateUser, DeleteTopic, Grant, Revoke, Shape
from bus.topology.reading import Reading

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody has said, by name and for a while, that a destructive action may be done."""

    action: str  # word for word as the plan prints it
    by: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Plan:
    actions: tuple[Action, ...] = ()
    conflicts: tuple[str, ...] = ()  # what no action can mend

    def __str__(self) -> str:
        lines = [f"{_sign(action)} {action}" for action in self.actions] + [
            f"! {conflict}" for conflict in self.conflicts
        ]
        return "\n".join(lines) or "nothing to do"

    @property
    def is_empty(self) -> bool:
        return not self.actions and not self.conflicts

    @property
    def destructive(self) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if is_destructive(action))

    @property
    def harmless(self) -> Plan:
        """Without what needs an approval, and without what cannot be done."""
        return Plan(tuple(action for action in self.actions if not is_destructive(action)))

    def approve(self, approvals: Iterable[Approval], today: date) -> None:
        """Raises when something of the plan may not be done; nothing of it is done then."""
        if self.conflicts:
            raise Misconfigured(
                "\n".join(self.conflicts), code="CONFLICT", hint="make a new topic (next major) and move over"
            )
        granted = {approval.action: approval.until for approval in approvals}
        refused = [
            f"{action}: " + ("its approval has expired" if str(action) in granted else "no approval")
            for action in self.destructive
            if granted.get(str(action), date.min) < today
        ]
        if refused:
            raise Refused(
                "\n".join(refused),
                code="NOT_APPROVED",
                hint="write action, by, reason and until into the file of --approvals",
            )

    def as_json(self) -> dict[str, object]:
        return {
            "actions": [{"action": str(action), "destructive": is_destructive(action)} for action in self.actions],
            "conflicts": list(self.conflicts),
        }


def is_destructive(action: Action) -> bool:
    """Records are lost: a topic goes, or is kept for less long."""
    if isinstance(action, Configure) and action.setting in ("retention.ms", "retention.bytes"):
        return _keeps(action.after) < _keeps(action.before)
    return isinstance(action, DeleteTopic)


def _keeps(value: str | None) -> float:
    """-1 and nothing at all keep for ever."""
    return float("inf") if value in (None, "-1") else float(value or 0)


def _sign(action: Action) -> str:
    if is_destructive(action):
        return "-!"
    return {"CreateTopic": "+", "CreateUser": "+", "Grant": "+", "Configure": "~", "Revoke": "-"}[type(action).__name__]


def plan(desired: Shape, actual: Shape, town: str) -> Plan:
    """Touches what belongs to the town: its topics, its users, and every permission that reaches one of them."""
    new = {name for name in desired.topics if name not in actual.topics}
    actions: list[Action] = [CreateTopic(name, desired.topics[name]) for name in sorted(new)]
    actions += _configure(desired, actual)
    actions += [CreateUser(name) for name in sorted(desired.users - actual.users)]
    actions += [Grant(acl) for acl in sorted(desired.acls - actual.acls)]
    actions += [Revoke(acl) for acl in sorted(actual.acls - desired.acls) if _reaches(acl, desired, town)]
    gone = (name for name in actual.topics if name.startswith(f"{town}.") and name not in desired.topics)
    actions += [DeleteTopic(name) for name in sorted(gone)]
    return Plan(tuple(actions), tuple(_conflicts(desired, actual)))


def _configure(desired: Shape, actual: Shape) -> Iterator[Action]:
    for name, state in sorted(desired.topics.items()):
        if name in actual.topics:
            has = actual.topics[name].settings
            for setting, value in sorted(state.settings.items()):
                if has.get(setting) != value:
                    yield Configure(name, setting, has.get(setting), value)


def _conflicts(desired: Shape, actual: Shape) -> Iterator[str]:
    for name, state in sorted(desired.topics.items()):
        has = actual.topics.get(name)
        if has is not None and has.partitions != state.partitions:
            yield f"{name} has {has.partitions} partitions, not {state.partitions}; they are fixed for a topic's life"
        if has is not None and has.replicas != state.replicas:
            yield f"{name} has {has.replicas} replicas, not {state.replicas}; reassign them with Kafka's own tool"


def _reaches(acl: Acl, desired: Shape, town: str) -> bool:
    """Whoever it is granted to, if it opens something of ours; whatever it opens, if it is granted to one of ours."""
    if acl.principal in desired.users:
        return True
    if acl.permission == "DENY":
        return False  # somebody closed a door; it is not ours to open
    if acl.principal == EVERYBODY:
        return True
    ours = f"{town}."
    if acl.resource == "GROUP":
        names = {known.name for known in desired.acls if known.resource == "GROUP"}
        return acl.name == "*" or any(
            name.startswith(acl.name) if acl.pattern == "PREFIXED" else name == acl.name for name in names
        )
    if acl.resource != "TOPIC":
        return False
    if acl.pattern == "PREFIXED":
        return acl.name.startswith(ours) or ours.startswith(acl.name)
    return acl.name == "*" or acl.name.startswith(ours)


def approvals(path: Path) -> list[Approval]:
    """A list of {action, by, reason, until}."""
    reading = Reading(path)
    root = reading.root()
    found = []
    if not isinstance(root.value, tuple):
        reading.wrong(root, "approvals are a list")
    for at in root.value if isinstance(root.value, tuple) else ():
        entry = reading.fields(at, "an approval", dict.fromkeys(("action", "by", "reason", "until"), True))
        said = {name: reading.text(entry.get(name), name) for name in ("action", "by", "reason", "until")}
        try:
            found.append(Approval(said["action"], said["by"], said["reason"], date.fromisoformat(said["until"])))
        except ValueError:
            reading.wrong(at, "until must be a day such as 2026-04-01")
    reading.done()
    return found
