"""Is the plan as expected, and the second one empty? A folder per case: desired.yaml, actual.yaml, plan.txt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bus.errors import Misconfigured, Refused
from bus.topology.acl import desired
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
from bus.topology.model import load
from bus.topology.plan import Approval, Plan, approvals, plan

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir())


def shape(path: Path, wanted: Shape) -> Shape:
    """actual.yaml: `as_desired: true` and what differs from it."""
    said: Mapping[str, Any] = YAML(typ="safe").load(path) or {}
    base = wanted if said.get("as_desired") else Shape()
    topics = dict(base.topics)
    for name, changes in (said.get("topics") or {}).items():
        if changes is None:
            del topics[name]
            continue
        old = topics.get(name, TopicState(1, 1, {}))
        topics[name] = TopicState(
            changes.get("partitions", old.partitions),
            changes.get("replicas", old.replicas),
            {**old.settings, **changes.get("settings", {})},
        )
    acls = set(base.acls) | {Acl(*text.split()) for text in said.get("more_acls") or ()}
    acls -= {Acl(*text.split()) for text in said.get("fewer_acls") or ()}
    users = base.users | set(said.get("more_users") or ()) - set(said.get("fewer_users") or ())
    return Shape(topics, users - set(said.get("fewer_users") or ()), frozenset(acls), said.get("brokers", 1))


def done(action: Action, now: Shape) -> Shape:
    """What the cluster is after an action."""
    topics, users, acls = dict(now.topics), now.users, now.acls
    match action:
        case CreateTopic(name, state):
            topics[name] = state
        case Configure(name, setting, _, after):
            topics[name] = topics[name]._replace(settings={**topics[name].settings, setting: after})
        case DeleteTopic(name):
            del topics[name]
        case CreateUser(name):
            users |= {name}
        case Grant(acl):
            acls |= {acl}
        case Revoke(acl):
            acls -= {acl}
    return Shape(topics, users, acls, now.brokers)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_plan_is_as_written_and_the_second_is_empty(case: Path) -> None:
    topology = load(case / "desired.yaml")
    brokers = (YAML(typ="safe").load(case / "actual.yaml") or {}).get("brokers", 1)
    wanted = desired(topology, brokers)
    actual = shape(case / "actual.yaml", wanted)

    first = plan(wanted, actual, topology.town)
    for action in first.actions:
        actual = done(action, actual)
    second = plan(wanted, actual, topology.town)

    assert str(first) == (case / "plan.txt").read_text().strip()
    assert second.actions == ()
    assert second.conflicts == first.conflicts


DELETE = DeleteTopic("999999.old.v1")
TODAY = date(2026, 4, 1)


def approval(action: object, until: date) -> Approval:
    return Approval(str(action), "山田", "moved to v2", until)


def test_what_destroys_needs_an_approval_that_has_not_expired() -> None:
    todo = Plan((DELETE,))

    todo.approve([approval(DELETE, TODAY)], TODAY)
    with pytest.raises(Refused, match="no approval"):
        todo.approve([], TODAY)
    with pytest.raises(Refused, match="expired"):
        todo.approve([approval(DELETE, date(2026, 3, 31))], TODAY)
    with pytest.raises(Refused, match="no approval"):
        todo.approve([approval(DeleteTopic("999999.other.v1"), TODAY)], TODAY)


def test_to_keep_records_for_less_long_destroys_and_for_longer_does_not() -> None:
    shorter, longer = (
        Configure("t", "retention.ms", before, after) for before, after in (("200", "100"), ("100", "200"))
    )
    from_ever = Configure("t", "retention.ms", "-1", "100")

    assert Plan((shorter, longer, from_ever)).destructive == (shorter, from_ever)


def test_a_conflict_cannot_be_approved() -> None:
    with pytest.raises(Misconfigured, match="fixed"):
        Plan((), ("t has 4 partitions; they are fixed",)).approve([], TODAY)


def test_approvals_are_read_with_all_their_mistakes(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text('- {action: delete topic t with its records, by: 山田, reason: moved, until: "2026-04-01"}\n')
    bad.write_text("- {action: x, by: y, until: soon}\n- {action: x}\n")

    (found,) = approvals(good)
    with pytest.raises(Misconfigured) as wrong:
        approvals(bad)

    assert found == Approval("delete topic t with its records", "山田", "moved", date(2026, 4, 1))
    assert "bad.yaml:1: an approval: reason is missing" in wrong.value.message
    assert "bad.yaml:2: an approval: until is missing" in wrong.value.message
