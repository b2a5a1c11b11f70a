"""`bus register enter` and `play`: how do approved movements get in, from a file or a pipe?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.cli.register import entry, noun as register, progress
from bus.errors import Usage

_Lines = Annotated[str, typer.Argument(help="JSON Lines、- は標準入力 / JSON lines; - reads stdin")]


@verb(register)
def enter(run: Run, file: _Lines) -> None:
    """異動を入力する / Enters movements, JSON lines, each in one transaction with its outbox rows.

    Example: echo '{"reason":"SHIBO","effective":"2026-04-01","persons":["000000000000019"]}' | bus register enter -
    """
    _play(run, file, None)


@verb(register)
def play(
    run: Run,
    file: _Lines,
    rate: Annotated[
        float | None, typer.Option(help="毎秒の件数 / movements per second; none: as fast as it goes")
    ] = None,
) -> None:
    """台本の異動を模擬時刻で再生 / Plays a scripted stretch of movements by the clock written in it (`recorded`).

    Example: bus register play day.jsonl --rate 50
    """
    _play(run, file, rate)


def _play(run: Run, file: str, rate: float | None) -> None:
    from bus.adapters.sql.engine import translated
    from bus.movement.script import play as play_lines

    if file != "-" and not Path(file).is_file():
        raise Usage("there is no such file")
    with translated(), sys.stdin if file == "-" else Path(file).open(encoding="utf-8") as lines:
        played = play_lines(entry(run), lines, rate=rate, say=progress(run))
    run.exit = 1 if played.refused else 0
    for _, error in played.refused:
        run.say(f"{error.code}: {error.message} ({error.where})")
    run.show(played.as_dict())
