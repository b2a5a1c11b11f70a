"""bus settings: where things are, and who said so."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import typer

from bus.cli.command import Run, verb

_PASSWORD = re.compile(r"(://[^:/@]+):[^@]*@")
_INNER = ("sources", "users", "departments")


def add(app: typer.Typer) -> None:
    verb(app)(settings)


def settings(run: Run) -> None:
    """設定の一覧 / Every setting with its source; secrets are masked.

    Example: bus settings
    """
    found = {
        field.name: {
            "value": _masked(getattr(run.settings, field.name)),
            "source": run.settings.sources.get(field.name),
        }
        for field in fields(run.settings)
        if field.name not in _INNER
    }
    found |= {f"users.{name}": {"value": "***", "source": None} for name in run.settings.users}
    found |= {
        f"departments.{name}": {"value": _masked(dsn), "source": None} for name, dsn in run.settings.departments.items()
    }
    run.show(found, run.table(([name, each["value"], each["source"]] for name, each in found.items()), "", "", ""))


def _masked(value: Any) -> Any:
    return _PASSWORD.sub(r"\1:***@", value) if isinstance(value, str) else value and str(value)
