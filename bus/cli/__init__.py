"""`bus NOUN VERB`: one thin file per noun; each parses, calls, prints and gives an exit code."""

from __future__ import annotations

import importlib
import pkgutil

import typer

app = typer.Typer(
    help="住民記録から各業務システムへの連携バス / The integration bus of a municipality.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def assemble() -> typer.Typer:
    """Every module here that has `noun` (a Typer app) or `add(app)` takes its place on the command line."""
    if not app.registered_groups and not app.registered_commands:
        for found in sorted(module.name for module in pkgutil.iter_modules(__path__)):
            module = importlib.import_module(f"{__name__}.{found}")
            if noun := getattr(module, "noun", None):
                app.add_typer(noun, name=getattr(module, "name", found))
            if add := getattr(module, "add", None):
                add(app)
    return app


def main() -> None:
    assemble()()
