"""`bus outbox`: what has the register said that nobody has heard yet?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.errors import Misconfigured, Usage

if TYPE_CHECKING:
    from bus.broker import Offsets
    from bus.register.retire import Progress
    from bus.store import Store

noun = typer.Typer(help="送信箱 / The register's outbox.\n\nExample: bus outbox status", no_args_is_help=True)


@verb(noun)
def status(run: Run) -> None:
    """未送信の件数と中継の状態 / What is not yet published, since when, and who publishes.

    Example: bus outbox status --json
    """
    from bus.adapters.sql.outbox import SqlOutbox

    with closing(SqlOutbox(run.wiring.engine("relay"))) as source:
        shards, waiting = source.status(), source.waiting()
    document = summary(shards) | {"shards": shards, "blocked": waiting}
    telemetry.outbox_pending("outbox", document["unpublished"], document["oldest_unpublished_seconds"] or 0.0)
    columns = ("shard", "unpublished", "oldest_unpublished_seconds", "gap", "blocked", "cursor", "epoch", "holder")
    run.show(document, run.table(([shard[name] for name in columns] for shard in shards), *columns))


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
    run: Run, event: Annotated[str, typer.Argument(help="止めている事象のID / id of the blocking event")]
) -> None:
    """止められた人を再開する / Let a blocked person go on, once the cause is gone; nothing is skipped.

    Example: bus outbox release 0198c0de-0000-7000-8000-000000000001
    """
    from bus.adapters.sql.outbox import SqlOutbox

    with closing(SqlOutbox(run.wiring.engine("relay"))) as source:
        if not source.let_go(event):
            raise Usage(f"no person is blocked by the event {event}", hint="`bus outbox status`")
    run.show({"released": event})


@verb(noun)
def maintain(
    run: Run,
    *,
    days: Annotated[int, typer.Option("--days", min=2, help="先に作る日数 / days to create ahead")] = 8,
) -> None:
    """日別の区画を作り、全員が受け取った日を捨てる / Make days ahead; drop those that every department has confirmed.

    Example: bus outbox maintain
    """
    from bus.adapters.sql.retire import SqlDays
    from bus.register.retire import maintain as retire

    topology, broker = run.wiring.topology, run.wiring.broker("admin")
    store = SqlDays(run.wiring.engine("owner"), run.wiring.engine("bus"))
    store.ahead(days)
    canonical = [topology.canonical(entity) for entity in topology.topics]
    narrowed = [
        topology.narrowed(sub, entity) for sub, known in topology.subscriptions.items() for entity in known.reads
    ]
    try:
        report = retire(store, progress(run, store), lambda: broker.ends(canonical), lambda: broker.ends(narrowed))
    finally:
        broker.close()
    rows = [{"day": table, "done": done, "waits_for": waits or None} for table, done, waits in report]
    run.show({"days": rows}, run.table((row.values() for row in rows), "day", "done", "waits for"))


def progress(run: Run, store: Any) -> Progress:
    from bus.adapters.sql.positions import SqlPositions
    from bus.register.retire import Progress

    positions = SqlPositions(run.wiring.engine("bus"))
    positions.prepare()
    topology = run.wiring.topology
    subscribed = {
        sub: frozenset(topology.narrowed(sub, entity) for entity in known.reads)
        for sub, known in topology.subscriptions.items()
    }
    departments = {sub: offsets(run.wiring.store(sub), sub) for sub in subscribed}
    return Progress(store.today(), store.said(), positions.offsets("projector"), departments, subscribed)


def offsets(store: Store, department: str) -> Offsets:
    """How far a department is; one that has never run has no tables yet, and stands at the beginning."""
    try:
        return store.offsets(department)
    except Misconfigured:
        return {}
    finally:
        store.close()
