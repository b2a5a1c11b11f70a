"""bus topology: who may read what in the cluster, and is it so?"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.topology.acl import desired
from bus.topology.plan import Plan, approvals, plan
from bus.topology.probe import Matrix

noun = typer.Typer(
    no_args_is_help=True, help="トピックと権限 / Topics, users and permissions, derived from topology.yaml."
)
Approvals = Annotated[
    Path | None, typer.Option("--approvals", help="承認の一覧 / who approved which destructive action")
]


@verb(noun)
def validate(run: Run) -> None:
    """topology.yaml を調べる / Check topology.yaml to the last key.

    Example: bus topology validate
    """
    topology = run.wiring.topology
    for warning in topology.warnings:
        run.say(warning)
    document = {
        "town": topology.town,
        "topics": sorted(desired(topology, 1).topics),
        "subscriptions": sorted(topology.subscriptions),
        "warnings": topology.warnings,
    }
    run.show(
        document,
        lambda console: console.print(
            f"{len(document['topics'])} topics, {len(document['subscriptions'])} subscriptions"
        ),
    )


@verb(noun, "plan")
def show_plan(run: Run) -> None:
    """何を変えるかを示す / Say what apply would do; nothing is done.

    Example: bus topology plan
    """
    todo = _plan(run)
    run.show(todo.as_json(), lambda console: console.print(str(todo), markup=False))


@verb(noun)
def apply(run: Run, approvals_file: Approvals = None) -> None:
    """クラスタを合わせる / Make the cluster as topology.yaml says; destructive actions need an approval.

    Example: bus topology apply
    """
    todo = _plan(run)
    todo.approve(approvals(approvals_file) if approvals_file else [], date.today())  # noqa: DTZ011 - an office's own day
    cluster = run.wiring.cluster()
    cluster.do(todo.actions)
    cluster.close()
    run.show(todo.as_json(), lambda console: console.print(str(todo), markup=False))


@verb(noun)
def drift(run: Run) -> None:
    """違いを探す / Say what differs from topology.yaml; exits 3 when something does.

    Example: bus topology drift
    """
    todo = _plan(run)
    run.exit = 0 if todo.is_empty else 3
    run.show(todo.as_json(), lambda console: console.print(str(todo), markup=False))


@verb(noun)
def probe(run: Run) -> None:
    """権限を実際に試す / Try every principal on every topic and operation; exits 4 when it is not as granted.

    Example: bus topology probe
    """
    from bus.topology.probe import probe as probe_all

    cluster = run.wiring.cluster()
    matrix = probe_all(run.wiring.topology, run.wiring.prober, cluster.read().topics)
    cluster.close()
    run.exit = 0 if matrix.is_equal else 4
    cells = [asdict(cell) for cell in matrix.cells]
    run.show({"equal": matrix.is_equal, "cells": cells}, lambda console: console.print(_lines(matrix), markup=False))


def _lines(matrix: Matrix) -> str:
    """Every line whole, however narrow the terminal: this is kept as evidence."""
    rows = list(matrix.rows())
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return "\n".join([*lines, f"{len(matrix.cells)} tried, {len(matrix.wrong)} not as granted"])


def _plan(run: Run) -> Plan:
    topology = run.wiring.topology
    cluster = run.wiring.cluster()
    actual = cluster.read()
    cluster.close()
    return plan(desired(topology, actual.brokers), actual, topology.town)
