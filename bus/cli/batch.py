"""`bus batch`: how is one change entered for many persons, without anybody's death waiting for it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.cli.register import entry, progress

noun = typer.Typer(
    help="一括異動 / One change for many persons.\n\nExample: bus batch announce list.csv --dry-run "
    "--reason JUSHO_IKKATSU --effective 2026-05-01",
    no_args_is_help=True,
)


@verb(noun)
def announce(
    run: Run,
    file: Annotated[
        Path, typer.Argument(help="CSV: key,version,項目… / and the fields to set", exists=True, dir_okay=False)
    ],
    reason: Annotated[str, typer.Option(help="JUSHO_IKKATSU | FURIGANA_KISAI")],
    effective: Annotated[str, typer.Option(help="異動年月日 / since when it is so")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="試行のみ / judge every row, enter nothing")] = False,
    rate: Annotated[float | None, typer.Option(help="毎秒の件数 / rows per second; none: as fast as it goes")] = None,
) -> None:
    """一括異動を試行・実行する / One act per row; who changed since the extract is left out.

    Run again, it goes on where it stopped.

    Example: bus batch announce list.csv --reason JUSHO_IKKATSU --effective 2026-05-01 --rate 50
    """
    from bus.adapters.sql.engine import translated
    from bus.movement.batch import announce as announce_file

    with translated():
        report = announce_file(entry(run), file, reason, effective, dry_run=dry_run, rate=rate, say=progress(run))
    run.exit = 1 if report.excluded else 0
    run.say(f"announced {report.announced}, entered {report.entered}, before {report.already}, batch {report.batch}")
    run.show(report.as_dict(), run.table(report.excluded, "line", "code"))
