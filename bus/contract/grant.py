"""Which part of an image does a grant show?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from bus.errors import Misconfigured

Schema = dict[str, Any]
LEAF_RECORDS = frozenset(("Uncertain",))  # one value, though a record on the wire


def leaves(schema: Schema, _prefix: str = "") -> Iterator[tuple[str, Schema]]:
    """Every dotted path of an image, in the order of the schema, with its field."""
    for field in schema["fields"]:
        kind = field["type"]
        if isinstance(kind, dict) and kind.get("type") == "record" and kind["name"] not in LEAF_RECORDS:
            yield from leaves(kind, f"{_prefix}{field['name']}.")
        else:
            yield _prefix + field["name"], field


def paths(schema: Schema) -> tuple[str, ...]:
    return tuple(path for path, _ in leaves(schema))


def protected_paths(schema: Schema, what: str = "address") -> frozenset[str]:
    """Paths that are hidden while a person is under protection."""
    return frozenset(path for path, field in leaves(schema) if field.get("protect") == what)


def granted(schema: Schema, asked: Sequence[str]) -> tuple[str, ...]:
    """The leaves that `asked` names, in the order of the schema; the path of a record means all that is in it."""
    known = paths(schema)
    chosen = {path for path in known if any(path == one or path.startswith(f"{one}.") for one in asked)}
    strangers = sorted(one for one in asked if not any(path == one or path.startswith(f"{one}.") for path in known))
    if strangers:
        raise Misconfigured(
            f"{schema['name']} has no field {', '.join(strangers)}",
            code="PATH_UNKNOWN",
            hint="`bus contract show` lists them",
        )
    if not chosen:
        raise Misconfigured("a grant of nothing", code="GRANT_EMPTY", hint="name at least one field")
    return tuple(path for path in known if path in chosen)


def narrow(schema: Schema, asked: Sequence[str], shared: Collection[str] = LEAF_RECORDS) -> Schema:
    """The same nesting with the granted fields only; every leaf but a boolean may be null, because it may be hidden."""
    chosen = frozenset(granted(schema, asked))
    return _cut(schema, "", chosen, shared) or {}


def _cut(schema: Schema, prefix: str, chosen: frozenset[str], shared: Collection[str]) -> Schema | None:
    kept = []
    for field in schema["fields"]:
        kind, path = field["type"], prefix + field["name"]
        if path in chosen:
            kept.append({**field, "type": _nullable(kind, shared)} | ({} if kind == "boolean" else {"default": None}))
        elif isinstance(kind, dict) and kind.get("type") == "record" and kind["name"] not in LEAF_RECORDS:
            inner = _cut(kind, f"{path}.", chosen, shared)
            if inner:
                kept.append({**field, "type": inner} | _blank(inner))
    return {**schema, "fields": kept} if kept else None


def _blank(group: Schema) -> Schema:
    """A group that is granted anew is blank in what was said before; it can be where each of its fields can."""
    if not all("default" in one for one in group["fields"]):
        return {}
    return {"default": {one["name"]: one["default"] for one in group["fields"]}}


def _nullable(kind: Any, shared: Collection[str]) -> Any:
    branch = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
    if branch == "boolean":
        return "boolean" if kind == "boolean" else ["null", "boolean"]
    if isinstance(branch, dict) and branch.get("name") in shared:
        branch = branch["name"]  # defined by the envelope; here only named
    return ["null", branch]
