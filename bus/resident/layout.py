"""How does a file of the national resident data list become images, and images that file again, cell for cell?"""

from __future__ import annotations

import csv
import io
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from bus.codec.text import fault
from bus.dates import Uncertain
from bus.errors import Reject
from bus.resident.codes import Column, bare
from bus.resident.image import UNKNOWN_FLAGS, Flat, Shape
from bus.resident.numbers import holds_kojin_bango

_BOM: Final = "\ufeff".encode()
_LINE: Final = 100_000  # bytes; a row of 122 cells has about one thousand


class Row(NamedTuple):
    line: int  # of the file, where the row begins; the header is line 1
    cells: Sequence[str]


def rows(path: Path, columns: Sequence[Column]) -> Iterator[Row]:
    """Every row of a file that is what it claims to be. Raises Reject with line and column, never with a value."""
    names = [column.name for column in columns]
    with path.open("rb") as file:
        lines = _Lines(file, path.name)
        reader = csv.reader(lines, strict=True)
        began = 0
        try:
            for cells in reader:
                line, began = began + 1, reader.line_num
                if line == 1:
                    _check_header(cells, names, path.name)
                elif len(cells) != len(names):
                    column = names[min(len(cells), len(names) - 1)]
                    raise Reject(
                        f"the row has {len(cells)} cells, not {len(names)}",
                        code="COLUMNS",
                        where=f"{path.name}:{line}:{column}",
                    )
                else:
                    yield Row(line, cells)
        except csv.Error:
            where = f"{path.name}:{began + 1}"
            raise Reject("quotes are not closed, or stand where they may not", code="QUOTES", where=where) from None
        if began == 0:
            raise Reject("the file is empty", code="HEADER", where=f"{path.name}:1")


class _Lines:
    """Decoded lines, each of them bounded."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name, self.number = file, name, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self.file.readline(_LINE + 1)
        self.number += 1
        if not raw:
            raise StopIteration
        if len(raw) > _LINE:
            raise Reject(
                f"the line is longer than {_LINE} bytes", code="LINE_TOO_LONG", where=f"{self.name}:{self.number}"
            )
        if self.number == 1 and raw.startswith(_BOM):
            raw = raw[len(_BOM) :]
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            column = raw[: error.start].count(b",") + 1
            where = f"{self.name}:{self.number}:{column}"
            raise Reject(f"byte {error.start + 1} of the line is not UTF-8", code="ENCODING", where=where) from None


def _check_header(cells: Sequence[str], names: Sequence[str], file: str) -> None:
    for number, (cell, name) in enumerate(zip(cells, names, strict=False), 1):
        if cell != name:
            raise Reject(f"column {number} should be {name}", code="HEADER", where=f"{file}:1:{number}")
    if len(cells) != len(names):
        where = f"{file}:1:{min(len(cells), len(names)) + 1}"
        raise Reject(f"the header has {len(cells)} columns, not {len(names)}", code="HEADER", where=where)


def read(row: Row, columns: Sequence[Column], shape: Shape) -> tuple[str, Flat]:
    """The person's key and image: every cell as it was written, dates read beside their text."""
    image, key = shape.blank(), ""
    is_plain = "".join(row.cells).replace("\u3000", "").isprintable()  # then no cell needs a second look
    for column, cell in zip(columns, row.cells, strict=True):
        if not cell:
            continue
        if holds_kojin_bango(cell):
            raise Reject("what can be a 個人番号 has no place here", code="KOJIN_BANGO", where=column.name)
        if not is_plain and (wrong := fault(cell)):
            raise Reject("the cell holds a character that no text may hold", code=wrong, where=column.name)
        if column.path == "key":
            key = cell
        else:
            image[column.path] = _date(cell) if column.is_date else cell
    for path, flag in UNKNOWN_FLAGS.items():
        if image[path] is not None and image[flag] not in (None, "0"):
            image[path] = Uncertain(image[path].text)  # 不詳: what stands there is only kept
    if not key:
        raise Reject("the row has no key", code="KEY_MISSING", where=key_column(columns))
    image["is_resident"] = bare(image["state"]) == "1"
    return key, image


def key_column(columns: Sequence[Column]) -> str:
    return next(column.name for column in columns if column.path == "key")


def _date(cell: str) -> Uncertain:
    """A day, a month, or a text of which nothing more is known."""
    if len(cell) == 7 and cell[4] == "-" and (cell[:4] + cell[5:]).isascii() and (cell[:4] + cell[5:]).isdigit():
        year, month = int(cell[:4]), int(cell[5:])
        if year and 1 <= month <= 12:
            return Uncertain(cell, date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    return Uncertain.parse(cell)


def write(people: Iterable[tuple[str, Mapping[str, Any]]], columns: Sequence[Column]) -> Iterator[str]:
    """The lines of the file, with BOM and LF as it came: (key, nested image) of each person."""
    yield "\ufeff" + _line([column.name for column in columns])
    for key, image in people:
        yield _line([key if column.path == "key" else _cell(image, column) for column in columns])


def _cell(image: Mapping[str, Any], column: Column) -> str:
    value: Any = image
    for name in column.path.split("."):
        value = value[name]
    return "" if value is None else str(value.text if isinstance(value, Uncertain) else value)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
