"""`bus connector`: what do the departments hear, who runs it, and where does each stand?"""

from __future__ import annotations

from typing import Annotated

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.errors import Usage
from bus.topology.model import producer

noun = typer.Typer(
    help="業務別コネクタ / The departments' connectors.\n\nExample: bus connector status", no_args_is_help=True
)

Ids = Annotated[list[str] | None, typer.Argument(help="業務のID / connector ids, as in topology.yaml")]


@verb(noun, "list")
def list_(run: Run) -> None:
    """一覧 / What each connector keeps, appends and decides.

    Example: bus connector list --json
    """
    found = []
    for name in _known(run):
        connector = run.wiring.connector(name)
        reads = run.wiring.topology.subscriptions[name].reads
        found.append({
            "id": name,
            "name_ja": connector.name_ja,
            "subscriptions": [run.wiring.topology.narrowed(name, entity) for entity in reads],
            "keeps": [table.name for table in connector.tables if table.kept],
            "appends": [table.name for table in connector.tables if not table.kept],
            "publishes": [one for one in run.wiring.topology.topics if producer(one) == name],
            "rules": sorted(rule for rule in connector.rules if rule.isidentifier()),
        })  # fmt: skip
    rows = [
        (one["id"], one["name_ja"], " ".join(one["keeps"]), " ".join(one["appends"]), len(one["rules"]))
        for one in found
    ]
    run.show(found, run.table(rows, "id", "業務", "keeps", "appends", "rules"))


@verb(noun, "run")
def run_(
    run: Run,
    ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="すべて / every connector, a process each")] = False,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="追いついたら終わる / stop when caught up")] = False,
    storm: Annotated[int, typer.Option("--storm", help="続けて保留できる人数 / parked in a row; 0: no limit")] = 20,
) -> None:
    """動かす / Apply what a department hears; a second process stands by. Several, or --all: supervised.

    Example: bus connector run --all --until-idle
    """
    from bus.kit.serving import command, run_connector
    from bus.kit.supervisor import supervise

    wanted = _known(run) if every else [_checked(run, name) for name in ids or ()]
    if not wanted:
        raise Usage("which connector? name one or more, or --all")
    telemetry.configure("warning" if run.quiet else "info")
    if len(wanted) == 1 and not every:
        done = run_connector(run.wiring, wanted[0], until_idle=until_idle, storm=storm)
        run.show(done, run.table([done.values()], *done))
        return
    commands = {
        name: command(run.settings, name, until_idle=until_idle, storm=storm, quiet=run.quiet) for name in wanted
    }
    codes = supervise(commands, until_idle=until_idle)
    run.exit = max((code or 0 for code in codes.values()), default=0)
    run.show({"exits": codes}, run.table(codes.items(), "id", "exit"))


@verb(noun)
def status(run: Run, ids: Ids = None) -> None:
    """状態 / Where each department stands: state, age of its truth, what is parked.

    Example: bus connector status shugaku --json
    """
    from bus.kit.standing import standings

    found = standings(run.wiring, [_checked(run, name) for name in ids] if ids else _known(run))
    for one in found:
        if one.truth_age_seconds is not None:
            telemetry.truth_age(one.id, one.truth_age_seconds)
    columns = ("id", "state", "truth_age_seconds", "applied", "parked", "reviews", "lag", "last_applied")
    run.show(
        [one.as_dict() for one in found],
        run.table(([getattr(one, name) for name in columns] for one in found), *columns),
    )


@verb(noun)
def pause(
    run: Run,
    name: Annotated[str, typer.Argument(help="業務のID / connector id")],
    why: Annotated[str, typer.Option("--reason", help="理由 / shown in status")] = "paused by an operator",
) -> None:
    """一時停止 / Stop applying; the connector keeps its place and waits.

    Example: bus connector pause shugaku --reason "stocktaking"
    """
    _paused(run, name, why.strip() or "paused by an operator")


@verb(noun)
def resume(run: Run, name: Annotated[str, typer.Argument(help="業務のID / connector id")]) -> None:
    """再開 / Go on where it was paused.

    Example: bus connector resume shugaku
    """
    _paused(run, name, "")


def _paused(run: Run, name: str, why: str) -> None:
    store = run.wiring.store(_checked(run, name))
    try:
        store.prepare(())
        store.pause(name, why)
    finally:
        store.close()
    run.show({"id": name, "paused": why or None})


def _known(run: Run) -> list[str]:
    return sorted(run.wiring.topology.subscriptions)


def _checked(run: Run, name: str) -> str:
    if name not in run.wiring.topology.subscriptions:
        raise Usage(f"there is no connector {name}", hint="`bus connector list`")
    return name
