"""What every command has in common: the flags of all, one JSON document, errors and exit codes."""

from __future__ import annotations

import inspect
import json
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bus.errors import BusError
from bus.settings import Settings
from bus.wiring import Wiring


class Run:
    """One call of a command: its settings, where it prints, and the exit code it ends with."""

    def __init__(self, settings: Settings, *, as_json: bool, quiet: bool, no_color: bool) -> None:
        self.settings = settings
        self.wiring = Wiring(settings)
        self.as_json = as_json
        self.quiet = quiet
        self.exit = 0
        monochrome = True if no_color else None  # None: as the terminal and NO_COLOR say
        self.out = Console(no_color=monochrome, highlight=False, soft_wrap=not sys.stdout.isatty())
        self.err = Console(no_color=monochrome, highlight=False, soft_wrap=not sys.stderr.isatty(), stderr=True)

    def say(self, text: str) -> None:
        """Progress and remarks, for people: on stderr, never with --quiet."""
        if not self.quiet:
            self.err.print(text, markup=False)

    def line(self, document: Any) -> None:
        """One JSON line of a long-running command."""
        sys.stdout.write(json.dumps(document, ensure_ascii=False, default=plain) + "\n")
        sys.stdout.flush()

    def show(self, document: Any, people: Callable[[Console], None] | None = None) -> None:
        """The result: one JSON document with --json, else what `people` draws, or the document if nothing draws."""
        if self.as_json:
            self.line(document)
        elif people is not None:
            people(self.out)
        else:
            self.out.print_json(json.dumps(document, ensure_ascii=False, default=plain))

    def table(self, rows: Iterable[Iterable[Any]], *head: str) -> Callable[[Console], None]:
        drawn = Table(*head, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            drawn.add_row(*("" if cell is None else str(cell) for cell in row))
        return lambda console: console.print(drawn)


def plain(value: Any) -> Any:
    """JSON of what json does not know: times are RFC 3339 UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(type(value).__name__)


_COMMON: dict[str, tuple[Any, Any]] = {
    "as_json": (Annotated[bool, typer.Option("--json", help="JSON で一件 / one JSON document on stdout")], False),
    "town": (Annotated[str | None, typer.Option("--town", help="団体コード / municipality code, 6 digits")], None),
    "home": (
        Annotated[Path | None, typer.Option("--home", help="スタックの置き場 / state of the embedded stack")],
        None,
    ),
    "lang": (Annotated[str | None, typer.Option("--lang", help="ja | en")], None),
    "quiet": (Annotated[bool, typer.Option("--quiet", help="経過を出さない / no progress")], False),
    "no_color": (Annotated[bool, typer.Option("--no-color", help="色なし / no colour")], False),
}


def verb(group: typer.Typer, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes `function(run, …)` a command of `group`, with the flags that every command has."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        common = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
            for key, (hint, default) in _COMMON.items()
        ]

        @wraps(function)
        def command(**given: Any) -> None:
            flags = {key: given.pop(key) for key in _COMMON}
            raise typer.Exit(_guarded(function, flags, given))

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + common
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        del command.__wrapped__  # or typer would look through it
        group.command(name or function.__name__.replace("_", "-"))(command)
        return function

    return register


def _guarded(function: Callable[..., None], flags: dict[str, Any], given: dict[str, Any]) -> int:
    as_json = bool(flags["as_json"])
    signal.signal(signal.SIGTERM, _terminated)
    try:
        settings = Settings.load(town=flags["town"], home=flags["home"], lang=flags["lang"])
        run = Run(settings, as_json=as_json, quiet=flags["quiet"], no_color=flags["no_color"])
        function(run, **given)
        return run.exit
    except BusError as error:
        if as_json:
            sys.stdout.write(json.dumps(error.as_dict(), ensure_ascii=False) + "\n")
        else:
            where = f" ({error.where})" if error.where else ""
            sys.stderr.write(f"{error.code}: {error.message}{where}\n")
            if error.hint:
                sys.stderr.write(f"→ {error.hint}\n")
        return error.exit
    except KeyboardInterrupt:
        return 130
    except Terminated:
        return 143


class Terminated(BaseException):
    """SIGTERM arrived: finish what is under way and leave."""


def _terminated(*_: Any) -> None:
    raise Terminated
