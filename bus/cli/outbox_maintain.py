"""`bus outbox maintain`: which days of the outboxes does nobody need any more?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.command import Run, verb
from bus.cli.outbox import noun as outbox_noun
from bus.errors import Usage

if TYPE_CHECKING:
    from bus.topology.outboxes import Outbox


@verb(outbox_noun)
def maintain(
    run: Run,
    *,
    days: Annotated[int, typer.Option("--days", min=2, help="先に作る日数 / days to create ahead")] = 8,
    of: Annotated[
        list[str] | None,
        typer.Option("--of", help="register、processors または業務のID / … or a department; repeatable; default: all"),
    ] = None,
) -> None:
    """日別の区画を作り、全員が受け取った日を捨てる / Make days ahead; drop those that all who hear them have.

    Of every outbox: the register's, the processors' and the departments' own.

    Example: bus outbox maintain
    """
    from bus.kit.outboxes.upkeep import upkeep
    from bus.kit.publishing import worst
    from bus.register.retire import NOT_OVER

    done = upkeep(run.wiring, chosen(run, of), days)
    for name, error in sorted(done.failed.items()):
        run.say(f"{name}: {error.code}: {error.message}")
    if first := worst(done.failed):
        run.exit = first.exit
    over = [row for row in done.rows if row.waits_for != NOT_OVER]
    run.show({"days": [row._asdict() for row in done.rows]}, run.table(over, "outbox", "day", "done", "waits for"))


def chosen(run: Run, of: list[str] | None) -> list[Outbox]:
    from bus.topology.outboxes import outboxes

    known = outboxes(run.wiring.topology)
    for name in of or ():
        if name not in known:
            raise Usage(f"there is no outbox of {name}", hint=f"these are there: {', '.join(known)}")
    return [outbox for name, outbox in known.items() if not of or name in of]
