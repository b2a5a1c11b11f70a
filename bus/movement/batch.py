"""How does one change reach many persons, each by themselves, and who is left out (domain 3.5, JUSHO_IKKATSU)?

A row is a person, the version they had when the list was made, and what to set. Each is an act of its own, in a short
transaction: whatever happens to a person meanwhile waits for one row at most, and then leaves that row out.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from bus.dates import day
from bus.errors import Reject
from bus.event import Event
from bus.movement.act import Person, Request, Scene
from bus.movement.decide import decide
from bus.resident import layout
from bus.resident.codes import Column, Reason
from bus.resident.image import Shape

REASONS: Final = ("JUSHO_IKKATSU", "FURIGANA_KISAI")
CHUNK: Final = 500  # rows that are looked up at once
_LEADING: Final = ["key", "version"]
_LONGEST: Final = 10_000  # bytes of the header


class Register(Protocol):
    """Where the rows go (register/entry.py)."""

    shape: Shape
    reasons: Mapping[str, Reason]
    town: str

    def enter(self, request: Mapping[str, Any]) -> list[Event]: ...
    def persons(self, keys: Sequence[str]) -> Mapping[str, Person]: ...  # as they are, not locked
    def entered(self, change_sets: Sequence[str]) -> set[str]: ...  # those of them that there are


class Left(NamedTuple):
    """A row that is left out: where, and why; never whom."""

    line: int
    code: str


@dataclass(slots=True)
class Report:
    batch: str
    announced: int = 0
    entered: int = 0
    already: int = 0  # by an earlier run of the same list
    excluded: list[Left] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        names = ("announced", "entered", "already", "batch")
        excluded = [left._asdict() for left in self.excluded]
        return {name: getattr(self, name) for name in names} | {"excluded": excluded}


def announce(
    register: Register,
    path: Path,
    reason: str,
    effective: str,
    *,
    dry_run: bool = False,
    rate: float | None = None,
    say: Callable[[int], None] = lambda _: None,
) -> Report:
    """Raises Reject, with nothing entered, when the file is not such a list."""
    if reason not in REASONS:
        raise Reject("a batch is " + " or ".join(REASONS), code="REASON", where="reason")
    columns = _columns(path, register.shape)
    report, doubled = _inspect(path, columns, f"{reason} {effective}")
    judge = _Trial(register) if dry_run else register.enter
    wait = _throttle(None if dry_run else rate)
    for rows in _chunks(layout.rows(path, columns)):
        marks = {row.line: f"{report.batch}/{row.line}" for row in rows}
        known = register.entered(list(marks.values()))
        report.already += len(known)
        if isinstance(judge, _Trial):
            judge.look([row.cells[0] for row in rows])
        for row in (row for row in rows if marks[row.line] not in known):
            wait()
            try:
                if row.line in doubled:
                    raise Reject("the key stands on an earlier line", code="DUPLICATE_KEY")
                judge(_request(row, columns, reason, effective, marks[row.line]))
                report.entered += not dry_run
            except Reject as error:
                report.excluded.append(Left(row.line, error.code))
            say(row.line)
    return report


def _throttle(rate: float | None) -> Callable[[], None]:
    """At most `rate` a second: the line to the departments is shared with everybody else's day."""
    began, turns = time.monotonic(), count(1)

    def wait() -> None:
        if rate:
            time.sleep(max(0.0, began + next(turns) / rate - time.monotonic()))

    return wait


class _Trial:
    """Judges rows by the rules, on persons as they are now; nothing is locked, nothing written."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.now = datetime.now(UTC)
        self.seen: Mapping[str, Person] = {}

    def look(self, keys: Sequence[str]) -> None:
        self.seen = self.register.persons(keys)

    def __call__(self, request: Mapping[str, Any]) -> None:
        asked = Request.parse(request, self.register.shape)
        persons = {key: self.seen[key] for key, _ in asked.persons if key is not None and key in self.seen}
        scene = Scene(day(self.now), self.register.town, persons)
        decide(asked, scene, self.register.reasons, self.register.shape, self.now)


def _columns(path: Path, shape: Shape) -> list[Column]:
    """key, version, and paths of the image."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST).removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    names = next(csv.reader([line]), [])
    if names[:2] != _LEADING or len(names) < 3:
        raise Reject("the columns are key, version, and what to set", code="HEADER", where=f"{path.name}:1")
    for number, name in enumerate(names[2:], 3):
        if name not in shape.kinds:
            raise Reject("no such field in the image of a resident", code="HEADER", where=f"{path.name}:1:{number}")
    return [Column(name, name, is_date=False) for name in names]


def _inspect(path: Path, columns: Sequence[Column], what: str) -> tuple[Report, set[int]]:
    """Reads everything once. The batch's name is its content, so that the same list goes on where it stopped."""
    digest, rows = sha256(what.encode()), 0
    keys: set[str] = set()
    doubled: set[int] = set()
    for row in layout.rows(path, columns):
        digest.update(repr(row.cells).encode())
        rows += 1
        if row.cells[0] in keys:
            doubled.add(row.line)
        keys.add(row.cells[0])
    return Report(f"batch-{digest.hexdigest()[:20]}", announced=rows), doubled


def _chunks(rows: Iterator[layout.Row]) -> Iterator[list[layout.Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _request(row: layout.Row, columns: Sequence[Column], reason: str, effective: str, mark: str) -> dict[str, Any]:
    key, version, *cells = row.cells
    if not (version.isascii() and version.isdigit()):
        raise Reject("a version is a number", code="VERSION")
    values = {column.path: cell for column, cell in zip(columns[2:], cells, strict=True)}
    person = {"key": key, "version": int(version), "set": values}
    return {"reason": reason, "effective": effective, "change_set": mark, "persons": [person]}
