"""Which adapters stand behind the ports? The only module that knows them all."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from bus.errors import Misconfigured, Unavailable
from bus.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bus.adapters.sql.facts import FactBook
    from bus.adapters.sql.proposals import Proposals
    from bus.broker import Broker
    from bus.connector.manifest import Connector
    from bus.contract.schema import Contracts
    from bus.disclosure.positions import Positions
    from bus.store import Store
    from bus.topology.cluster import Cluster, Prober
    from bus.topology.model import Topology


class Wiring:
    """Everything is made when it is asked for, and remembered; nothing is connected before."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._books: dict[str, FactBook] = {}

    @cached_property
    def topology(self) -> Topology:
        from bus.topology.model import load

        return load(self.settings.project / "topology.yaml", town=self.settings.town)

    @cached_property
    def contracts(self) -> Contracts:
        from bus.contract.schema import Contracts

        return Contracts(self.settings.project / "schemas", self.topology)

    def connector(self, connector: str) -> Connector:
        from bus.connector.manifest import load

        return load(self.settings.project / "connectors" / connector, self.topology, self.contracts)

    def client(self, principal: str) -> dict[str, str]:
        """librdkafka's settings to connect as `principal`."""
        if self.settings.bootstrap is None:
            raise Unavailable(
                "no broker is known", code="NO_BROKER", hint="start one with `bus stack up`, or set BUS_BOOTSTRAP"
            )
        if principal not in self.settings.users:
            raise Misconfigured(f"no password for the principal {principal}", hint=f"set BUS_USER_{principal.upper()}")
        known = {
            "bootstrap.servers": self.settings.bootstrap,
            "security.protocol": self.settings.security_protocol,
            "sasl.mechanism": self.settings.sasl_mechanism,
            "sasl.username": principal,
            "sasl.password": self.settings.users[principal],
        }
        return known | ({"ssl.ca.location": self.settings.ca_file} if self.settings.ca_file else {})

    def broker(self, principal: str) -> Broker:
        from bus.adapters.kafka import KafkaBroker

        return KafkaBroker(self.client(principal))

    def cluster(self) -> Cluster:
        from bus.adapters.kafka_cluster import KafkaCluster

        return KafkaCluster(self.client("admin"), self.settings.users)

    def prober(self, principal: str) -> Prober:
        from bus.adapters.kafka_probe import KafkaProber

        return KafkaProber(self.client(principal))

    def store(self, connector: str) -> Store:
        from bus.adapters.sql.store import open_store

        return open_store(self._department(connector))

    def _department(self, name: str) -> str:
        if name not in self.settings.departments:
            raise Misconfigured(
                f"no database is known for {name}", hint=f"set BUS_DEPARTMENT_{name.upper()} or `bus stack up`"
            )
        return self.settings.departments[name]

    def department_engine(self, department: str) -> Engine:
        """As the department's own role."""
        from bus.adapters.sql.engine import engine

        return engine(self._department(department))

    def facts(self, department: str) -> FactBook:
        """What a department says: always the same book, so that its connections are shared."""
        from bus.adapters.sql.facts import FactBook

        if department not in self._books:
            made, town = self.department_engine(department), self.topology.town
            self._books[department] = FactBook(made, self.contracts, system=department, town=town)
        return self._books[department]

    def proposals(self, department: str) -> Proposals:
        from bus.adapters.sql.proposals import Proposals

        appended = [table.name for table in self.connector(department).tables if not table.kept]
        return Proposals(self.facts(department), appended)

    def positions(self) -> Positions:
        """Where the projector stands, in the bus's own database."""
        from bus.adapters.sql.positions import SqlPositions

        return SqlPositions(self.engine("bus"))

    def engine(self, role: str) -> Engine:
        """`register` (the application), `relay` and `owner` in the register's database; `bus` in the bus's own."""
        from bus.adapters.sql.engine import engine

        dsn = getattr(self.settings, f"{role}_dsn")
        if dsn is None:
            raise Unavailable(
                f"no database is known for the role {role}", hint="`bus stack up`, or set BUS_" + role.upper() + "_DSN"
            )
        return engine(dsn)
