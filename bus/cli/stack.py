"""bus stack: a real Kafka and a real PostgreSQL on this machine."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from bus.cli.command import Run, verb
from bus.errors import Unavailable
from bus.settings import Settings
from bus.topology.model import Topology
from bus.wiring import Wiring

noun = typer.Typer(no_args_is_help=True, help="手元のスタック / The embedded stack: real Kafka, real PostgreSQL.")
_PASSWORD = re.compile(r"(://[^:/@]+):[^@]*@")


@verb(noun)
def up(
    run: Run,
    brokers: Annotated[int | None, typer.Option(help="ブローカー数 / 1 or 3 brokers")] = None,
    tls: Annotated[bool | None, typer.Option("--tls", help="TLS で接続 / encrypt connections to Kafka")] = None,
    new_ports: Annotated[bool, typer.Option("--new-ports", help="別のポートを選ぶ / choose other ports")] = False,
) -> None:
    """起動して準備する / Start what does not run, and prepare topics, users, databases.

    Example: bus stack up
    """
    from bus.stack.prepare import prepare
    from bus.stack.stack import Stack

    topology = run.wiring.topology  # a mistake in it is told before anything starts
    stack = Stack(run.settings.home, maven=run.settings.maven, say=run.say)
    with stack.up(brokers, tls, new_ports=new_ports) as state:
        prepare(stack.home, state, topology, run.say)
    for process in stack.status():
        run.say(f"{process['name']} runs: pid {process['pid']}, port {process['port']}, since {process['since']}")
    settings = Settings.load(home=run.settings.home, town=run.settings.town)
    run.show(describe(settings, topology, reveal=False))


@verb(noun)
def down(
    run: Run, purge: Annotated[bool, typer.Option("--purge", help="データも消す / remove the data, too")] = False
) -> None:
    """止める / Stop what `up` started, and only that; the data stay.

    Example: bus stack down
    """
    from bus.stack.stack import Stack

    ended = Stack(run.settings.home, say=run.say).down(purge=purge)
    run.show(
        {"ended": ended, "purged": purge},
        lambda console: console.print(f"ended: {', '.join(ended) or 'nothing'}" + (", data removed" if purge else "")),
    )


@verb(noun)
def status(run: Run) -> None:
    """動いているもの / Each process: pid, port, since, memory, healthy.

    Example: bus stack status
    """
    from bus.stack.stack import Stack

    processes = Stack(run.settings.home).status()
    names = ("name", "pid", "port", "since", "rss_bytes", "healthy")
    run.show({"processes": processes}, run.table(([p[name] for name in names] for p in processes), *names))


@verb(noun)
def env(
    run: Run, reveal: Annotated[bool, typer.Option("--reveal", help="パスワードも示す / show the secrets")] = False
) -> None:
    """接続のしかた / How a client connects; secrets only with --reveal.

    Example: bus stack env
    """
    if run.settings.bootstrap is None:
        raise Unavailable(
            "no stack runs in this home", code="NO_STACK", where=str(run.settings.home), hint="`bus stack up`"
        )
    run.show(describe(run.settings, Wiring(run.settings).topology, reveal=reveal))


def describe(settings: Settings, topology: Topology, *, reveal: bool) -> dict[str, Any]:
    def dsn(url: str | None) -> str | None:
        return url if reveal or url is None else _PASSWORD.sub(r"\1:***@", url)

    departments = {
        name: {
            "dsn": dsn(settings.departments[name]),
            "topic_prefix": f"{topology.town}.{subscription.group}.in.",
            "group": subscription.group,
        }
        for name, subscription in topology.subscriptions.items()
        if name in settings.departments
    }
    return {
        "bootstrap": settings.bootstrap,
        "security_protocol": settings.security_protocol,
        "sasl_mechanism": settings.sasl_mechanism,
        "ca_file": settings.ca_file,
        "registry_url": settings.registry_url,
        "register_dsn": dsn(settings.register_dsn),
        "users": {
            name: {"username": name, "password": word if reveal else "***"} for name, word in settings.users.items()
        },
        "departments": departments,
    }
