"""`bus outbox maintain`: which days of the outbox does nobody need any more?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.command import Run, verb
from bus.cli.outbox import noun as outbox_noun
from bus.errors import Misconfigured

if TYPE_CHECKING:
    from bus.broker import Offsets
    from bus.register.retire import Progress
    from bus.store import Store


@verb(outbox_noun)
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
