"""`bus processor status`, `flush`, `release`: where does a processor stand, and what waits there?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bus.cli.command import Run, verb
from bus.cli.processor import Which, notebook, noun as processors
from bus.cli.projector import parsed
from bus.errors import BusError, Usage

if TYPE_CHECKING:
    from bus.broker import Offsets
    from bus.processor.fold import Processor

Why = Annotated[str, typer.Option("--reason", help="理由 / kept beside it")]


@verb(processors)
def status(run: Run) -> None:
    """状態 / Who runs each, how far behind it is, which acts wait for a row, what is set aside (places, never persons).

    Example: bus processor status --json
    """
    from bus.processor.known import known

    document = [_status(run, processor) for processor in known(run.wiring.topology).values()]
    columns = ("id", "holder", "lag_events", "active", "waiting_acts", "waiting_since", "held_persons", "rebuilding")
    run.show(document, run.table(([one[name] for name in columns] for one in document), *columns))


@verb(processors)
def flush(run: Run, which: Which, why: Why) -> None:
    """待ちを解く / Have the running processor say what waits for rows that will not come, as it is.

    Example: bus processor flush household --reason "the person stays set aside"
    """
    from bus.processor.driver import name_of
    from bus.processor.known import one

    if not why.strip():
        raise Usage("a reason is needed")
    book = notebook(run, one(run.wiring.topology, which))
    book.prepare()
    book.ask(name_of(which), why)
    run.show({"id": which, "asked": why})


@verb(processors)
def release(
    run: Run, which: Which, why: Why,
    place: Annotated[str, typer.Argument(help="topic/partition/offset, as `status` shows it")],
    skip: Annotated[bool, typer.Option("--skip", help="捨てる / give it up; what is behind it goes on")] = False,
) -> None:  # fmt: skip
    """保留を解く / Have a record that is set aside folded again, or given up, by the running processor.

    Example: bus processor release household 999999.juki.resident.v1/0/42 --reason "schema 7 is there now"
    """
    from bus.disclosure.positions import REPLAY, SKIP
    from bus.processor.driver import name_of
    from bus.processor.known import one

    decision = SKIP if skip else REPLAY
    book = notebook(run, one(run.wiring.topology, which))
    book.prepare()
    if not why.strip() or not book.decide(name_of(which), parsed(place), decision, why):
        raise Usage("no first record of a person waits there, or no reason is given", where=place)
    run.show({"where": place, "decision": decision})


def _status(run: Run, processor: Processor) -> dict[str, Any]:
    from bus.disclosure.positions import BEHIND
    from bus.processor.driver import name_of

    name, book = name_of(processor.id), notebook(run, processor)
    book.prepare()
    owner, held, counts = book.owner(name), book.held(name), book.counts(name)
    acts = book.recall(name, book.keys(name, processor.waiting)).values()
    since = min((act["stamp"] for act in acts), default=None)
    return {
        "id": processor.id,
        "holder": owner and owner[0],
        "epoch": owner and owner[1],
        "renewed": owner and owner[2],
        "lag_events": _lag(run, processor, book.offsets(name)),
        "facts": counts.facts,
        "active": counts.active,
        "waiting_acts": sum(not act["released"] for act in acts),
        "released_acts": sum(act["released"] for act in acts),
        "waiting_since": since and datetime.fromtimestamp(since / 1000, UTC),
        "held_persons": len({one.person for one in held}),
        "held_records": len(held),
        "held": [
            {"where": "/".join(map(str, one.place)), "code": one.code, "since": one.since, "decision": one.decision}
            for one in held
            if one.code != BEHIND
        ],
        "rebuilding": book.standing(name).rebuilding is not None,
    }


def _lag(run: Run, processor: Processor, offsets: Offsets) -> int | None:
    """None when the broker does not say."""
    topology = run.wiring.topology
    try:
        ends = run.wiring.broker(processor.id).ends([topology.canonical(entity) for entity in processor.reads])
    except BusError:
        return None
    return sum(max(0, end - offsets.get(place, 0)) for place, end in ends.items())
