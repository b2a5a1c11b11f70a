"""Which schemas do we refuse to own? Those that hang readers, lose dates, or leave a field unexplained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bus.codec.node import node
from bus.contract.compose import NAMED, PRIMITIVE
from bus.contract.grant import LEAF_RECORDS

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PERSONAL_NUMBER = re.compile(r"my_?number|kojin_?bango|個人番号", re.IGNORECASE)


def lint(schema: Any, *, known: frozenset[str] = frozenset(), documented: bool = True) -> list[str]:
    """What is wrong, as `path: CODE what`; `known`: types that the envelope defines."""
    return list(_Lint(known, documented).walk(schema, "", ()))


class _Lint:
    def __init__(self, known: frozenset[str], documented: bool) -> None:
        self.known, self.documented = set(known), documented
        self.sizes: dict[str, bool] = dict.fromkeys(known, False)  # name -> may a value take no bytes at all

    def walk(self, schema: Any, path: str, inside: tuple[str, ...]) -> Iterator[str]:
        if isinstance(schema, list):
            for branch in schema:
                yield from self.walk(branch, path, inside)
        elif isinstance(schema, str):
            name = schema.rpartition(".")[2]
            if name in inside:
                yield f"{path}: RECURSIVE {name} contains itself; a message could nest without end"
            elif schema not in PRIMITIVE and name not in self.known:
                yield f"{path}: UNKNOWN there is no type {name}"
        elif schema["type"] in NAMED:
            yield from self._named(schema, path, inside)
        else:
            yield from self._inner(schema, path, inside)

    def _named(self, schema: Any, path: str, inside: tuple[str, ...]) -> Iterator[str]:
        name = schema["name"]
        if name in self.known:
            yield f"{path}: TWICE {name} is defined twice"
        self.known.add(name)
        if schema["type"] != "record":
            self.sizes[name] = schema.get("size", 1) == 0
            return
        for field in schema["fields"]:
            yield from self._field(field, f"{path}.{field['name']}".lstrip("."), (*inside, name))
        self.sizes[name] = all(self.empty(field["type"]) for field in schema["fields"])

    def _inner(self, schema: Any, path: str, inside: tuple[str, ...]) -> Iterator[str]:
        for part in ("items", "values"):
            if part in schema:
                yield from self.walk(schema[part], f"{path}[]", inside)
                if self.empty(schema[part]):
                    yield f"{path}: ZERO_SIZE items of no bytes: five bytes could ask for fifty million of them"
        if isinstance(schema["type"], (dict, list)):
            yield from self.walk(schema["type"], path, inside)

    def _field(self, field: Any, path: str, inside: tuple[str, ...]) -> Iterator[str]:
        kind = field["type"]
        if not _NAME.fullmatch(field["name"]):
            yield f"{path}: NAME not an ASCII name"
        if _PERSONAL_NUMBER.search(field["name"] + field.get("doc", "")):
            yield f"{path}: PERSONAL_NUMBER 個人番号 has a topic of its own"
        if self.documented and not field.get("doc"):
            yield f"{path}: DOC says nothing of what it means"
        if _has_date(kind) and inside[-1] not in LEAF_RECORDS:
            yield f"{path}: DATE a legal date may be 不詳: use Uncertain"
        if isinstance(kind, list) and kind[0] == "null" and "default" not in field:
            yield f"{path}: DEFAULT nullable without a default: no reader could be newer than its writer"
        yield from self.walk(kind, path, inside)

    def empty(self, schema: Any) -> bool:
        if isinstance(schema, list):
            return False  # a union takes at least its branch
        if isinstance(schema, dict):
            inner = schema["type"]
            if inner in NAMED:
                return self.sizes.get(schema["name"], False)
            return bool(inner == "null")
        return schema == "null" or self.sizes.get(schema.rpartition(".")[2], False)


def _has_date(kind: Any) -> bool:
    branches = kind if isinstance(kind, list) else [kind]
    return any(isinstance(one, dict) and one.get("logicalType") == "date" for one in branches)


def fits(schema: Any) -> str | None:
    """None if the codec can be generated; else why not."""
    try:
        node(schema)
    except (KeyError, RecursionError) as error:
        return str(error)
    return None
