"""`bus contract`: what may be said, and what breaks when it changes?"""

from __future__ import annotations

import typer

from bus.cli.command import Run, verb
from bus.contract.lock import Lock
from bus.contract.schema import LOCK, Contracts

noun = typer.Typer(help="契約（スキーマ）/ What may be said.\n\nExample: bus contract lint", no_args_is_help=True)


@verb(noun)
def lock(run: Run) -> None:
    """番号を固定する / Give every schema of the topology its number in schemas/ids.lock (append-only).

    Example: bus contract lock
    """
    schemas = run.settings.project / "schemas"
    before = len(Lock.read(schemas / LOCK).entries)
    contracts = Contracts.provisional(schemas, run.wiring.topology)
    for entry in contracts.lock.entries:
        contracts.by_id(entry.id)  # each must still be what it was
    contracts.lock.write(schemas / LOCK)
    new = [{"id": one.id, "subject": one.subject, "version": one.version} for one in contracts.lock.entries[before:]]
    run.show({"added": new}, run.table(([n["id"], n["subject"], n["version"]] for n in new), "id", "subject", "version"))
