"""What does a schema mean to a codec? Names resolved, logical types known, one node per place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bus.dates import Uncertain
from bus.event import ChangeSet

PYTHON: Final[Mapping[str, Any]] = {"Uncertain": Uncertain, "ChangeSet": ChangeSet}  # records with a class of their own
_LOGICAL: Final = {("int", "date"): "date", ("long", "timestamp-micros"): "micros"}


@dataclass(frozen=True, slots=True)
class Node:
    kind: (
        str  # null boolean int long date micros string bytes fixed enum record nullable array; other: left to fastavro
    )
    name: str = ""
    fields: tuple[tuple[str, Node], ...] = ()
    item: Node | None = None  # of nullable and array
    symbols: tuple[str, ...] = ()
    size: int = 0
    null: int = 0  # the index of null in a nullable
    schema: Any = None  # of other

    @property
    def inner(self) -> Node:
        assert self.item is not None
        return self.item

    @property
    def smallest(self) -> int:
        """The least number of bytes a value takes."""
        if self.kind in ("null", "other"):
            return 0
        if self.kind == "fixed":
            return self.size
        if self.kind == "record":
            return sum(node.smallest for _, node in self.fields)
        return 1


def node(schema: Any, known: dict[str, Node] | None = None) -> Node:
    """The tree of a schema; a recursive schema has none (lint refuses it, and so does this)."""
    known = {} if known is None else known
    if isinstance(schema, list):
        return _union(schema, known)
    if isinstance(schema, str):
        return known[schema.rpartition(".")[2]] if schema.rpartition(".")[2] in known else _plain(schema, schema)
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return node(kind, known)
    if kind == "record":
        fields = tuple((field["name"], node(field["type"], known)) for field in schema["fields"])
        made = Node("record", schema["name"], fields)
    elif kind == "enum":
        made = Node("enum", schema["name"], symbols=tuple(schema["symbols"]))
    elif kind == "fixed":
        made = Node("fixed", schema["name"], size=schema["size"])
    elif kind == "array":
        return Node("array", item=node(schema["items"], known))
    else:
        return _plain(_LOGICAL.get((kind, schema.get("logicalType")), kind), schema)
    known[schema["name"]] = made
    return made


def _plain(kind: str, schema: Any) -> Node:
    if kind in ("null", "boolean", "int", "long", "date", "micros", "string", "bytes"):
        return Node(kind)
    if isinstance(schema, str) and kind not in ("float", "double"):
        raise KeyError(f"the type {kind} is not known here, or names itself")
    return Node("other", schema=schema)


def _union(branches: list[Any], known: dict[str, Node]) -> Node:
    if len(branches) == 2 and "null" in branches:
        null = branches.index("null")
        return Node("nullable", item=node(branches[1 - null], known), null=null)
    return Node("other", schema=branches)


def at(tree: Node, path: str) -> Node:
    """The node at a dotted path; nullables on the way are looked through."""
    for name in filter(None, path.split(".")):
        while tree.kind == "nullable":
            tree = tree.inner
        tree = dict(tree.fields)[name]
    return tree
