"""What has a department's database applied, of which contract? Reads only; portable SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from bus.adapters.sql import bus_tables as bus
from bus.adapters.sql.engine import engine, translated
from bus.broker import Offsets

RESIDENTS: Final = "juki.resident"  # its positions are under the plain key, those of a fact under "<entity>:<key>"


class Heard(NamedTuple):
    counts: Mapping[str, int]  # entity -> keys with a position
    last: Mapping[str, datetime]  # topic -> when it was last moved on
    offsets: Offsets


def heard(dsn: str, subscription: str, entities: Iterable[str]) -> Heard:
    """A database in which the connector has never run has heard nothing. Raises Unavailable."""
    made = engine(dsn)
    try:
        with translated(), made.connect() as db:
            if not sa.inspect(db).has_table(bus.applied.name):
                return Heard(dict.fromkeys(entities, 0), {}, {})
            return Heard(_counts(db, subscription, list(entities)), *_positions(db, subscription))
    finally:
        made.dispose()


def _counts(db: Connection, subscription: str, entities: list[str]) -> dict[str, int]:
    """One scan for all of them."""
    if not entities:
        return {}
    of = [sa.func.sum(sa.case((_is_of(entity), 1), else_=0)) for entity in entities]
    row = db.execute(sa.select(*of).where(bus.applied.c.connector == subscription)).one()
    return {entity: int(number or 0) for entity, number in zip(entities, row, strict=True)}


def _is_of(entity: str) -> sa.ColumnElement[bool]:
    key = bus.applied.c.key
    return ~key.contains(":") if entity == RESIDENTS else key.startswith(f"{entity}:", autoescape=True)


def _positions(db: Connection, subscription: str) -> tuple[dict[str, datetime], dict[tuple[str, int], int]]:
    at = bus.offset.c
    last: dict[str, Any] = {}
    offsets: dict[tuple[str, int], int] = {}
    rows = db.execute(sa.select(at.topic, at.partition, at.next, at.at).where(at.connector == subscription))
    for topic, partition, following, moved in rows:
        offsets[topic, partition] = following
        last[topic] = max(moved, last.get(topic, 0))
    return {topic: bus.instant(moved) for topic, moved in last.items()}, offsets
