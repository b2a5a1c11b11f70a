"""`bus outbox`: what has the register, or anybody else who says something, said that nobody has heard yet?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.cli.relay import chosen
from bus.errors import BusError, Usage

if TYPE_CHECKING:
    from bus.adapters.sql.outbox import SqlOutbox

noun = typer.Typer(
    help="送信箱 / The outbox of the register, or of a department.\n\nExample: bus outbox status", no_args_is_help=True
)


Of = Annotated[str | None, typer.Option("--of", help="業務のID / a department's outbox; default: the register's")]


def _outbox(run: Run, of: str | None) -> SqlOutbox:
    from bus.adapters.sql.outbox import SqlOutbox

    if of is None:
        return SqlOutbox(run.wiring.engine("relay"))
    (name,) = chosen(run, [of])
    return SqlOutbox(run.wiring.department_engine(name))


@verb(noun)
def status(
    run: Run,
    of: Of = None,
    every: Annotated[bool, typer.Option("--all", help="全送信箱を一行ずつ / a line for every outbox")] = False,
) -> None:
    """未送信の件数と中継の状態 / What is not yet published, since when, and who publishes.

    Example: bus outbox status --json
    """
    if every:
        _all(run, of)
    else:
        _one(run, of)


def _one(run: Run, of: str | None) -> None:
    with closing(_outbox(run, of)) as source:
        shards, waiting = source.status(), source.waiting()
    document = summary(shards) | {"shards": shards, "blocked": waiting}
    telemetry.outbox_pending(of or "outbox", document["unpublished"], document["oldest_unpublished_seconds"] or 0.0)
    columns = ("shard", "unpublished", "oldest_unpublished_seconds", "gap", "blocked", "cursor", "epoch", "holder")
    run.show(document, run.table(([shard[name] for name in columns] for shard in shards), *columns))


def _all(run: Run, of: str | None) -> None:
    """One that cannot be asked is told with the code of the reason, and null for all else."""
    from bus.topology.outboxes import outboxes

    if of is not None:
        raise Usage("--of is one outbox, --all is every one")
    rows = [_row(run, name) for name in outboxes(run.wiring.topology)]
    ages = [row["oldest_unpublished_seconds"] for row in rows]
    document = {
        "unpublished": sum(row["unpublished"] or 0 for row in rows),
        "oldest_unpublished_seconds": max((age for age in ages if age is not None), default=None),
        "outboxes": rows,
    }
    run.show(document, run.table((row.values() for row in rows), *rows[0]) if rows else None)


def _row(run: Run, name: str) -> dict[str, Any]:
    from bus.adapters.sql.outbox import SqlOutbox
    from bus.kit.outboxes.reach import engine_of
    from bus.topology.outboxes import REGISTERS

    try:
        with closing(SqlOutbox(engine_of(run.wiring, name, "relay"))) as source:
            shards = source.status()
    except BusError as error:
        return {"outbox": name} | dict.fromkeys(summary([])) | {"blocked": None, "error": error.code}
    found, source_name = summary(shards), "outbox" if name == REGISTERS else name
    telemetry.outbox_pending(source_name, found["unpublished"], found["oldest_unpublished_seconds"] or 0.0)
    return {"outbox": name} | found | {"blocked": sum(shard["blocked"] for shard in shards), "error": None}


def summary(shards: list[dict[str, Any]]) -> dict[str, Any]:
    """One line for all shards; a holder or epoch is named where all shards agree on it, null where they do not."""
    ages = [shard["oldest_unpublished_seconds"] for shard in shards]
    gaps = [shard["gap"] | {"shard": shard["shard"]} for shard in shards if shard["gap"]]
    holders, epochs = ({shard[name] for shard in shards} for name in ("holder", "epoch"))
    return {
        "unpublished": sum(shard["unpublished"] for shard in shards),
        "oldest_unpublished_seconds": max((age for age in ages if age is not None), default=None),
        "gap": gaps[0] if gaps else None,
        "holder": holders.pop() if len(holders) == 1 else None,
        "epoch": max(epochs, default=None),
    }


@verb(noun)
def release(
    run: Run,
    event: Annotated[str, typer.Argument(help="止めている事象のID / id of the blocking event")],
    of: Of = None,
) -> None:
    """止められた人を再開する / Let a blocked person go on, once the cause is gone; nothing is skipped.

    Example: bus outbox release 0198c0de-0000-7000-8000-000000000001
    """
    with closing(_outbox(run, of)) as source:
        if not source.let_go(event):
            raise Usage(f"no person is blocked by the event {event}", hint="`bus outbox status`")
    run.show({"released": event})
