"""What may a department hear, why, and under which law? Pure: a subscription's stanza, explained field by field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bus.contract import grant
from bus.disclosure.protect import hides, is_hidden

Schema = dict[str, Any]


class Stanza(Protocol):
    """What disclosure needs of a subscription of topology.yaml."""

    @property
    def id(self) -> str: ...
    @property
    def purpose(self) -> str: ...
    @property
    def statute(self) -> str: ...
    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def concerns(self) -> Mapping[str, str]: ...
    @property
    def clock(self) -> tuple[str, ...]: ...
    @property
    def sees_protected(self) -> str | None: ...


def explain(stanza: Stanza, image_of: Callable[[str], Schema]) -> dict[str, Any]:
    """The department's page: every field it hears, its name, and the purpose and the law that grant it."""
    return {
        "id": stanza.id,
        "purpose": stanza.purpose,
        "statute": stanza.statute,
        "concerns": dict(stanza.concerns),
        "clock": list(stanza.clock),
        "sees_protected": stanza.sees_protected,
        "fields": [field for entity in stanza.reads for field in fields(stanza, entity, image_of(entity))],
    }


def fields(stanza: Stanza, entity: str, image: Schema) -> list[dict[str, Any]]:
    """Every leaf the stanza grants, in the order of the schema; a group grants its leaves."""
    hidden = frozenset() if stanza.sees_protected else hides(image)
    known = dict(grant.leaves(image))
    return [
        {
            "entity": entity,
            "path": path,
            "name_ja": known[path].get("doc"),
            "purpose": stanza.purpose,
            "statute": stanza.statute,
            "hidden_when_protected": is_hidden(path, hidden),
        }
        for path in grant.granted(image, stanza.reads[entity])
    ]
