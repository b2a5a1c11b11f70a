"""`bus connector proposals`, `decide`: what did a department make of what it heard?"""

from __future__ import annotations

from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.cli.connector import noun as connector_noun
from bus.errors import Refused, Reject, Usage

if TYPE_CHECKING:
    from bus.adapters.sql.proposals import Proposals, Request

Id = Annotated[str, typer.Argument(help="業務のID / connector id")]
Why = Annotated[str, typer.Option("--reason", help="理由 / why; it is recorded")]


@verb(connector_noun)
def proposals(
    run: Run,
    name: Id,
    every: Annotated[bool, typer.Option("--all", help="決定済みも / also those that are decided")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="値を見る / the values; needs --reason")] = False,
    why: Why = "",
) -> None:
    """処理待ちの一覧 / The requests of a department and their states; their values only with --reveal --reason.

    Example: bus connector proposals kokuho
    """
    if reveal and not why.strip():
        raise Refused("values of persons are shown for a reason only", code="REASON_REQUIRED", hint="--reason TEXT")
    book = _proposals(run, name)
    found = book.all() if every else book.open()
    if reveal and found:
        telemetry.contents_shown(name, len(found), why.strip(), getuser())
    rows = [_line(one, reveal=reveal) for one in found]
    columns = ("request", "event_id", "kind", "supersedes", "state", "decided_by", "decided_at")
    run.show(rows, run.table(([row[name] for name in columns] for row in rows), *columns))


@verb(connector_noun)
def decide(
    run: Run,
    name: Id,
    event: Annotated[str, typer.Argument(help="事象のID / id of the event that asks")],
    confirm: Annotated[bool, typer.Option("--confirm", help="承認 / it is so")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="却下 / it is not")] = False,
    why: Why = "",
    request: Annotated[str | None, typer.Option("--request", help="表 / the table, if several ask")] = None,
) -> None:
    """決定する / Confirm or reject a request, once and for all; the register hears of it.

    Example: bus connector decide kokuho 0198c0de-0000-7000-8000-000000000001 --confirm --reason "checked at the window"
    """
    if confirm == reject:
        raise Usage("say either --confirm or --reject")
    if not why.strip():
        raise Refused("a decision has a reason", code="REASON_REQUIRED", hint="--reason TEXT")
    book = _proposals(run, name)
    table = request or _only(book, event)
    done = (book.confirm if confirm else book.reject)(table, event, by=getuser(), note=why.strip())
    document = {"request": table, "event_id": event, "state": done.state, "facts": done.facts, "is_new": done.is_new}
    run.show(document, lambda out: out.print(f"{table} {event}: {done.state}", markup=False))


def _only(book: Proposals, event: str) -> str:
    tables = book.asked(event)
    if not tables:
        raise Reject("there is no such request", code="REQUEST_UNKNOWN", where=event)
    if len(tables) > 1:
        raise Usage(f"several tables ask because of this event: {', '.join(tables)}", hint="name one with --request")
    return tables[0]


def _proposals(run: Run, name: str) -> Proposals:
    if name not in run.wiring.topology.subscriptions:
        raise Usage(f"there is no connector {name}", hint="`bus connector list`")
    book = run.wiring.proposals(name)
    book.prepare()
    return book


def _line(one: Request, *, reveal: bool) -> dict[str, Any]:
    line = {
        "request": one.table,
        "event_id": one.event_id,
        "kind": one.kind,
        "supersedes": one.supersedes,
        "state": one.state,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "note": one.note,
    }
    return line | ({"values": dict(one.row)} if reveal else {})
