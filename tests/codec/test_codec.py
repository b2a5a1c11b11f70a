"""Does the codec cope with schemas that are not ours, and notice when it does not?"""

from __future__ import annotations

import io

import fastavro
import pytest

from bus.codec import proof
from bus.codec.flat import flat
from bus.codec.node import node
from bus.codec.strict import Reader, varint, write
from bus.codec.written import record
from bus.errors import Misconfigured, Reject

FRAME = b"\0\0\0\0\7"
STRANGE = {
    "type": "record", "name": "Strange", "fields": [
        {"name": "last_null", "type": ["string", "null"]},
        {"name": "many", "type": ["null", "string", "long"]},
        {"name": "by_name", "type": {"type": "map", "values": "double"}},
        {"name": "list", "type": {"type": "array", "items": {"type": "record", "name": "Item", "fields": [
            {"name": "n", "type": "int"}, {"name": "raw", "type": "bytes"}]}}},
        {"name": "inner", "type": ["null", {"type": "record", "name": "Inner", "fields": [
            {"name": "a", "type": ["null", "string"]},
            {"name": "b", "type": {"type": "fixed", "name": "Two", "size": 2}}]}]},
        {"name": "end", "type": "boolean"},
    ],
}  # fmt: skip
PATHS = ("last_null", "many", "by_name", "list", "inner.a", "inner.b", "end")
VALUES = [
    {"last_null": "x", "many": 1 << 40, "by_name": {"pi": 3.5}, "list": [{"n": -7, "raw": b"\0\xff"}],
     "inner": {"a": "甲", "b": b"ab"}, "end": True},
    {"last_null": None, "many": "漢" * 50, "by_name": {}, "list": [], "inner": None, "end": False},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_types_without_code_of_their_own_are_read_and_written_as_fastavro_does(value):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(STRANGE), value)
    framed, tree = FRAME + out.getvalue(), node(STRANGE)

    assert record(tree, FRAME)(value) == framed
    assert Reader(framed, 5).whole(tree) == value
    inner = value["inner"] or {"a": None, "b": None}
    expected = (*(value[name] for name in PATHS[:4]), inner["a"], inner["b"], value["end"])
    assert flat(tree, PATHS, FRAME)(framed) == expected


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (varint(0) + b"x" + varint(1), "DECODE"),
        (varint(2) + varint(1) + varint(9) + b"x", "DECODE"),
        (b"\2" + varint(2) + b"a\0", "NUL"),
        (b"\2\2a\2\2a" + b"\0" * 8, "DECODE"),
    ],
)
def test_what_fastavro_reads_is_still_judged(tail, code):
    head = b"\0\2x"

    with pytest.raises(Reject) as caught:
        flat(node(STRANGE), PATHS, FRAME)(FRAME + head + tail)

    assert caught.value.code == code


def test_a_reader_that_says_something_else_is_found_before_it_is_used():
    with pytest.raises(Misconfigured, match="disagree"):
        proof.proved(lambda value: ("wrong",), lambda value: ("right",), [b"any"], "somewhere")


def test_unknown_paths_and_types_are_named():
    with pytest.raises(Misconfigured, match="no field nowhere"):
        flat(node(STRANGE), ("nowhere",), FRAME)
    with pytest.raises(KeyError):
        node(["null", "Nobody"])


def test_a_number_has_one_spelling():
    for value in (0, -1, 1, 63, 64, -64, -65, 8191, 8192, 2**31, -(2**63), 2**63 - 1):
        assert Reader(varint(value)).long("") == value
        assert varint(value) == write(node("long"), value)
