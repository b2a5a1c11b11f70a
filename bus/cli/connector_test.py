"""`bus connector test`: do the departments' connectors do what their examples say, and what every connector owes?"""

from __future__ import annotations

from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.cli.connector import noun as connector_noun
from bus.errors import Usage


@verb(connector_noun, "test")
def play(
    run: Run,
    ids: Annotated[list[str] | None, typer.Argument(help="業務のID / connector ids, as in topology.yaml")] = None,
) -> None:
    """事例と約束の検査 / Play the examples, and the fleet's properties on them. Exit 4 when one fails.

    Example: bus connector test shugaku
    """
    from bus.connector.manifest import discover
    from bus.kit.fleet import report

    known = discover(run.settings.project)
    if unknown := set(ids or ()) - set(known):
        raise Usage(f"there is no connector {min(unknown)}", hint=f"there are {', '.join(known)}")
    found: list[dict[str, object]] = []
    for name in ids or sorted(known):
        verdicts = report(run.wiring.connector(name), run.wiring.topology, run.wiring.contracts)
        found += [{"id": name} | verdict._asdict() | {"ok": verdict.ok} for verdict in verdicts]
    run.exit = 0 if all(one["ok"] for one in found) else 4
    names = list(dict.fromkeys(str(one["id"]) for one in found))
    lines = _lines(found) if len(names) == 1 else _briefly(found, names)
    run.show(found, run.table(lines, "id", "owed", "examples", "failed", "where"))


def _briefly(found: list[dict[str, object]], names: list[str]) -> list[tuple[object, ...]]:
    """Of a fleet: one line per connector, and one more per failure."""
    lines: list[tuple[object, ...]] = []
    for name in names:
        mine = [one for one in found if one["id"] == name]
        failed = [one for one in mine if not one["ok"]]
        examples = len({one["line"] for one in mine} - {0})
        lines.append((name, f"{len(mine)} 項目 / verdicts", examples, len(failed) or "✓", ""))
        lines += [("", one["owed"], "", "", f"examples.yaml:{one['line']} {one['differences']}") for one in failed]
    return lines


def _lines(found: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """One line per connector and property, and one more per failure."""
    lines: list[tuple[object, ...]] = []
    for name, owed in dict.fromkeys((one["id"], one["owed"]) for one in found):
        mine = [one for one in found if (one["id"], one["owed"]) == (name, owed)]
        failed = [one for one in mine if not one["ok"]]
        lines.append((name, str(owed).replace("_", " "), len(mine), len(failed) or "", ""))
        lines += [("", "", "", "", f"examples.yaml:{one['line']} {one['differences']}") for one in failed]
    return lines
