"""Who is parked, why, and how does one see it without seeing a person?"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bus.broker import Record
from bus.contract.schema import Contract
from bus.errors import Reject
from bus.store import Again, Applied, Parked, Store

Of = Callable[[bytes | None], Contract]


def people(connector: str, parked: Sequence[Parked]) -> list[dict[str, Any]]:
    """One line per person: the first that waits says why."""
    found: dict[str, dict[str, Any]] = {}
    for entry in parked:
        line = found.setdefault(
            entry.key,
            {
                "connector": connector, "key": entry.key, "code": entry.code, "where": entry.where,
                "event_id": entry.event_id or None, "version": entry.version or None, "since": entry.since,
                "waiting": 0,
            },
        )  # fmt: skip
        line["waiting"] += 1
    return list(found.values())


def shown(connector: str, entry: Parked, *, raw: bool = False, values: Of | None = None) -> dict[str, Any]:
    """One record: places and codes; its bytes, and its values (by the contract they name), only when asked for."""
    document: dict[str, Any] = {
        "connector": connector, "key": entry.key, "seq": entry.seq, "code": entry.code, "where": entry.where,
        "event_id": entry.event_id or None, "version": entry.version or None, "since": entry.since,
        "bytes": len(entry.record.value or b""), "headers": len(entry.record.headers),
    }  # fmt: skip
    if raw:
        document["raw"] = _raw(entry.record)
    if values is not None:
        document["values"] = _values(entry.record, values)
    return document


def _raw(record: Record) -> dict[str, Any]:
    def text(value: bytes | None) -> str | None:
        return None if value is None else base64.b64encode(value).decode()

    return {
        "key": text(record.key),
        "value": text(record.value),
        "headers": [[name, text(value)] for name, value in record.headers],
    }


def _values(record: Record, of: Of) -> Any:
    """What the record says, if it can be read at all."""
    try:
        document = of(record.value).read(record.value)
    except Reject as reject:
        return {"unreadable": reject.code}
    return json.loads(json.dumps(document, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def replay(store: Store, connector: str, keys: Iterable[str], again: Again) -> dict[str, Any]:
    """Every person's records anew, in order; what still cannot be applied stays."""
    done = Applied()
    refused: dict[str, int] = {}
    persons = 0
    for key in keys:
        persons += 1
        try:
            done.add(store.release(connector, key, again))
        except Reject as reject:
            refused[reject.code] = refused.get(reject.code, 0) + 1
    return {
        "connector": connector, "persons": persons, "released": done.released, "stale": done.stale,
        "refused": refused, "left": len(store.parked(connector)),
    }  # fmt: skip
