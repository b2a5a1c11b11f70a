"""`bus relay`: how does what the register committed get out?"""

from __future__ import annotations

from typing import Annotated

import typer

from bus import telemetry
from bus.cli.command import Run, verb

noun = typer.Typer(
    help="中継 / From the register's outbox to the canonical topic.\n\nExample: bus relay run --until-idle",
    no_args_is_help=True,
)


@verb(noun, "run")
def run_(
    run: Run,
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="残りがなくなるまで / until all is said")] = False,
) -> None:
    """中継を動かす / Publish what the register committed, in order, until stopped; a second relay stands by.

    Example: bus relay run --until-idle
    """
    from bus.adapters.sql.outbox import SqlOutbox
    from bus.register.relay import Relay

    if not run.quiet:
        telemetry.configure("info")
    source = SqlOutbox(run.wiring.engine("relay"))
    broker = run.wiring.broker("relay")
    relay = Relay(source, broker, run.wiring.contracts)
    try:
        published = relay.run(until_idle=until_idle)
    finally:
        broker.close()
        source.close()
    run.show({"published": published, "fenced": relay.fenced}, lambda out: out.print(f"published {published}"))
