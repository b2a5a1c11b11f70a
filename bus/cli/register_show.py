"""`bus register show`: what does the register say of one person, and what did it say before?"""

from __future__ import annotations

from datetime import date, datetime
from getpass import getuser
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.cli.register import entry, noun as register_noun
from bus.errors import Refused, Reject, Usage


@verb(register_noun)
def show(
    run: Run,
    key: Annotated[str, typer.Argument(help="宛名番号 / the person's key")],
    reason: Annotated[str | None, typer.Option(help="照会理由（記録される）/ why you look; it is logged")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="その日の事実 / as it was on this day")] = None,
    known: Annotated[str | None, typer.Option(help="その時点の記録 / as the register knew at this instant")] = None,
) -> None:
    """一人の履歴を二つの時間軸で / The history of one person, on both time axes.

    Example: bus register show 000000000000019 --reason "counter 3" --as-of 2026-01-01
    """
    from bus.adapters.sql.engine import translated
    from bus.resident.fold import story

    if not (reason or "").strip():
        raise Refused("why do you look? Give --reason; it is logged", code="NO_REASON")
    try:
        day = date.fromisoformat(as_of) if as_of else None
        instant = datetime.fromisoformat(known) if known else None
    except ValueError:
        raise Usage("--as-of is a day, --known an instant, as in RFC 3339") from None
    with translated():
        register = entry(run)
        register.log_access(key, str(reason), getuser())
        events = register.history(key)
    if not events:
        raise Reject("nobody has this key", code="UNKNOWN_PERSON")
    run.show(story(events, day, instant))
