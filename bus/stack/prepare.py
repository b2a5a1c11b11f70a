"""What is in the stack before the first event? Databases, roles, topics, users, permissions, and how to find them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bus.adapters.kafka_cluster import KafkaCluster
from bus.adapters.sql import fact_tables
from bus.adapters.sql.admin import Database, provision
from bus.adapters.sql.engine import engine
from bus.stack import kafka, postgres
from bus.stack.home import Home, State
from bus.topology.acl import desired, principals
from bus.topology.model import Topology
from bus.topology.plan import plan

OWNER, APP, RELAY, BUS = "register_owner", "register_app", "relay", "bus"


def prepare(home: Home, state: State, topology: Topology, say: Callable[[str], None]) -> dict[str, Any]:
    """Again and again with the same result; gives what bus.settings reads."""
    for principal in principals(topology):
        state.secret(principal)
    for role in (OWNER, APP, RELAY, BUS, *topology.subscriptions):
        state.secret(f"pg:{role}")
    home.save(state)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(_cluster, home, state, topology, say), pool.submit(_databases, state, topology)]
    for each in both:
        each.result()
    document = found(home, state, topology)
    home.settings(document)
    return document


def _cluster(home: Home, state: State, topology: Topology, say: Callable[[str], None]) -> None:
    cluster = KafkaCluster(kafka.client_of(home, state), state.secrets)
    try:
        actual = cluster.read()
        todo = plan(desired(topology, actual.brokers), actual, topology.town)
        cluster.do(todo.harmless.actions)
        left = [*todo.destructive, *todo.conflicts]
        if left:
            say("left as it is: " + "; ".join(str(each) for each in left) + " (see `bus topology plan`)")
    finally:
        cluster.close()


def _databases(state: State, topology: Topology) -> None:
    databases = [Database("register", OWNER, (APP, RELAY)), Database("bus", BUS)]
    databases += [Database(each.database, name) for name, each in topology.subscriptions.items()]
    passwords = {name.removeprefix("pg:"): secret for name, secret in state.secrets.items() if name.startswith("pg:")}
    provision(postgres.admin_dsn(state), databases, passwords)
    if importlib.util.find_spec("bus.register.schema") is not None:
        from bus.register.schema import migrate

        migrate(dsn(state, OWNER, "register"), app_role=APP, relay_role=RELAY)
    with ThreadPoolExecutor(4) as pool:
        speaking = [name for name in topology.publishers if name in topology.subscriptions]
        list(pool.map(lambda name: _desk(dsn(state, name, topology.subscriptions[name].database)), speaking))


def _desk(url: str) -> None:
    """Where a department writes down what it says."""
    made = engine(url)
    try:
        with made.begin() as connection:
            fact_tables.install(connection)
    finally:
        made.dispose()


def dsn(state: State, role: str, database: str) -> str:
    return f"postgresql+psycopg://{role}:{state.secret(f'pg:{role}')}@127.0.0.1:{state.port('postgres')}/{database}"


def found(home: Home, state: State, topology: Topology) -> dict[str, Any]:
    client = kafka.client_of(home, state)
    return {
        "bootstrap": client["bootstrap.servers"],
        "security_protocol": client["security.protocol"],
        "sasl_mechanism": client["sasl.mechanism"],
        "ca_file": client.get("ssl.ca.location"),
        "registry_url": None,
        "register_dsn": dsn(state, APP, "register"),
        "relay_dsn": dsn(state, RELAY, "register"),
        "owner_dsn": dsn(state, OWNER, "register"),
        "bus_dsn": dsn(state, BUS, "bus"),
        "users": {name: state.secret(name) for name in ("admin", *principals(topology))},
        "departments": {name: dsn(state, name, each.database) for name, each in topology.subscriptions.items()},
    }
