"""May everybody do exactly what the topology grants? All principals, things and operations, against the real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from bus.topology.acl import desired, principals
from bus.topology.cluster import Prober
from bus.topology.model import Topology

TOPIC_OPERATIONS: Final = (
    "READ",
    "WRITE",
    "DESCRIBE",
    "CREATE",
    "DELETE",
    "ALTER",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
)
GROUP_OPERATIONS: Final = ("READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS")
CLUSTER_OPERATIONS: Final = (
    "CREATE",
    "ALTER",
    "DESCRIBE",
    "CLUSTER_ACTION",
    "DESCRIBE_CONFIGS",
    "ALTER_CONFIGS",
    "IDEMPOTENT_WRITE",
)
INTERNAL: Final = ("__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata")


@dataclass(frozen=True, slots=True)
class Cell:
    """One principal, one thing, one operation: what the broker allows, and what was granted."""

    principal: str
    resource: str
    name: str
    operation: str
    may: bool
    granted: bool

    @property
    def is_right(self) -> bool:
        return self.may == self.granted


@dataclass(frozen=True, slots=True)
class Matrix:
    cells: tuple[Cell, ...]

    @property
    def wrong(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if not cell.is_right)

    @property
    def is_equal(self) -> bool:
        return not self.wrong

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """(principal, thing, what it may do, what is wrong), one line per principal and thing."""
        lines: dict[tuple[str, str, str], list[Cell]] = {}
        for cell in self.cells:
            lines.setdefault((cell.principal, cell.resource, cell.name), []).append(cell)
        for (principal, resource, name), cells in lines.items():
            may = " ".join(cell.operation for cell in cells if cell.may) or "-"
            wrong = " ".join(("+" if cell.may else "-") + cell.operation for cell in cells if not cell.is_right)
            yield principal, f"{resource.lower()} {name}", may, wrong or "as granted"


def probe(
    topology: Topology, prober: Callable[[str], Prober], topics: Iterable[str], among: Iterable[str] = ()
) -> Matrix:
    """`topics`: every topic of the cluster, so that nothing is forgotten; `among`: only these principals."""
    names = sorted({*topics, *desired(topology, 1).topics, *INTERNAL})
    groups = sorted({*(acl.name for acl in desired(topology, 1).acls if acl.resource == "GROUP"), "a-stranger"})
    wanted = tuple(among) or principals(topology)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda principal: _probe_one(topology, principal, prober(principal), names, groups), wanted)
        return Matrix(tuple(cell for cells in found for cell in cells))


def _probe_one(topology: Topology, principal: str, prober: Prober, names: list[str], groups: list[str]) -> list[Cell]:
    granted = _granted(topology, principal)
    try:
        found = {("TOPIC", name): operations for name, operations in prober.topics(names).items()}
        found |= {("GROUP", name): operations for name, operations in prober.groups(groups).items()}
        found["CLUSTER", "cluster"] = prober.cluster()
    finally:
        prober.close()
    known = {"TOPIC": TOPIC_OPERATIONS, "GROUP": GROUP_OPERATIONS, "CLUSTER": CLUSTER_OPERATIONS}
    return [
        Cell(principal, resource, name, operation, operation in may, (resource, name, operation) in granted)
        for (resource, name), may in found.items()
        for operation in (*known[resource], *sorted(may - set(known[resource])))
    ]


def _granted(topology: Topology, principal: str) -> set[tuple[str, str, str]]:
    """READ and WRITE bring DESCRIBE with them; Kafka says so."""
    acls = [acl for acl in desired(topology, 1).acls if acl.principal == principal]
    return {(acl.resource, acl.name, operation) for acl in acls for operation in (acl.operation, "DESCRIBE")}
