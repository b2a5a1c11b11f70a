"""`bus clock`: what does the calendar say, without anybody moving?"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.errors import Usage

noun = typer.Typer(
    help="暦 / Birthdays and days of the calendar, said like movements.\n\nExample: bus clock run --until 2026-04-30",
    no_args_is_help=True,
)


@verb(noun, "run")
def run_(
    run: Run,
    until: Annotated[str, typer.Option("--until", help="この日まで / up to and including this day, 2026-04-30")],
    since: Annotated[
        str | None,
        typer.Option("--since", help="初回のみ、この日の翌日から / a first run only: the days after this one"),
    ] = None,
) -> None:
    """暦の起点を発行する / Says every duty of the calendar that came due, once per person; goes on where it stopped.

    Example: bus clock run --until 2026-04-30 --json
    """
    from bus.adapters.sql.engine import translated
    from bus.cli.register import entry
    from bus.clock.clock import Clock
    from bus.clock.duties import load, transits
    from bus.reading.law import load as load_law

    project = run.settings.project
    calendar = load(project / "schemas", load_law(project / "connectors" / "law.yaml"))
    with translated():
        clock = Clock(entry(run), calendar, transits(project / "schemas"))
        report = clock.run(_day(until), since=_day(since) if since else None)
    rows = [
        (duty.reason, report.said[duty.reason], report.annulled[duty.reason], report.review.get(duty.reason, 0))
        for duty in calendar.duties
    ]
    run.say(f"{report.days} days are said, up to {report.until}")
    run.show(report.as_dict(), run.table(rows, "duty", "said", "taken back", "to look at"))


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Usage(f"a day is written 2026-04-30, not {given!r}", code="DAY") from None
