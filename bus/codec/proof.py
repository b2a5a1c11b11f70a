"""Does a plan that was just made say what fastavro says? Asked of two samples each time one is made."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import fastavro

from bus.codec.node import PYTHON, Node
from bus.codec.strict import EPOCH, Reader, write
from bus.errors import Misconfigured


def sample(node: Node, *, filled: bool) -> Any:
    """A value with everything in it, or with nothing that may be left out."""
    match node.kind:
        case "record":
            values = {name: sample(inner, filled=filled) for name, inner in node.fields}
            own = PYTHON.get(node.name)
            return own(**values) if own else values
        case "nullable":
            return sample(node.inner, filled=True) if filled else None
        case "array":
            return [sample(node.inner, filled=filled)] * (3 if filled else 0)
        case "enum":
            return node.symbols[-1 if filled else 0]
        case "string":
            return "見本　" * (40 if filled else 0)
        case "fixed":
            return bytes(node.size)
        case "date":
            return date(2026, 4, 1)
        case "micros":
            return EPOCH + timedelta(days=20_000)
    return {"boolean": filled, "int": 1 << 20, "long": 1 << 40, "bytes": b"\0\1", "other": _OTHER}[node.kind]


class _Other:
    """A type that fastavro itself reads and writes: nothing to compare."""


_OTHER = _Other()


def samples(schema: Any, node: Node, given: Mapping[str, Any]) -> list[bytes]:
    """Two records, checked to be in bytes and in meaning what fastavro has; `given` holds what is not free."""
    parsed, made = fastavro.parse_schema(schema), []
    for filled in (False, True):
        value = (
            sample(node, filled=filled) | given | ({"mode": "DATA" if filled else "BARE"} if "mode" in given else {})
        )
        if _has_other(node):
            return []
        raw, out = write(node, value), io.BytesIO()
        fastavro.schemaless_writer(out, parsed, _plain(value))
        read = fastavro.schemaless_reader(io.BytesIO(raw), parsed)
        if out.getvalue() != raw or read != _plain(Reader(raw).whole(node)):
            raise Misconfigured("our codec and fastavro disagree on this schema", code="PLAN_DIFFERS", where=node.name)
        made.append(raw)
    return made


def proved(plan: Callable[[bytes], Any], slow: Callable[[bytes], Any], values: list[bytes], name: str) -> None:
    for value in values:
        if plan(value) != slow(value):
            raise Misconfigured("a generated reader and the strict one disagree", code="PLAN_DIFFERS", where=name)


def _has_other(node: Node) -> bool:
    inner = [part for _, part in node.fields] + ([node.item] if node.item else [])
    return node.kind == "other" or any(map(_has_other, inner))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return {name: _plain(inner) for name, inner in value._asdict().items()}  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
