"""Which records need no look at their values? Those that are kept as they are, and are in every way usual.

Everything here says None at the first doubt: then the ordinary way reads the record, and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from bus.broker import Record
from bus.change import Keep, Row
from bus.contract.framing import usual
from bus.contract.schema import Contract
from bus.event import DATA
from bus.mirror.line import lines
from bus.store import Delivery, Table

Express = Callable[[Record], Delivery | None]


class Ready(Sequence[Row]):
    """One row, written already as a line for COPY (text, nulls empty, in the order of `columns`).

    It is read as values only by a store, or in a case, that has no use for the line.
    """

    __slots__ = ("_read", "_value", "columns", "line")

    def __init__(self, columns: tuple[str, ...], line: bytes, read: Callable[[bytes], Row], value: bytes) -> None:
        self.columns, self.line, self._read, self._value = columns, line, read, value

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return (self._read(self._value),)[index]


def express(contract: Contract, table: Table, mirror: tuple[str, ...], read_row: Callable[[bytes], Row]) -> Express:
    """`mirror`: the paths in the record of the table's columns behind the key; `read_row`: the same row, as values."""
    try:
        read, order = lines(contract.node, contract.prefix, contract.fields_in_prefix, mirror)
    except KeyError:
        return lambda _: None
    names = dict(zip(mirror, (column.name for column in table.columns[1:]), strict=True))
    columns = (table.columns[0].name, *(names[path] for path in order))
    look, name, frame = usual(contract), table.name, contract.frame[1:]

    def deliver(record: Record) -> Delivery | None:
        outside = look(record)
        inside = read(record.value) if outside else None  # type: ignore[arg-type]  # it has one, then
        if outside is None or inside is None:
            return None
        id, key, version, recorded, kind, line = inside
        if id != outside[0] or key != record.key:
            return None
        person, row = key.decode(), Ready(columns, line, read_row, record.value)  # type: ignore[arg-type]
        changes = (Keep(name, person, row),)
        return Delivery(record, person, version, recorded, id.decode(), frame + outside[1], DATA, kind, changes)

    return deliver
