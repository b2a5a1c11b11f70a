"""Do generated plans say exactly what fastavro says?"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import fastavro
from hypothesis import HealthCheck, given, settings, strategies as st

from bus.codec.flat import pick
from bus.codec.node import at
from bus.codec.strict import write
from bus.contract.project import EVENT
from bus.contract.schema import Contracts
from bus.event import BARE, REMOVED
from tests.contract import images
from tests.contract.towns import SCHEMAS, town

calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
CANONICAL = Contracts.provisional(SCHEMAS, town()).canonical()
IMAGE = at(CANONICAL.node, "after")
PARSED = fastavro.parse_schema(CANONICAL.schema)


def by_fastavro(schema: Any, value: bytes) -> dict[str, Any]:
    return dict(fastavro.schemaless_reader(io.BytesIO(value[5:]), fastavro.parse_schema(schema)))


def plain(value: Any) -> Any:
    """As fastavro has it: records of our own classes as dicts."""
    if hasattr(value, "_asdict"):
        return {name: plain(inner) for name, inner in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


@calm
@given(images.events(IMAGE))
def test_a_canonical_event_survives_and_has_the_bytes_that_fastavro_writes(event):
    value = CANONICAL.encode(event, town="999999", incarnation="one")

    read = by_fastavro(CANONICAL.schema, value)
    again = io.BytesIO()
    fastavro.schemaless_writer(again, PARSED, read)

    assert again.getvalue() == value[5:]
    assert plain(event.data) == read["after"]
    back = CANONICAL.decode(value)
    assert [
        getattr(back, name)
        for name in ("id", "kind", "key", "version", "effective", "recorded", "data", "before", "undoes")
    ] == [
        getattr(event, name)
        for name in ("id", "kind", "key", "version", "effective", "recorded", "data", "before", "undoes")
    ]


@calm
@given(images.events(IMAGE), st.lists(st.sampled_from(CANONICAL.paths), min_size=1, max_size=12))
def test_the_compiled_reader_of_any_paths_agrees_with_fastavro(event, paths):
    value = CANONICAL.encode(event, town="999999", incarnation="one")
    record = by_fastavro(CANONICAL.schema, value)

    got = CANONICAL.decoder(paths)(value)

    assert plain(got[: len(EVENT)]) == [pick(record, name) for name in EVENT]
    assert plain(got[-1]) == [pick(record["after"], path) for path in paths]
    assert plain(got[-2]) == (record["before"] and [pick(record["before"], path) for path in paths])


@calm
@given(st.data())
def test_any_grant_narrows_writes_and_reads_as_fastavro_does(data):
    paths = tuple(data.draw(st.sets(st.sampled_from(CANONICAL.paths), min_size=1, max_size=40)))
    contract = Contracts.provisional(SCHEMAS, town(one=paths)).narrowed("one")
    event = data.draw(images.events(IMAGE))

    value = contract.encode(event, town="999999", incarnation="one")

    record = by_fastavro(contract.schema, value)
    again = io.BytesIO()
    fastavro.schemaless_writer(again, fastavro.parse_schema(contract.schema), record)
    assert again.getvalue() == value[5:]
    got = contract.decoder(contract.paths)(value)
    assert plain(got[11:]) == [pick(record["body"]["data"], path) for path in contract.paths]
    assert got[:2] == (event.id, event.key)
    assert contract.decode(value).data == record_of(contract, event)


def record_of(contract: Any, event: Any) -> Any:
    from bus.contract.schema import _nest

    return _nest(contract.paths, [pick(event.data, path) for path in contract.paths])


@given(st.sampled_from([BARE, REMOVED]))
def test_a_record_without_a_body_leaves_the_slots_of_the_body_empty(mode):
    contract = Contracts.provisional(SCHEMAS, town(one=("birth", "is_resident"))).narrowed("one")

    value = contract.encode_narrowed("id", "1", 7, 1_775_001_600_123_456, mode, None, incarnation="one")

    assert contract.decoder(["birth.earliest", "is_resident"])(value) == (
        "id", "1", 7, 1_775_001_600_123_456, mode, *[None] * 8)  # fmt: skip
    assert by_fastavro(contract.schema, value)["recorded"] == datetime(2026, 4, 1, 0, 0, 0, 123456, tzinfo=UTC)


@calm
@given(images.events(IMAGE))
def test_the_generated_writer_says_what_the_strict_writer_says(event):
    assert CANONICAL.encode(event, town="999999", incarnation="i") == CANONICAL._slow_event(event, "i")
    assert (
        write(CANONICAL.node, CANONICAL.read(CANONICAL._slow_event(event, "i")))
        == CANONICAL._slow_event(event, "i")[5:]
    )
