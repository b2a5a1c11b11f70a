"""A project with one connector of the test's own making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bus.connector.manifest import Connector, load
from bus.connector.view import View
from bus.contract.schema import Contracts
from tests.contract.towns import SCHEMAS, town

READS = ("is_resident", "name.full", "birth", "sex", "address.town_code", "move_out.planned_on")


@dataclass
class Project:
    """Files of connectors/toy/, and what topology.yaml grants it."""

    root: Path
    reads: tuple[str, ...] = READS
    concerns: str | None = None
    subscribed: bool = True

    @property
    def folder(self) -> Path:
        return self.root / "connectors" / "toy"

    def write(self, **files: str) -> Project:
        """write(connector=…, rules=…, law=…)"""
        self.folder.mkdir(parents=True, exist_ok=True)
        places = {
            "connector": self.folder / "connector.yaml",
            "rules": self.folder / "rules.py",
            "law": self.folder.parent / "law.yaml",
        }
        for name, content in files.items():
            places[name].write_text(content, encoding="utf-8")
        return self

    @property
    def topology(self) -> SimpleNamespace:
        made = town(toy=self.reads)
        stanza = SimpleNamespace(
            reads={"juki.resident": self.reads},
            sees_protected=None,
            id="toy",
            clock=(),
            concerns={"juki.resident": self.concerns} if self.concerns else {},
        )
        subscriptions: Mapping[str, SimpleNamespace] = {"toy": stanza} if self.subscribed else {}
        return SimpleNamespace(
            town=made.town,
            topics=made.topics,
            subscriptions=subscriptions,
            canonical=made.canonical,
            narrowed=made.narrowed,
        )

    def view(self) -> View:
        return self.load().views["juki.resident"]

    def load(self) -> Connector:
        topology = self.topology
        return load(self.folder, topology, Contracts.provisional(SCHEMAS, topology))
