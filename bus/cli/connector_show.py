"""`bus connector show`: what does a department hold of one person?"""

from __future__ import annotations

from contextlib import closing
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.cli.connector import noun as connector_noun
from bus.errors import Refused, Usage
from bus.language.mapping import ALIAS

if TYPE_CHECKING:
    from bus.change import Row
    from bus.store import Store, Table

OF_PERSON = ("person", "subject", "addressee")  # columns that say whose an appended row is


@verb(connector_noun)
def show(
    run: Run,
    name: Annotated[str, typer.Argument(help="業務のID / connector id")],
    key: Annotated[str, typer.Option("--key", help="宛名番号 / the person's key, or a fact's")],
    reveal: Annotated[bool, typer.Option("--reveal", help="値を見る / the values; needs --reason")] = False,
    why: Annotated[str, typer.Option("--reason", help="理由 / why you look; it is logged")] = "",
) -> None:
    """一人について保持するもの / Which rows a department holds of one person, and under which other key it knows them.

    Example: bus connector show kokuho --key 000000000000019
    """
    if reveal and not why.strip():
        raise Refused("values of persons are shown for a reason only", code="REASON_REQUIRED", hint="--reason TEXT")
    if name not in run.wiring.topology.subscriptions:
        raise Usage(f"there is no connector {name}", hint="`bus connector list`")
    tables = run.wiring.connector(name).tables
    if reveal:
        telemetry.contents_shown(name, 1, why.strip(), getuser())
    with closing(run.wiring.store(name)) as store:
        store.prepare(tables)
        held = {table.name: _rows(store, table, key) for table in tables}
        aliases = store.rows(ALIAS) if any(table.name == ALIAS for table in tables) else ()
        parked = len(store.parked(name, key))
    shown = [table for table in tables if table.name != ALIAS]
    found: dict[str, Any] = {
        "id": name,
        "key": key,
        "kept": {table.name: len(held[table.name]) for table in shown if table.kept},
        "asked": {table.name: len(held[table.name]) for table in shown if not table.kept},
        "survivor": next((survivor for person, survivor in aliases if person == key), None),
        "aliases": sorted(person for person, survivor in aliases if survivor == key),
        "parked": parked,
    }
    if reveal:
        found["rows"] = {table.name: [_named(table, row) for row in held[table.name]] for table in shown}
    run.show(found, run.table((found["kept"] | found["asked"]).items(), "table", "rows"))


def _rows(store: Store, table: Table, key: str) -> list[Row]:
    names = [column.name for column in table.columns]
    own = {names.index(name) for name in OF_PERSON if name in names} | ({0} if table.kept else set())
    return [row for row in store.rows(table.name) if any(row[index] == key for index in own)]


def _named(table: Table, row: Row) -> dict[str, Any]:
    return dict(zip((column.name for column in table.columns), row, strict=True))
