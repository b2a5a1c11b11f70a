"""Does the real cluster become as planned, action by action, and is the second plan empty?"""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from bus.errors import Misconfigured
from bus.topology.acl import desired
from bus.topology.cluster import Acl, Configure, CreateTopic, CreateUser, DeleteTopic, Grant
from bus.topology.model import load
from bus.topology.plan import plan
from tests.conftest import Running

pytestmark = pytest.mark.stack


def test_another_town_is_built_changed_and_left_beside_ours(stack: Running) -> None:
    town = load(stack.settings.project / "topology.yaml", town="131016")
    cluster = stack.cluster
    only_its_topics = replace(desired(town, 1), users=frozenset())
    here = desired(load(stack.settings.project / "topology.yaml"), 1)
    cluster.do(plan(here, cluster.read(), "999999").actions)  # whatever stood here before
    before = cluster.read()

    first = plan(only_its_topics, before, town.town)
    cluster.do(first.actions)
    second = plan(only_its_topics, cluster.read(), town.town)
    name = town.canonical("juki.resident")
    cluster.do([Configure(name, "retention.ms", None, "1000"), Grant(Acl("someone", "READ", "TOPIC", name))])
    third = plan(only_its_topics, cluster.read(), town.town)
    cluster.do(third.actions)
    ours = plan(here, cluster.read(), "999999")
    cluster.do([DeleteTopic(topic) for topic in only_its_topics.topics])

    assert {type(action) for action in first.actions} >= {CreateTopic, Grant}
    assert second.is_empty
    assert [str(action) for action in third.actions] == [
        f"set {name} retention.ms: 1000 -> 3024000000",
        f"revoke someone READ topic {name}",
    ]
    # What the other town's topics grant our principals is too much for ours, and for nobody else.
    assert {getattr(action, "acl", None) and action.acl.name.split(".")[0] for action in ours.actions} <= {"131016"}
    cluster.do(ours.actions)
    assert set(cluster.read().topics) == set(before.topics)
    assert cluster.read().acls == before.acls


def test_a_user_without_a_password_is_not_made(stack: Running) -> None:
    with pytest.raises(Misconfigured, match="no password"):
        stack.cluster.do([CreateUser("t_" + secrets.token_hex(4))])
