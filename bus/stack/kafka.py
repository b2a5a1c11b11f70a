"""How does an embedded Kafka broker get its storage and its settings, start, and answer?"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bus.errors import Unavailable
from bus.stack.home import Home, State, demand_free, write_secret
from bus.stack.java import Java
from bus.stack.process import Process

Client = Mapping[str, str]
Answers = Callable[[Client, int], bool]  # does a cluster of that many brokers answer?

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.bootstrap.servers={controllers}
listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=CLIENT://127.0.0.1:{port}
listener.security.protocol.map=CLIENT:{protocol},CONTROLLER:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.client.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
username="admin" password="{admin}";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="controller" password="{secret}" user_controller="{secret}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:controller
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
unclean.leader.election.enable=false
log.dirs={data}
log.retention.ms=-1
offsets.retention.minutes=129600
default.replication.factor={rf}
min.insync.replicas={isr}
offsets.topic.replication.factor={rf}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={rf}
transaction.state.log.min.isr={isr}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor={rf}
share.coordinator.state.topic.min.isr={isr}
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=1
log.cleaner.dedupe.buffer.size=16777216
"""

TLS = """\
ssl.keystore.type=PEM
ssl.keystore.location={home}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={home}/ca.pem
ssl.enabled.protocols=TLSv1.3
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One of the cluster's brokers; each is a controller too, so that any one of three may die."""

    number: int
    home: Home
    state: State

    @property
    def name(self) -> str:
        return f"kafka-{self.number}"

    @property
    def port(self) -> int:
        return self.state.port(self.name)

    @property
    def controller(self) -> int:
        return self.state.port(f"controller-{self.number}")

    @property
    def data(self) -> Path:
        return self.home.kafka / f"data-{self.number}"

    @property
    def properties(self) -> Path:
        return self.home.kafka / f"{self.name}.properties"

    @property
    def log(self) -> Path:
        return self.home.logs / f"{self.name}.log"

    def write(self, nodes: list[Node]) -> None:
        replicas = 3 if len(nodes) > 1 else 1
        text = PROPERTIES + (TLS if self.state.tls else "")
        write_secret(
            self.properties,
            text.format(
                node=self.number,
                controllers=",".join(f"127.0.0.1:{node.controller}" for node in nodes),
                port=self.port,
                controller=self.controller,
                protocol="SASL_SSL" if self.state.tls else "SASL_PLAINTEXT",
                admin=self.state.secret("admin"),
                secret=self.state.secret("controller"),
                data=self.data,
                home=self.home.path,
                rf=replicas,
                isr=2 if replicas > 1 else 1,
            ),
        )

    def format(self, java: Java, nodes: list[Node]) -> None:
        """Once; every node gets the same cluster, controllers and first user."""
        if (self.data / "meta.properties").exists():
            return
        voters = ",".join(f"{n.number}@127.0.0.1:{n.controller}:{n.directory_id}" for n in nodes)
        quorum = ["--initial-controllers", voters] if len(nodes) > 1 else ["--standalone"]
        first = self.state.secrets.setdefault("scram", scram("admin", self.state.secret("admin")))
        what = ["--config", str(self.properties), "--cluster-id", self.state.cluster_id, "--add-scram", first]
        if java.run(self.log, "kafka.tools.StorageTool", "format", *what, *quorum):
            raise Unavailable(
                "Kafka's storage could not be formatted", code="KAFKA_FORMAT", where=str(self.log), hint=_tail(self.log)
            )

    @property
    def directory_id(self) -> str:
        number = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.state.cluster_id}/{self.number}")
        return base64.urlsafe_b64encode(number.bytes).decode().rstrip("=")

    def start(self, java: Java, since: str) -> tuple[Process, subprocess.Popen[bytes]]:
        demand_free(self.port, self.name)
        demand_free(self.controller, f"{self.name}'s controller")
        self.log.open("w").close()
        return java.start(self.name, self.log, since, "kafka.Kafka", str(self.properties), quick=not self.state.tls)


def nodes_of(home: Home, state: State) -> list[Node]:
    return [Node(number, home, state) for number in range(1, state.brokers + 1)]


def client_of(home: Home, state: State, principal: str = "admin") -> Client:
    known = {
        "bootstrap.servers": ",".join(f"127.0.0.1:{node.port}" for node in nodes_of(home, state)),
        "security.protocol": "SASL_SSL" if state.tls else "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": principal,
        "sasl.password": state.secret(principal),
    }
    return known | ({"ssl.ca.location": str(home.path / "ca.pem")} if state.tls else {})


def wait(
    nodes: list[Node],
    children: Mapping[str, subprocess.Popen[bytes]],
    client: Client,
    answers: Answers,
    patience: float,
) -> None:
    """Until the cluster names every broker."""
    deadline = time.monotonic() + patience
    while not (all(_tcp_open(node.port) for node in nodes) and answers(client, len(nodes))):
        for node in nodes:
            child = children.get(node.name)
            if child is not None and child.poll() is not None:
                raise Unavailable(
                    f"{node.name} ended while starting", code="KAFKA_START", where=str(node.log), hint=_tail(node.log)
                )
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Kafka did not answer within {patience:.0f} s", code="KAFKA_START", where=str(nodes[0].log.parent)
            )
        time.sleep(0.03)


def scram(user: str, password: str) -> str:
    """So that no plain password stands in the process list."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 4096)
    coded = [base64.b64encode(part).decode() for part in (salt, salted)]
    return f'SCRAM-SHA-512=[name={user},iterations=4096,salt="{coded[0]}",saltedpassword="{coded[1]}"]'


def _tcp_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _tail(log: Path) -> str:
    """The log's last word on what went wrong; broker logs hold no secret and no person."""
    try:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "see the log"
    told = [line for line in lines if "Exception" in line or "ERROR" in line or "FATAL" in line] or lines
    return f"the log says: {told[-1].strip()[:300]}" if told else "see the log"
