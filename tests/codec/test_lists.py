"""Is a list of records one field: granted as a whole, read and written like any other, in every plan?"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import fastavro
import pytest
from hypothesis import given, settings, strategies as st

from bus.contract import compose, grant
from bus.contract.lint import fits, lint
from bus.contract.lock import Lock
from bus.contract.schema import Contracts
from bus.dates import Uncertain
from bus.errors import Reject
from bus.event import DATA, Event

SCHEMAS = Path(__file__).parents[2] / "schemas"
ENTITY = "juki.household"
IMAGE = json.loads((SCHEMAS / "juki" / "household.1.avsc").read_text(encoding="utf-8"))


class Topic:
    schema = "juki/household.1"


class Stanza:
    def __init__(self, *paths: str) -> None:
        self.reads = {ENTITY: paths}


class Town:
    town = "999999"
    topics: ClassVar = {ENTITY: Topic}
    subscriptions: ClassVar = {"some": Stanza("members", "head")}

    def canonical(self, entity: str) -> str:
        return f"999999.{entity}.v1"

    def narrowed(self, subscription: str, entity: str) -> str:
        return f"999999.{subscription}.in.{entity}.v1"


@pytest.fixture(scope="module")
def contracts():
    made = Contracts(SCHEMAS, Town(), lock=Lock())
    for subject, image, paths, schema in made.wanted():
        made.lock.add(subject, compose.digest(schema).hex(), image, paths)
    return made


TEXT = st.text(st.characters(categories=("L", "N")), max_size=80)
MEMBER = st.fixed_dictionaries({"key": TEXT, "relation_code": st.none() | TEXT, "relation": st.none() | TEXT})
IMAGES = st.fixed_dictionaries(
    {
        "active": st.booleans(),
        "household": st.none() | TEXT,
        "head": st.none() | TEXT,
        "size": st.none() | st.integers(-(2**63), 2**63 - 1),
        "members": st.none() | st.lists(MEMBER, max_size=9),
    }
)


def event(after, before=None) -> Event:
    recorded = datetime(2026, 4, 1, tzinfo=UTC)
    return Event(
        "id", "AMEND", "HENKO", "7", 2, Uncertain("x"), recorded, after, before=before,
        before_recorded=recorded if before else None,
    )  # fmt: skip


def test_the_schema_of_the_household_is_one_we_own():
    assert lint(IMAGE, known=frozenset(("Uncertain",))) == []
    assert fits(IMAGE) is None
    assert grant.paths(IMAGE) == ("active", "household", "head", "size", "members")
    assert not grant.protected_paths(IMAGE)
    assert [field["name"] for field in IMAGE["fields"][-1]["type"][1]["items"]["fields"]] == [
        "key", "relation_code", "relation",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(IMAGES, st.none() | IMAGES)
def test_a_canonical_record_is_what_fastavro_makes_of_it_and_comes_back(contracts, after, before):
    contract = contracts.canonical(ENTITY)

    value = contract.encode(event(after, before), town="999999", incarnation="1")

    read = fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(contract.schema))
    assert (read["after"], read["before"]) == (after, before)
    again = contract.decode(value)
    assert (again.data, again.before) == (after, before)
    *_, earlier, later = contract.decoder(("members", "active"))(value)
    assert later == (after["members"], after["active"])
    assert earlier == (before and (before["members"], before["active"]))


@settings(max_examples=100, deadline=None)
@given(IMAGES)
def test_a_narrowed_record_shows_the_whole_list_or_nothing_of_it(contracts, image):
    contract = contracts.narrowed("some", ENTITY)
    body = ("AMEND", "HENKO", Uncertain("x"), None, None, False)

    value = contract.encode_narrowed("id", "7", 2, 0, DATA, body, (image["head"], image["members"]), incarnation="1")

    assert contract.paths == ("head", "members")
    assert contract.decoder(("members",))(value)[-1] == image["members"]
    assert contract.decode(value).data == {"head": image["head"], "members": image["members"]}
    plain = fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(contract.schema))
    assert plain["body"]["data"]["members"] == image["members"]


@pytest.mark.parametrize(
    "members", [[{"key": None}], [{"key": "a\0"}], [{"key": "a", "name": "甲"}], "a", [3], {"key": "a"}]
)
def test_a_list_of_something_else_is_refused_by_the_name_of_its_field(contracts, members):
    image = {"active": True, "household": "7", "head": None, "size": 1, "members": members}

    with pytest.raises(Reject) as caught:
        contracts.canonical(ENTITY).encode(event(image), town="999999", incarnation="1")

    assert caught.value.where.startswith("after.members")
