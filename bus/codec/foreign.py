"""What of types that have no code of their own here: floats, maps, unions of many? fastavro reads, we check."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from typing import Any

import fastavro

from bus.codec import text
from bus.errors import Reject

REASONABLE = (ValueError, TypeError, LookupError, EOFError, OverflowError, AttributeError, MemoryError, RecursionError)


@lru_cache(maxsize=256)
def _parsed(schema: str) -> Any:
    return fastavro.parse_schema(json.loads(schema))


def read(data: bytes, start: int, schema: Any, where: str) -> tuple[Any, int]:
    """The value at `start`, and what is behind it. Only bytes that fastavro would write again are accepted."""
    parsed, stream = _parsed(json.dumps(schema)), io.BytesIO(data)
    stream.seek(start)
    try:
        value = fastavro.schemaless_reader(stream, parsed)
        end = stream.tell()
        again = write(value, schema, where)
    except REASONABLE:
        raise Reject("not what the schema says", code="DECODE", where=where) from None
    if again != data[start:end]:
        raise Reject("not the only way to write this", code="NON_CANONICAL", where=where)
    return value, end


def write(value: Any, schema: Any, where: str) -> bytes:
    _texts(value, where)
    out = io.BytesIO()
    try:
        fastavro.schemaless_writer(out, _parsed(json.dumps(schema)), value)
    except REASONABLE:
        raise Reject("of another type than the schema says", code="DATA", where=where) from None
    return out.getvalue()


def _texts(value: Any, where: str) -> None:
    if isinstance(value, str):
        text.check(value, where)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _texts(key, where)
            _texts(inner, where)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _texts(inner, where)
