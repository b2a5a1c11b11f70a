"""`bus bench`: how fast, beside whom?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bus.cli.command import Run, verb


def add(app: typer.Typer) -> None:
    @verb(app)
    def bench(
        run: Run,
        name: Annotated[str, typer.Argument(help="codec | apply")],
        peer: Annotated[list[str] | None, typer.Option(help="相手 / only these peers")] = None,
        rounds: Annotated[int, typer.Option(min=1, help="回数 / interleaved rounds")] = 21,
    ) -> None:
        """速さを比べる / Results compared for equality first, then interleaved rounds; exits 1 below a target.

        Example: bus bench codec --rounds 3
        """
        from bus.kit import bench as kit

        result = kit.run(name, peer or (), rounds, run.wiring, run.say)
        head = ("work", "who", "events/s", "µs", "range", "ratio", "target")
        run.show(result, run.table(_rows(result), *head))
        run.exit = kit.Missed.exit if result["missed"] else 0


def _rows(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for race in result["races"]:
        rows.append((race["name"], "bus", *_figures(race["ours"], race["work"]), "", ""))
        for name, peer in race["peers"].items():
            target = race["targets"].get(name)
            rows.append(("", name, *_figures(peer, race["work"]), f"{race['ratio'][name]}x", target and f"≥ {target}x"))
    return rows


def _figures(one: dict[str, Any], work: int) -> tuple[str, str, str]:
    least, most = (one["seconds"][end] / work * 1e6 for end in ("least", "most"))
    return f"{one['per_second']:,}", f"{one['micros_each']:.1f}", f"{least:.1f} to {most:.1f}"
