"""What is a department's connector? connector.yaml and rules.py become tables and one pure function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from bus.connector.view import ALIASES, View
from bus.contract.grant import leaves
from bus.errors import Misconfigured
from bus.event import RESIDENT
from bus.language.columns import Asked, Reader
from bus.language.mapping import MERGED
from bus.language.rules import Rule, load as load_rules
from bus.reading import law as laws
from bus.reading.law import Law
from bus.reading.lines import Lines
from bus.store import Table

GROUP: Final = "bus.connectors"  # entry points of vendors' own packages
MANIFEST: Final = "connector.yaml"
LEAVES: Final = {"boolean": "bool", "long": "int", "int": "int", "Uncertain": "uncertain", "array": "list"}


class Stanza(Protocol):
    """A subscription in topology.yaml, as far as a connector needs it."""

    @property
    def reads(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def concerns(self) -> Mapping[str, str]: ...


class Topology(Protocol):
    @property
    def subscriptions(self) -> Mapping[str, Any]: ...


class Contracts(Protocol):
    @property
    def schemas(self) -> Path: ...
    def canonical(self, entity: str = ...) -> Any: ...


@dataclass(frozen=True)
class Connector:
    """A department: what it is called, and its view of everything it is granted."""

    id: str
    name_ja: str
    folder: Path
    law: Law = field(repr=False)
    views: Mapping[str, View]  # by entity

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Each once, though several entities may feed it."""
        return tuple({table.name: table for view in self.views.values() for table in view.tables}.values())

    @cached_property
    def rules(self) -> dict[str, Rule]:
        return {name: rule for view in self.views.values() for name, rule in view.rules.items()}


def load(folder: Path, topology: Topology, contracts: Contracts) -> Connector:
    """Raises Misconfigured with every mistake of connector.yaml, rules.py and law.yaml, each with file and line."""
    lines = Lines(folder / MANIFEST)
    lines.check()
    if folder.name not in topology.subscriptions:
        lines.mistake(lines.content, None, f"no subscription {folder.name} in topology.yaml")
        lines.check()
    stanza: Stanza = topology.subscriptions[folder.name]
    heard = {entity: leaf_types(contracts.canonical(entity).image) for entity in stanza.reads}
    known = {path: kind for leaves in heard.values() for path, kind in leaves.items()}
    rules, law = _parts(lines, folder, known)
    top = lines.mapping(lines.content, lines.content, None, ("name_ja", "keeps", "appends", "codes"))
    reader = Reader(lines, contracts.schemas / "codes", rules)
    reader.codes(top.get("codes"))
    asked = {entity: Asked(entity, leaves, tuple(stanza.reads[entity])) for entity, leaves in heard.items()}
    reader.tables(top, asked)
    if MERGED in stanza.reads.get(RESIDENT, ()):
        asked[RESIDENT].uses.add(MERGED)
        asked[RESIDENT].paths.add(MERGED)
    concerns = {entity: _concern(lines, call, rules, reader, asked[entity]) for entity, call in stanza.concerns.items()}
    if not isinstance(top.get("name_ja"), str):
        lines.mistake(lines.content, "name_ja", "name_ja is missing: what the department is called")
    lines.check()
    views = {entity: _view(one, rules, law, concerns.get(entity)) for entity, one in asked.items()}
    return Connector(id=folder.name, name_ja=top["name_ja"], folder=folder, law=law, views=views)


def _view(asked: Asked, rules: dict[str, Rule], law: Law, concern: Rule | None) -> View:
    return View(
        entity=asked.entity,
        tables=(*asked.tables, *([ALIASES] if MERGED in asked.paths else [])),
        plans=tuple(asked.plans),
        law=law,
        reads=asked.reads,
        uses=frozenset(asked.uses),
        paths=tuple(sorted(asked.paths)),
        rules={name: rule for name, rule in (rules | asked.conditions).items() if name in asked.rules},
        concern=concern,
    )


def _parts(lines: Lines, folder: Path, leaves: Mapping[str, str]) -> tuple[dict[str, Rule], Law]:
    """The rules and the law beside a manifest; what is wrong in them is added to the manifest's mistakes."""
    rules: dict[str, Rule] = {}
    law = Law({})
    try:
        rules = load_rules(folder / "rules.py", leaves, folder.name)
    except Misconfigured as mistakes:
        lines.mistakes += mistakes.message.splitlines()
    try:
        law = _law(folder)
    except Misconfigured as mistakes:
        lines.mistakes += mistakes.message.splitlines()
    if lines.mistakes and not rules:
        lines.check()  # without its rules every word of the manifest would look wrong
    return rules, law


def _law(folder: Path) -> Law:
    """Beside the folders of a project's connectors; a vendor's package may bring its own inside the folder."""
    for path in (folder / "law.yaml", folder.parent / "law.yaml"):
        if path.exists():
            return laws.load(path)
    return Law({})


def _concern(lines: Lines, call: str, rules: Mapping[str, Rule], reader: Reader, asked: Asked) -> Rule | None:
    named = re.fullmatch(r"(\w+)\(\)", call)
    rule = rules.get(named[1]) if named else None
    if rule is None:
        lines.mistakes.append(f"topology.yaml:1: {lines.path.parent.name}: concerns {call} is not a rule in rules.py")
        return None
    reader.ask(rule, lines.content, None, asked)
    return rule


def leaf_types(image: Mapping[str, Any]) -> dict[str, str]:
    """Dotted path -> text, bool, int, uncertain or list, of an image."""
    found: dict[str, str] = {}
    for path, leaf in leaves(dict(image)):
        kinds = leaf["type"] if isinstance(leaf["type"], list) else [leaf["type"]]
        names = {kind if isinstance(kind, str) else kind.get("name", kind["type"]) for kind in kinds}
        found[path] = next((kind for name, kind in LEAVES.items() if name in names), "text")
    return found


def discover(project: Path) -> dict[str, Path]:
    """id -> folder, of the project's connectors/ and of installed packages (entry points bus.connectors)."""
    found = {
        folder.name: folder for folder in sorted((project / "connectors").glob("*")) if (folder / MANIFEST).exists()
    }
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, Path(str(files(entry.value))))
    return found
