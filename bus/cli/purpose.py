"""`bus purpose`: what does a department hear, why, and under which law?"""

from __future__ import annotations

from typing import Annotated

import typer

from bus.cli.command import Run, verb
from bus.disclosure.purpose import explain as explained
from bus.errors import Usage

noun = typer.Typer(
    help="利用目的 / What a department hears, and under which law.\n\nExample: bus purpose explain kokuho",
    no_args_is_help=True,
)


@verb(noun)
def explain(run: Run, subscription: Annotated[str, typer.Argument(help="業務のID / id in topology.yaml")]) -> None:
    """項目ごとの根拠 / Every field a department hears, with the purpose and the law that grant it.

    Example: bus purpose explain kokuho
    """
    topology, contracts = run.wiring.topology, run.wiring.contracts
    if subscription not in topology.subscriptions:
        known = ", ".join(sorted(topology.subscriptions)) or "none"
        raise Usage(f"there is no subscription {subscription!r}", hint=f"there are: {known}")
    stanza = topology.subscriptions[subscription]
    document = explained(stanza, lambda entity: contracts.image(topology.topics[entity].schema))
    if run.as_json:
        run.show(document)
        return
    hidden = {True: "支援措置で非表示 / hidden", False: ""}
    rows = [(f["entity"], f["path"], f["name_ja"], hidden[f["hidden_when_protected"]]) for f in document["fields"]]
    concerns = ", ".join(f"{entity}: {rule}" for entity, rule in stanza.concerns.items())
    run.out.print(f"{stanza.id}: {stanza.purpose} ({stanza.statute})", markup=False)
    run.out.print(f"対象 / concerns: {concerns or '全員 / everybody'}", markup=False)
    run.out.print(f"暦 / clock: {', '.join(stanza.clock) or 'なし / none'}", markup=False)
    run.out.print(f"支援措置 / protected: {stanza.sees_protected or '見えない / hidden'}", markup=False)
    run.show(document, run.table(rows, "entity", "path", "項目", "支援措置 / protection"))
