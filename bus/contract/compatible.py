"""Can today's readers read every record that was ever written, and yesterday's readers those of today?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.schema import parse

from bus.contract.grant import leaves

Schema = dict[str, Any]


class Break(NamedTuple):
    subject: str
    reader: str
    writer: str
    where: str
    what: str


def breaks(subject: str, reader: tuple[str, Schema], writer: tuple[str, Schema]) -> list[Break]:
    """Empty: whatever `writer` wrote, `reader` reads. Apache's own checker decides."""
    checker: Any = ReaderWriterCompatibilityChecker  # carries no types
    result = checker().get_compatibility(_parsed(reader[1]), _parsed(writer[1]))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    # the checker reports where and what in two sets; both are names of schemas, never values
    where, what = ", ".join(sorted(result.locations)), "; ".join(sorted(result.messages))
    return [Break(subject, reader[0], writer[0], where, what)]


def _parsed(schema: Schema) -> Any:
    return parse(json.dumps(schema))


def history(subject: str, versions: Sequence[tuple[str, Schema]]) -> Iterator[Break]:
    """The last against every earlier one, both ways: topics are replayed, and departments upgrade when they can."""
    if not versions:
        return
    now = versions[-1]
    for then in versions[:-1]:
        yield from breaks(subject, now, then)
        yield from breaks(subject, then, now)


def difference(old: Schema, new: Schema) -> list[tuple[str, str]]:
    """(path, what) for every leaf that came, went or changed."""
    before, after = dict(leaves(old)), dict(leaves(new))
    both = before.keys() & after.keys()
    changed = [(path, "changed") for path in both if _type(before[path]) != _type(after[path])]
    return sorted(
        changed
        + [(path, "removed") for path in before.keys() - after.keys()]
        + [(path, "added") for path in after.keys() - before.keys()]
    )


def _type(field: Mapping[str, Any]) -> str:
    return json.dumps([field["type"], field.get("default"), field.get("protect")], sort_keys=True)
