"""`bus status`: is it well? One screen, the oldest truth first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, TypeVar

import typer
from rich.console import Console

from bus.cli.command import Run, verb
from bus.disclosure.projector import LEASE_SECONDS
from bus.errors import BusError, Unavailable

T = TypeVar("T")


def add(app: typer.Typer) -> None:
    verb(app, "status")(status)


def status(run: Run) -> None:
    """いまの様子を一画面で / One screen: register, relay, projector, broker, how old each department's truth is.

    Example: bus status
    """
    from bus.kit.standing import standings

    wiring = run.wiring
    if run.settings.bootstrap is None and run.settings.register_dsn is None:
        raise Unavailable("no stack runs in this home", code="NO_STACK", hint="`bus stack up`, or `bus demo --stay`")
    found = standings(wiring, list(wiring.topology.subscriptions))
    found.sort(key=lambda one: (one.truth_age_seconds is not None, -(one.truth_age_seconds or 0.0), one.id))
    document = {
        "register": _known(lambda: _register(run)),
        "projector": _known(lambda: _projector(run)),
        "broker": {"reachable": _known(lambda: _broker(run)) is not None},
        "departments": [one.as_dict() for one in found],
    }
    run.show(document, lambda console: _draw(run, console, document))


def _register(run: Run) -> dict[str, Any]:
    from bus.adapters.sql.outbox import SqlOutbox
    from bus.cli.outbox import summary

    with closing(SqlOutbox(run.wiring.engine("relay"))) as source:
        return summary(source.status())


def _projector(run: Run) -> dict[str, Any]:
    positions = run.wiring.positions()
    positions.prepare()
    held, owner = positions.held(), positions.owner("projector")
    if owner is not None and (datetime.now(UTC) - owner[2]).total_seconds() > LEASE_SECONDS:
        owner = None  # it has left, or says nothing any more
    return {"holder": owner and owner[0], "renewed": owner and owner[2], "held_persons": len({o.person for o in held})}


def _broker(run: Run) -> int:
    with closing(run.wiring.broker("admin")) as broker:
        topology = run.wiring.topology
        return len(broker.ends([topology.canonical(entity) for entity in topology.topics]))


def _known(ask: Callable[[], T]) -> T | None:
    """None: it cannot be told now."""
    try:
        return ask()
    except BusError:
        return None


def _draw(run: Run, console: Console, document: dict[str, Any]) -> None:
    ja = run.settings.lang == "ja"
    register, projector = document["register"] or {}, document["projector"] or {}
    unknown, nobody = ("不明", "なし") if ja else ("unknown", "nobody")
    told = [
        ("住民記録（未送信）" if ja else "register, unpublished", register.get("unpublished")),
        ("relay", (register.get("holder") or nobody) if register else None),
        ("projector", (projector.get("holder") or nobody) if projector else None),
        ("projector（保留）" if ja else "projector, held persons", projector.get("held_persons")),
        ("Kafka", ("応答あり" if ja else "answers") if document["broker"]["reachable"] else None),
    ]
    for name, value in told:
        console.print(f"{name}: {unknown if value is None else value}", markup=False)
    rows = [
        (one["id"], one["state"], _age(one["truth_age_seconds"], ja=ja), one["lag"], one["parked"], one["reviews"])
        for one in document["departments"]
    ]
    head = ("業務", "状態", "真実の古さ", "未着", "保留", "判断待ち") if ja else (
        "department", "state", "truth age", "lag", "parked", "to review")  # fmt: skip
    run.table(rows, *head)(console)


def _age(seconds: float | None, *, ja: bool) -> str:
    if seconds is None:
        return "不明" if ja else "unknown"
    if seconds == 0:
        return "最新" if ja else "current"
    return f"{seconds:.0f} 秒" if ja else f"{seconds:.0f} s"
