"""bus fleet: did every flow between the city's systems cross the bus?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bus.cli.command import Run, verb
from bus.errors import Difference, Unavailable
from bus.fleet.draw import draw as drawn
from bus.fleet.words import brief, count, moment, sentence, summary, system_told, told
from bus.wiring import Wiring

NAMED, WIDE = 3, 190

noun = typer.Typer(
    no_args_is_help=True,
    help="全業務の流れ / The flows between all systems of the city.\n\nExample: bus fleet check --draw map.svg",
)


@verb(noun)
def check(
    run: Run,
    draw: Annotated[Path | None, typer.Option("--draw", help="流れの図を書く / writes the map as SVG, A3")] = None,
) -> None:
    """24業務・20フローが流れたか / What crossed of each system and flow, when, and where it shows; exits 3 if not all.

    Example: bus fleet check --draw map.svg
    """
    from bus.kit.crossings import fleet
    from bus.stack.awake import awake

    with awake(run.settings, run.say) as settings:
        if not settings.departments:
            raise Unavailable("no department is known", code="NO_STACK", hint="`bus stack up`, or `bus demo`")
        document = fleet(Wiring(settings))
    if draw is not None:
        said = run.settings.sources.get("lang") != "default"  # the figure is Japanese unless somebody asks
        draw.write_text(drawn(document, run.settings.lang if said else "ja"), encoding="utf-8")
        run.say(f"{draw}")
    run.show(document, lambda console: _tables(run, console, document))
    if not document["ok"]:
        run.exit = Difference.exit


def _short(pairs: list[str], lang: str) -> str:
    """The first few; all of them are in the JSON."""
    left = len(pairs) - NAMED
    more = (f" ほか {left}" if lang == "ja" else f" and {left} more") if left > 0 else ""
    return ", ".join(pairs[:NAMED]) + more


def _tables(run: Run, console: Console, document: dict[str, Any]) -> None:
    if not console.is_terminal:
        console.width = WIDE  # a file or a pipe has room
    lang = run.settings.lang
    ja = lang == "ja"
    groups = {group["id"]: group[f"name_{lang}"] for group in document["groups"]}
    systems = [_system(system, groups, lang) for system in document["systems"]]
    flows = [_flow(flow, lang) for flow in (*document["flows"], *document["further"])]
    head = ("分野", "業務", "ID", "状態", "受信", "発信", "最終 JST") if ja else (
        "group", "system", "id", "state", "heard", "published", "last JST")  # fmt: skip
    run.table(systems, *head)(console)
    console.print()
    columns = ("フロー", "名称", "対", "状態", "件数", "最終 JST", "確かめ方", "まだの対") if ja else (
        "flow", "name", "pairs", "state", "records", "last JST", "shown by", "missing")  # fmt: skip
    run.table(flows, *columns)(console)
    console.print()
    pairs = [pair for flow in document["flows"] for pair in flow["pairs"]]
    crossed = sum(pair["crossed"] for pair in pairs)
    comma = "" if ja else " "
    console.print(
        f"{summary(crossed, len(pairs), len(document['missing']), lang)}; "
        f"{comma.join(sentence(document['interfaces'], lang))} ({moment(document['at'], lang)})",
        markup=False,
    )


def _system(system: dict[str, Any], groups: dict[str, str], lang: str) -> tuple[Any, ...]:
    return (
        groups[system["group"]],
        system[f"name_{lang}"],
        system["id"],
        system_told(system, lang),
        count(system["heard"], lang),
        count(system["published"], lang),
        brief(system["last"]),
    )


def _flow(flow: dict[str, Any], lang: str) -> tuple[Any, ...]:
    from bus.fleet.model import worst

    pairs = flow["pairs"]
    counts = [pair["count"] for pair in pairs if pair["count"] is not None]
    ages = [pair["age_seconds"] for pair in pairs if pair["age_seconds"] is not None]
    note = flow[f"note_{lang}"]
    return (
        flow["flow"],
        flow[f"name_{lang}"] + (f" ({note})" if note else ""),
        f"{sum(pair['crossed'] for pair in pairs)}/{len(pairs)}",
        told(worst(pair["state"] for pair in pairs), max(ages, default=None), lang),
        count(sum(counts) if counts else None, lang),
        brief(max((pair["last"] for pair in pairs if pair["last"] is not None), default=None)),
        pairs[0]["shown_by"] + (" …" if len({pair["consumer"] for pair in pairs}) > 1 else ""),
        _short([f"{pair['producer']} → {pair['consumer']}" for pair in pairs if not pair["crossed"]], lang),
    )
