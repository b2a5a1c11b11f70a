"""What is the schema on the wire: envelope and image made into one, and which name does its fingerprint give it?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bus.contract.grant import narrow
from bus.errors import Misconfigured

Schema = dict[str, Any]
NAMED = ("record", "enum", "fixed")
PRIMITIVE = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))


@cache
def read(path: Path) -> Any:
    """A schema file as it stands."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise Misconfigured("there is no such schema", code="SCHEMA_MISSING", where=str(path)) from None
    except ValueError as error:
        raise Misconfigured(f"not JSON: {error}", where=str(path)) from None


def canonical(envelope: Sequence[Schema], image: Schema) -> Schema:
    """The record of a canonical topic."""
    return _compose(envelope, "Event", image)


def narrowed(envelope: Sequence[Schema], image: Schema, paths: Sequence[str]) -> Schema:
    """The record of a subscription's topic: only the granted fields of the image."""
    shared = {kind["name"] for kind in envelope}
    return _compose(envelope, "Notice", narrow(image, paths, shared))


def _compose(envelope: Sequence[Schema], top: str, image: Schema) -> Schema:
    name = image["name"]
    renamed = {"Event": f"{name}Event", "Notice": f"{name}Notice", "Body": f"{name}Body"}
    known = {kind["name"]: {**kind, "name": renamed.get(kind["name"], kind["name"])} for kind in envelope}
    known["Image"] = image
    defined: set[str] = set()
    composed: Schema = _inline(known[top], known, defined)
    return {"type": "record", "name": composed["name"], "namespace": image["namespace"], **composed}


def _inline(schema: Any, known: Mapping[str, Schema], defined: set[str]) -> Any:
    """Every named type is written out where it is used first, and named afterwards."""
    if isinstance(schema, str):
        if schema in PRIMITIVE:
            return schema
        if schema not in known:
            return schema  # defined by the image itself, further up
        return known[schema]["name"] if known[schema]["name"] in defined else _inline(known[schema], known, defined)
    if isinstance(schema, list):
        return [_inline(branch, known, defined) for branch in schema]
    kind = schema["type"]
    if kind in NAMED:
        if schema["name"] in defined:
            return schema["name"]
        defined.add(schema["name"])
    made = {name: value for name, value in schema.items() if name != "namespace"}
    if kind == "record":
        made["fields"] = [{**field, "type": _inline(field["type"], known, defined)} for field in schema["fields"]]
    elif kind == "array":
        made["items"] = _inline(schema["items"], known, defined)
    elif kind == "map":
        made["values"] = _inline(schema["values"], known, defined)
    return made


def canonical_form(schema: Schema) -> str:
    """Avro's parsing canonical form."""
    from fastavro.schema import to_parsing_canonical_form

    return str(to_parsing_canonical_form(schema))


def digest(schema: Schema) -> bytes:
    """SHA-256 of the parsing canonical form; its first 8 bytes are the fingerprint in every record."""
    return hashlib.sha256(canonical_form(schema).encode()).digest()
