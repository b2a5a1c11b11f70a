"""`bus contract`: what may be said, and what breaks when it changes?"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from bus.cli.command import Run, verb
from bus.contract import review
from bus.contract.schema import Contracts
from bus.errors import Misconfigured, Usage

noun = typer.Typer(help="契約（スキーマ）/ What may be said.\n\nExample: bus contract lint", no_args_is_help=True)


@verb(noun)
def lock(run: Run) -> None:
    """番号を固定する / Give every schema of the topology its number in schemas/ids.lock (append-only).

    Example: bus contract lock
    """
    new = review.lock(run.settings.project / "schemas", run.wiring.topology)
    rows = [{"id": one.id, "subject": one.subject, "version": one.version} for one in new]
    run.show({"added": rows}, run.table((row.values() for row in rows), "id", "subject", "version"))


@verb(noun)
def check(
    run: Run,
    against: Annotated[
        str, typer.Option(help="all | REV: 以前の全版 / every locked version, or a git revision")
    ] = "all",
) -> None:
    """互換性を調べる / Does anything break: numbers, fingerprints, readers old and new? Exits 4 if so.

    Example: bus contract check --against all
    """
    schemas = run.settings.project / "schemas"
    contracts = Contracts.provisional(schemas, run.wiring.topology)
    found = review.check(contracts, schemas)
    if against != "all":
        with tempfile.TemporaryDirectory() as folder:
            _at(run.settings.project, against, Path(folder))
            found += review.check_against(contracts, Path(folder) / "schemas", against)
    _end(run, [one._asdict() for one in found], "subject", "reader", "writer", "where", "what")


def _at(project: Path, revision: str, folder: Path) -> None:
    """The schemas of a git revision, in `folder`."""
    if revision.startswith("-"):
        raise Usage("a git revision does not begin with -")
    packed = subprocess.run(
        ["git", "-C", str(project), "archive", revision, "schemas"], capture_output=True, check=False
    )
    if packed.returncode:
        raise Usage(f"git knows no schemas at {revision}", hint="--against all, or a revision such as HEAD~1")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)


@verb(noun)
def lint(run: Run) -> None:
    """書き方を調べる / Refuses what hangs readers, loses dates or explains nothing. Exits 4 on a finding.

    Example: bus contract lint
    """
    _end(run, review.lint_all(run.settings.project / "schemas"), "file", "where", "code", "what")


def _end(run: Run, found: list[dict[str, Any]], *head: str) -> None:
    run.show({"broken": found}, run.table(([row[name] for name in head] for row in found), *head))
    if found:
        run.exit = Misconfigured.exit
    elif not run.as_json:
        run.say("ok")


@verb(noun)
def show(
    run: Run,
    subject: Annotated[str, typer.Argument(help="件名 / subject or topic; `-` lists them all")],
    version: Annotated[int | None, typer.Option(help="版 / version; default: the latest")] = None,
) -> None:
    """スキーマを見る / A schema, its number, its fields.

    Example: bus contract show juki.resident.v1-value
    """
    contracts = run.wiring.contracts
    if subject == "-":
        rows = review.listed(contracts)
        run.show(rows, run.table((row.values() for row in rows), "id", "subject", "version", "fields"))
        return
    run.show(review.described(review.find(contracts, subject, version)))


@verb(noun)
def diff(run: Run, a: str, b: str) -> None:
    """二つを比べる / What came, went or changed: SUBJECT or SUBJECT@VERSION. Exits 3 if anything did.

    Example: bus contract diff juki.resident.v1-value shugaku.in.juki.resident.v1-value
    """
    rows = review.diff(run.wiring.contracts, a, b)
    run.show({"differences": rows}, run.table((row.values() for row in rows), "path", "what"))
    run.exit = 3 if rows else 0


@verb(noun)
def impact(run: Run, drop: Annotated[str, typer.Option(help="項目 / dotted path that would go")]) -> None:
    """誰が使っているか / Which subscriptions are granted a field. Exits 3 if any is.

    Example: bus contract impact --drop address.building
    """
    rows = review.impact(run.wiring.contracts, run.wiring.topology, drop)
    run.show(
        {"path": drop, "impacted": rows}, run.table((row.values() for row in rows), "subscription", "path", "statute")
    )
    run.exit = 3 if rows else 0
