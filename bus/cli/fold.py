"""`bus fold`: what was so of one person on a day, as it was known at an instant?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.errors import Refused, Reject, Usage
from bus.event import Event


def add(app: typer.Typer) -> None:
    verb(app, "fold")(fold)


def fold(
    run: Run,
    effective: Annotated[str | None, typer.Option(help="その日の事実 / as it was on this day")] = None,
    known: Annotated[str | None, typer.Option(help="その時点の記録 / as it was known at this instant")] = None,
    key: Annotated[str | None, typer.Option(help="宛名番号 / the person's key, in the register")] = None,
    events: Annotated[
        Path | None, typer.Option(help="事象のファイル / events, JSON lines or .avro", exists=True, dir_okay=False)
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="値を見る / the image too; needs --reason")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="照会理由 / why you look; it is logged")] = None,
) -> None:
    """一人の状態を二つの時間軸で / One person's status on both time axes: no name and no address unless revealed.

    Example: bus fold --effective 2026-01-01 --known 2026-02-01 --key 000000000000019
    """
    from bus.resident.fold import standing, status, story

    if reveal and not (reason or "").strip():
        raise Refused("values of persons are shown for a reason only", code="REASON_REQUIRED", hint="--reason TEXT")
    if (key is None) == (events is None):
        raise Usage("say either --key or --events")
    try:
        day = date.fromisoformat(effective) if effective else None
        instant = datetime.fromisoformat(known) if known else None
    except ValueError:
        raise Usage("--effective is a day, --known a day or an instant, as in RFC 3339") from None
    history = _told(events) if events else _of_register(run, str(key), reason)
    found = standing(history, day, instant)
    document = {"effective": day, "known": instant, "status": status(found and found[1])}
    document |= {name: value for name, value in story(history, day, instant).items() if name not in ("as_of", "known")}
    if not reveal:
        document.pop("image")
    run.show(document)


def _told(file: Path) -> Sequence[Event]:
    from bus.resident.told import told

    history = told(file)
    if len({event.key for event in history}) != 1:
        raise Reject("the file is not about one person", code="EVENTS", where=file.name)
    return history


def _of_register(run: Run, key: str, reason: str | None) -> Sequence[Event]:
    from bus.adapters.sql.engine import translated
    from bus.cli.register import entry

    with translated():
        register = entry(run)
        register.log_access(key, reason or "bus fold: the status alone", getuser())
        history = register.history(key)
    if not history:
        raise Reject("nobody has this key", code="UNKNOWN_PERSON")
    return history
