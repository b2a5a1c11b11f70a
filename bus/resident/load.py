"""How does a whole register come in? The file is judged to its end first, then loaded in the order of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from bus.dates import Uncertain, day
from bus.errors import Reject
from bus.event import Event
from bus.resident import layout
from bus.resident.codes import Column
from bus.resident.doubt import doubts
from bus.resident.image import Changes, Flat, Shape

BATCH = 500


class Register(Protocol):
    """Where the persons go (register/entry.py)."""

    shape: Shape

    def add_found(self, changes: Changes) -> tuple[int, list[str]]: ...


@dataclass(frozen=True, slots=True)
class Warned:
    """A doubtful cell, or a row that was left out."""

    line: int
    column: str
    code: str


@dataclass(slots=True)
class Report:
    read: int = 0
    loaded: int = 0
    skipped: int = 0  # loaded before, and equal
    rejected: int = 0  # rows left out; each is among the warnings
    warnings: list[Warned] = field(default_factory=list)


def load(
    register: Register,
    path: Path,
    columns: Sequence[Column],
    *,
    dry_run: bool = False,
    recorded: datetime | None = None,
    say: Callable[[int], None] = lambda _: None,
) -> Report:
    """Raises Reject, with nothing loaded, when the file is not what it claims to be."""
    report = Report()
    wrong = _inspect(path, columns, register.shape, report)
    if not dry_run:
        _load(register, path, columns, recorded or datetime.now(UTC), wrong, report, say)
    return report


def _inspect(path: Path, columns: Sequence[Column], shape: Shape, report: Report) -> set[int]:
    """Reads everything once; the lines of the rows that must be left out."""
    names = {column.path: column.name for column in columns}
    lines: dict[str, int] = {}
    wrong: set[int] = set()
    for row in layout.rows(path, columns):
        report.read += 1
        try:
            key, image = layout.read(row, columns, shape)
        except Reject as error:
            wrong.add(row.line)
            report.warnings.append(Warned(row.line, error.where or "", error.code))
            continue
        if key in lines:
            where = f"{path.name}:{row.line}:{names['key']}"
            raise Reject(f"the key stands on line {lines[key]} already", code="DUPLICATE_KEY", where=where)
        lines[key] = row.line
        report.warnings += [Warned(row.line, names[at], code) for at, code in doubts(key, image)]
    report.rejected = len(wrong)
    return wrong


def _load(
    register: Register,
    path: Path,
    columns: Sequence[Column],
    recorded: datetime,
    wrong: set[int],
    report: Report,
    say: Callable[[int], None],
) -> None:
    good = (row for row in layout.rows(path, columns) if row.line not in wrong)
    name = layout.key_column(columns)
    for rows in _batches(good):
        lines: dict[str, int] = {}
        changes: Changes = []
        for row in rows:
            key, image = layout.read(row, columns, register.shape)
            lines[key] = row.line
            changes.append(found(key, image, recorded, register.shape))
        new, others = register.add_found(changes)
        report.loaded += new
        report.rejected += len(others)
        report.skipped += len(changes) - new - len(others)
        report.warnings += [Warned(lines[key], name, "KEY_EXISTS") for key in others]
        say(report.loaded + report.skipped + report.rejected)


def _batches(rows: Iterator[layout.Row]) -> Iterator[list[layout.Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def found(key: str, image: Flat, recorded: datetime, shape: Shape) -> tuple[Event, Flat]:
    """The first event of somebody who was on the register when the bus came (IKO).

    Effective on the day of the transfer: every department hears that date, and those of the sheet are fields, granted
    or not, and hidden or not.
    """
    effective = Uncertain.on(day(recorded))
    event = Event(str(uuid4()), "REGISTER", "IKO", key, 1, effective, recorded, shape.nested(image))
    return replace(event, protected=image["protection.level"] is not None), image
