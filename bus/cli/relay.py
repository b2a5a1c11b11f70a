"""`bus relay`: how does what the register and the departments committed get out?"""

from __future__ import annotations

from typing import Annotated

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.errors import Usage

noun = typer.Typer(
    help="中継 / From an outbox to the canonical topics.\n\nExample: bus relay run --until-idle", no_args_is_help=True
)


@verb(noun, "run")
def run_(
    run: Run,
    *,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="残りがなくなるまで / until all is said")] = False,
    of: Annotated[list[str] | None, typer.Option("--of", help="業務のID / a department's outbox; repeatable")] = None,
    departments: Annotated[bool, typer.Option("--departments", help="発信する全業務 / all that publish")] = False,
) -> None:
    """中継を動かす / Publish what was committed, in order, until stopped; a second relay stands by.

    The register's outbox, or those of departments: each with a thread, a role and a Kafka user of its own.

    Example: bus relay run --departments --until-idle
    """
    if not run.quiet:
        telemetry.configure("info")
    if of or departments:
        _departments(run, chosen(run, of, every=departments), until_idle)
    else:
        _register(run, until_idle)


def _register(run: Run, until_idle: bool) -> None:
    from bus.adapters.sql.outbox import SqlOutbox
    from bus.register.relay import Relay

    source = SqlOutbox(run.wiring.engine("relay"))
    broker = run.wiring.broker("relay")
    relay = Relay(source, broker, run.wiring.contracts)
    try:
        published = relay.run(until_idle=until_idle)
    finally:
        broker.close()
        source.close()
    run.show({"published": published, "fenced": relay.fenced}, lambda out: out.print(f"published {published}"))


def _departments(run: Run, names: list[str], until_idle: bool) -> None:
    from bus.kit.publishing import Publishers, department, worst

    publishers = Publishers({name: department(run.wiring, name) for name in names})
    publishers.run(until_idle=until_idle)
    for name, error in sorted(publishers.failed.items()):
        run.say(f"{name}: {error.code}: {error.message}")
    if first := worst(publishers.failed):
        run.exit = first.exit
    done = sorted(publishers.done.items())
    document = {
        "published": sum(one.published for _, one in done),
        "fenced": sum(one.fenced for _, one in done),
        "departments": [{"id": name} | one._asdict() for name, one in done],
        "failed": [{"id": name, "code": error.code} for name, error in sorted(publishers.failed.items())],
    }
    run.show(document, run.table(((name, *one) for name, one in done), "id", "published", "fenced"))


def chosen(run: Run, of: list[str] | None, *, every: bool = False) -> list[str]:
    """Departments that have something to say."""
    known = run.wiring.topology.publishers
    for name in of or ():
        if name not in known:
            raise Usage(f"{name} publishes nothing", hint=f"these do: {', '.join(known) or 'none'}")
    return list(known) if every else sorted(set(of or ()))
