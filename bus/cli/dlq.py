"""`bus dlq`: who is parked, why, and what lets them go on?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getuser
from typing import Annotated

import typer

from bus import telemetry
from bus.cli.command import Run, verb
from bus.connector.dlq import people, replay as replay_all, shown
from bus.errors import Refused, Usage
from bus.store import Store

noun = typer.Typer(
    help="保留 / Persons set aside, with their events in order.\n\nExample: bus dlq list", no_args_is_help=True
)

Which = Annotated[str | None, typer.Option("--connector", help="業務のID / connector id; default: all")]
Key = Annotated[str | None, typer.Option("--key", help="宛名番号、または raw:… / one person, or raw:…")]


@verb(noun, "list")
def list_(run: Run, connector: Which = None, key: Key = None) -> None:
    """一覧 / One line per parked person: why, since when, and how many events wait.

    Example: bus dlq list --connector shugaku --json
    """
    found = []
    for name in _wanted(run, connector):
        with _store(run, name) as store:
            found += people(name, store.parked(name, key))
    columns = ("connector", "key", "code", "waiting", "since", "where")
    run.show(found, run.table(([one[name] for name in columns] for one in found), *columns))


@verb(noun)
def show(
    run: Run,
    connector: Which = None,
    key: Key = None,
    raw: Annotated[bool, typer.Option("--raw", help="バイト列 / the bytes, in base64")] = False,
    reveal: Annotated[bool, typer.Option("--reveal", help="値を見る / the values; needs --reason")] = False,
    why: Annotated[str, typer.Option("--reason", help="理由 / why you look; it is logged")] = "",
) -> None:
    """内容 / Each parked record; its bytes only with --raw, its values only with --reveal --reason.

    Example: bus dlq show --connector shugaku --key 000000000000001
    """
    if reveal and not why.strip():
        raise Refused("values of persons are shown for a reason only", code="REASON_REQUIRED", hint="--reason TEXT")
    found = []
    for name in _wanted(run, connector):
        contract = run.wiring.contracts.of if reveal else None
        with _store(run, name) as store:
            parked = store.parked(name, key)
            if reveal and parked:
                telemetry.contents_shown(name, len(parked), why.strip(), getuser())
            found += [shown(name, entry, raw=raw, values=contract) for entry in parked]
    run.show(found)


@verb(noun)
def replay(
    run: Run,
    connector: Annotated[str, typer.Option("--connector", help="業務のID / connector id")],
    key: Key = None,
) -> None:
    """再適用 / Try parked records again, in order, by today's contract and connector; what still fails stays.

    Example: bus dlq replay --connector shugaku
    """
    from bus.connector.intake import by_topic, intakes

    (name,) = _wanted(run, connector)
    definition = run.wiring.connector(name)
    intake = by_topic(intakes(name, definition.views, run.wiring.contracts))
    with _store(run, name) as store:
        store.prepare(definition.tables)
        keys = [key] if key else list(dict.fromkeys(entry.key for entry in store.parked(name)))
        done = replay_all(store, name, keys, intake)
    run.exit = 3 if done["left"] else 0
    run.show(done, run.table([done.values()], *done))


def _wanted(run: Run, connector: str | None) -> list[str]:
    known = sorted(run.wiring.topology.subscriptions)
    if connector is not None and connector not in known:
        raise Usage(f"there is no connector {connector}", hint="`bus connector list`")
    return known if connector is None else [connector]


@contextmanager
def _store(run: Run, name: str) -> Iterator[Store]:
    with closing(run.wiring.store(name)) as store:
        store.prepare(())
        yield store
