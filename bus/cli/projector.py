"""`bus projector`: one narrowed topic per subscription, and what the projector has set aside."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.connector.ownership import here
from bus.disclosure.positions import BEHIND, REPLAY, SKIP, Held, Positions
from bus.errors import BusError, Usage

noun = typer.Typer(
    help="投影（業務別の絞り込み）/ One narrowed topic per department.\n\nExample: bus projector status",
    no_args_is_help=True,
)


@verb(noun)
def run(
    run: Run,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="追いついたら終わる / stop when all is said")
    ] = False,
) -> None:
    """実行する / Run the projector; a second one stands by.

    Example: bus projector run --until-idle
    """
    from bus.disclosure.audience import audiences
    from bus.disclosure.projector import Projector, run as drive

    telemetry.configure("warning" if run.quiet else "info")
    topology, wiring = run.wiring.topology, run.wiring
    found = audiences(topology, wiring.contracts, lambda name, of: wiring.connector(name).views[of].concerns)
    projector = Projector(wiring.broker("projector"), _positions(run), found, holder=here())
    try:
        done = drive(projector, until_idle=until_idle)
    finally:
        projector.close()
    run.show({"projected": done})


@verb(noun)
def status(run: Run) -> None:
    """状態 / Who runs it, how far behind it is, and what is set aside (places, never persons).

    Example: bus projector status --json
    """
    positions = _positions(run)
    positions.prepare()
    owner, held = positions.owner("projector"), positions.held()
    shown = [_shown(one, held) for one in held if one.code != BEHIND]
    document = {
        "holder": owner and owner[0],
        "epoch": owner and owner[1],
        "renewed": owner and owner[2],
        "lag_events": _lag(run, positions),
        "held_persons": len({one.person for one in held}),
        "held_records": len(held),
        "held": shown,
    }
    rows = [(one["where"], one["code"], one["behind"], one["since"], one["decision"]) for one in shown]
    run.show(document, run.table(rows, "place", "code", "behind", "since", "decision") if rows else None)


@verb(noun)
def release(
    run: Run,
    place: Annotated[str, typer.Argument(help="topic/partition/offset, as `status` shows it")],
    why: Annotated[str, typer.Option("--reason", help="理由 / kept beside the record")],
    skip: Annotated[
        bool, typer.Option("--skip", help="捨てる / give this record up; what is behind it goes on")
    ] = False,
) -> None:
    """保留を解く / Have a held record said again, or given up, by the running projector.

    Example: bus projector release 999999.juki.resident.v1/0/42 --reason "schema 7 is there now"
    """
    topic, partition, offset = parsed(place)
    if not why.strip():
        raise Usage("a reason is needed")
    if not _positions(run).decide((topic, partition, offset), SKIP if skip else REPLAY, why):
        raise Usage("no first record of a person waits there", where=place, hint="`bus projector status` lists them")
    run.show({"where": place, "decision": SKIP if skip else REPLAY})


def _positions(run: Run) -> Positions:
    return run.wiring.positions()


def _lag(run: Run, positions: Positions) -> int | None:
    """None when the broker does not say."""
    topics = [run.wiring.topology.canonical(entity) for entity in run.wiring.topology.topics]
    try:
        ends = run.wiring.broker("projector").ends(topics)
    except BusError:
        return None
    here = positions.offsets("projector")
    return sum(max(0, end - here.get(place, 0)) for place, end in ends.items())


def _shown(first: Held, held: Any) -> dict[str, str | int | datetime | None]:
    behind = sum(1 for one in held if one.person == first.person) - 1
    where = "/".join(map(str, first.place))
    return {"where": where, "code": first.code, "behind": behind, "since": first.since, "decision": first.decision}


def parsed(place: str) -> tuple[str, int, int]:
    try:
        topic, partition, offset = place.split("/")
        return topic, int(partition), int(offset)
    except ValueError:
        raise Usage("a place is topic/partition/offset", where=place) from None
