"""From a framed record of any schema to a tuple of what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bus.codec.node import Node, at
from bus.codec.plan import Plan
from bus.codec.strict import Reader, to_micros
from bus.errors import Misconfigured

Decoder = Callable[[bytes], tuple[Any, ...]]


def flat(node: Node, paths: Sequence[str], start: bytes) -> Decoder:
    """A plan for any schema: framed records to a tuple of the values at `paths`; times as microseconds."""
    for path in paths:
        known(node, path)
    plan = Plan(node, start)
    names = ", ".join(plan.var(path) for path in paths)

    def slow(value: bytes) -> tuple[Any, ...]:
        record = Reader(value, len(start)).whole(node)
        return tuple(pick(record, path) for path in paths)

    return plan.build(f"({names},)", slow)


def known(node: Node, path: str) -> Node:
    try:
        return at(node, path)
    except KeyError:
        raise Misconfigured(f"{node.name or 'the schema'} has no field {path}", code="PATH_UNKNOWN") from None


def pick(record: Any, path: str) -> Any:
    """The value at a dotted path of a record that the strict reader read; a time as microseconds."""
    for name in path.split("."):
        if record is None:
            return None
        record = record[name] if isinstance(record, dict) else getattr(record, name)
    return to_micros(record)
