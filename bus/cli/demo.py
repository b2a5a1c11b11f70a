"""`bus demo`: does a city's week arrive, whatever is killed meanwhile?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.errors import Usage


def add(app: typer.Typer) -> None:
    verb(app, "demo")(demo)


def demo(
    run: Run,
    *,
    residents: Annotated[int, typer.Option(help="住民の数 / how many residents", min=30)] = 5_000,
    seed: Annotated[int, typer.Option(help="種 / the same seed, the same town")] = 7,
    file: Annotated[
        Path | None, typer.Option(help="実際の抽出データ / an extract in 122 columns", exists=True, dir_okay=False)
    ] = None,
    days: Annotated[int, typer.Option(help="日数 / days of movements", min=1, max=60)] = 7,
    stay: Annotated[bool, typer.Option("--stay", help="終わっても止めない / leave everything running")] = False,
) -> None:
    """何もないところから、届いた証明まで / From nothing to departments that equal the register, through two kills.

    Example: bus demo --residents 1000 --seed 8
    """
    from bus.demo.demo import Demo, Wish
    from bus.demo.screen import document, draw

    if run.settings.sources.get("bootstrap", "").startswith("BUS_"):
        raise Usage("the demonstration brings its own stack", hint="unset BUS_BOOTSTRAP, or use `bus register play`")
    outcome = Demo(run.settings, Wish(residents, seed, days, file, stay), run.say).run()
    run.show(document(outcome), draw(outcome, run.settings.lang))
    run.exit = 0 if outcome.ok else 3
