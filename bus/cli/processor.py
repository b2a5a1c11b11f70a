"""`bus processor`: how does what needs memory run, and how does what it says get out?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.connector.ownership import here

if TYPE_CHECKING:
    from bus.adapters.sql.notebook import SqlNotebook
    from bus.processor.driver import Driver
    from bus.processor.fold import Processor

noun = typer.Typer(
    help="記憶を要する処理（世帯など）/ What needs memory, such as the household as a whole.\n\n"
    "Example: bus processor status",
    no_args_is_help=True,
)
Which = Annotated[str, typer.Argument(help="処理のID / a processor of topology.yaml")]
UntilIdle = Annotated[bool, typer.Option("--until-idle", help="追いついたら終わる / stop when all is folded")]


@verb(noun)
def run(run: Run, which: Which, until_idle: UntilIdle = False) -> None:
    """実行する / Run a processor; a second one stands by. What it says waits in its outbox for the relay.

    Example: bus processor run household --until-idle
    """
    _drive(run, which, until_idle=until_idle)


@verb(noun)
def rebuild(run: Run, which: Which) -> None:
    """作り直す / Fold everything anew, from the first record there is; only what differs from what was said is said.

    Example: bus processor rebuild household
    """
    _drive(run, which, until_idle=True, anew=True)


@verb(noun)
def relay(run: Run, until_idle: UntilIdle = False) -> None:
    """中継する / Publish what processors have said, in order; a second relay stands by.

    Example: bus processor relay --until-idle
    """
    from bus.adapters.sql.outbox import SqlOutbox
    from bus.processor.known import known
    from bus.register.relay import Relay

    telemetry.configure("warning" if run.quiet else "info")
    for processor in known(run.wiring.topology).values():
        notebook(run, processor).prepare()
    source, broker = SqlOutbox(run.wiring.engine("bus")), run.wiring.broker("relay")
    publisher = Relay(source, broker, run.wiring.contracts)
    try:
        published = publisher.run(until_idle=until_idle)
    finally:
        broker.close()
        source.close()
    run.show({"published": published, "fenced": publisher.fenced}, lambda out: out.print(f"published {published}"))


def _drive(run: Run, which: str, *, until_idle: bool, anew: bool = False) -> None:
    from bus.processor.driver import run as drive

    telemetry.configure("warning" if run.quiet else "info")
    driver = _driver(run, which)
    try:
        if anew:
            driver.rebuild()
        folded = drive(driver, until_idle=until_idle)
    finally:
        driver.close()
    run.show({"folded": folded, "said": driver.said})


def _driver(run: Run, which: str) -> Driver:
    from bus.processor.driver import Driver
    from bus.processor.known import one
    from bus.processor.reading import ears

    processor = one(run.wiring.topology, which)
    book, broker = notebook(run, processor), run.wiring.broker(processor.id)
    return Driver(processor, ears(processor, run.wiring.contracts), broker, book, holder=here())


def notebook(run: Run, processor: Processor) -> SqlNotebook:
    from bus.adapters.sql.notebook import OutboxOutlet, SqlNotebook

    return SqlNotebook(run.wiring.engine("bus"), OutboxOutlet(run.wiring.contracts.canonical(processor.writes)))
