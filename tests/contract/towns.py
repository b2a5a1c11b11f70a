"""A town for the tests of contracts: one subscription with everything, one with little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "schemas"


@dataclass
class Topic:
    schema: str = "juki/resident.1"


@dataclass
class Subscription:
    reads: dict[str, tuple[str, ...]]


@dataclass
class Town:
    """What a contract has to know of a topology."""

    town: str = "999999"
    topics: Mapping[str, Any] = field(default_factory=lambda: {"juki.resident": Topic()})
    subscriptions: Mapping[str, Any] = field(default_factory=dict)

    def canonical(self, entity: str) -> str:
        return f"{self.town}.{entity}.v1"

    def narrowed(self, sub: str, entity: str) -> str:
        return f"{self.town}.{sub.replace('_', '-')}.in.{entity}.v1"


def town(**grants: tuple[str, ...]) -> Town:
    return Town(subscriptions={name: Subscription({"juki.resident": paths}) for name, paths in grants.items()})
