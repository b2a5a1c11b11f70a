"""`bus register`: what does the city know of its residents, and how does a change get in?"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bus.cli.command import Run, verb
from bus.errors import Usage

if TYPE_CHECKING:
    from bus.register.entry import Entry

noun = typer.Typer(
    help="住民記録 / The reference register.\n\nExample: bus register load residents.csv --dry-run",
    no_args_is_help=True,
)

_File = Annotated[Path, typer.Argument(help="CSV（UTF-8）/ the file", exists=True, dir_okay=False)]
_Layout = Annotated[str, typer.Option(help="様式 / schemas/layouts/NAME.yaml")]


@verb(noun)
def load(
    run: Run,
    file: _File,
    layout: _Layout = "mado-122",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="検査のみ / judge the file, load nothing")] = False,
) -> None:
    """全件を取り込み、疑わしい値を報告 / Loads a full set; doubtful cells are reported by line, column, code.

    Example: bus register load residents.csv --dry-run --json
    """
    from bus.adapters.sql.engine import translated
    from bus.resident import codes
    from bus.resident.load import load as load_file

    columns = codes.layout(run.settings.project / "schemas", layout)
    with translated():
        report = load_file(entry(run), file, columns, dry_run=dry_run, say=progress(run))
    run.exit = 1 if report.rejected else 0
    rows = [(w.line, w.column, w.code) for w in report.warnings]
    run.say(f"read {report.read}, loaded {report.loaded}, there already {report.skipped}, rejected {report.rejected}")
    run.show(asdict(report), run.table(rows, "line", "column", "code"))


@verb(noun)
def export(
    run: Run,
    form: Annotated[str, typer.Option("--format", help="csv")] = "csv",
    layout: _Layout = "mado-122",
) -> None:
    """同じ列で書き出す / The same columns back, cell for cell, on stdout.

    Example: bus register export > residents.csv
    """
    from bus.adapters.sql.engine import translated
    from bus.resident import codes
    from bus.resident.layout import write

    if form != "csv":
        raise Usage(f"--format is csv, not {form!r}")
    columns = codes.layout(run.settings.project / "schemas", layout)
    with translated():
        people = ((key, image) for key, _, image, _ in entry(run).latest())
        for line in write(people, columns):
            sys.stdout.buffer.write(line.encode())
        sys.stdout.buffer.flush()


def entry(run: Run) -> Entry:
    from bus.register.entry import Entry

    town = run.wiring.topology.town
    return Entry.open(
        run.wiring.engine("register"),
        run.wiring.contracts.canonical(),
        town,
        schemas=run.settings.project / "schemas",
    )


def progress(run: Run) -> Callable[[int], None]:
    """A line at most every five seconds."""
    last = time.monotonic()

    def say(count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 5:
            last = time.monotonic()
            run.say(f"… {count}")

    return say
