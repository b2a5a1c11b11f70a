"""What is a department's connector? connector.yaml and rules.py become tables and one pure function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from bus.change import Change, Keep, Row
from bus.contract.grant import leaves
from bus.dates import day
from bus.errors import Misconfigured, Reject, Undecided
from bus.event import Event
from bus.language import law as laws
from bus.language.columns import Reader
from bus.language.law import Law
from bus.language.lines import Lines
from bus.language.mapping import Case, Projected, compiled, located, mirrored, project
from bus.language.record import record_type, value_at
from bus.language.rules import Rule, load as load_rules
from bus.language.words import Plan
from bus.store import Table

ENTITY: Final = "juki.resident"
GROUP: Final = "bus.connectors"  # entry points of vendors' own packages
MANIFEST: Final = "connector.yaml"


class Stanza(Protocol):
    """A subscription in topology.yaml, as far as a connector needs it."""

    @property
    def reads(self) -> Mapping[str, Sequence[str]]: ...
    @property
    def concerns(self) -> str | None: ...


class Topology(Protocol):
    @property
    def subscriptions(self) -> Mapping[str, Any]: ...


class Contracts(Protocol):
    @property
    def schemas(self) -> Path: ...
    def canonical(self, entity: str = ...) -> Any: ...


@dataclass(frozen=True)
class Connector:
    """A department's view of the register. Pure: it remembers nothing, looks at no clock, touches nothing."""

    id: str
    name_ja: str
    entity: str
    folder: Path
    tables: tuple[Table, ...]
    plans: tuple[Plan, ...] = field(repr=False)
    law: Law = field(repr=False)
    reads: tuple[str, ...]  # granted: topology.yaml
    uses: frozenset[str]  # fields of the image that manifest, rules and concerns read
    paths: tuple[str, ...]  # what to decode, in order: fields, or parts of dates
    rules: Mapping[str, Rule] = field(repr=False)
    concern: Rule | None = None  # whom the department hears about; None: everybody

    def project(self, event: Event, on: date | None = None, law: Law | None = None) -> Projected:
        """What the event asks of the department's database. `on` is the day the register spoke."""
        on = on or day(event.recorded)
        try:
            record = self._record([value_at(event.data, path) for path in self._rule_paths])
            return project(self.plans, Case(record, on, (law or self.law).on(on)), event)
        except Reject as reject:
            raise located(reject, event.id) from None

    @cached_property
    def plan(self) -> Callable[[Row], Projected]:
        """The same, compiled, for the flat record of contract.decoder(connector.paths): DATA, BARE or REMOVED."""
        return compiled(self.plans, self.paths, self._rule_paths, self.law)

    @cached_property
    def mirror(self) -> tuple[Table, tuple[str, ...]] | None:
        """The one table and the paths of its columns, if the connector keeps what it hears as it hears it."""
        paths = mirrored(self.plans)
        return None if paths is None else (self.tables[0], paths)

    def remove(self, key: str) -> list[Change]:
        """A person who no longer concerns the department: nothing kept stays."""
        return [Keep(plan.table, key) for plan in self.plans if plan.kept]

    def concerns(self, image: Mapping[str, Any] | None, on: date, law: Law | None = None) -> bool:
        """Whether a person with this image (granted fields, protected ones hidden) concerns the department on that day.

        Where the rule cannot tell, it does: the department's own rules then ask a person.
        """
        if image is None or self.concern is None:
            return image is not None
        record = self._concern_record([value_at(image, path) for path in self.concern.paths])
        try:
            return bool(Case(record, on, (law or self.law).on(on)).ask(self.concern))
        except Undecided:
            return True

    @cached_property
    def _rule_paths(self) -> tuple[str, ...]:
        used = {path for rule in self.rules.values() for path in rule.paths}
        return tuple(path for path in self.paths if path in used)

    @cached_property
    def _concern_record(self) -> Callable[[Sequence[Any]], Any]:
        """Only what `concerns` reads: the projector asks it twice per event and subscription."""
        return record_type({path: index for index, path in enumerate(self.concern.paths if self.concern else ())})

    @cached_property
    def _record(self) -> Callable[[Sequence[Any]], Any]:
        return record_type({path: index for index, path in enumerate(self._rule_paths)})


def load(folder: Path, topology: Topology, contracts: Contracts) -> Connector:
    """Raises Misconfigured with every mistake of connector.yaml, rules.py and law.yaml, each with file and line."""
    lines = Lines(folder / MANIFEST)
    lines.check()
    if folder.name not in topology.subscriptions:
        lines.mistake(lines.content, None, f"no subscription {folder.name} in topology.yaml")
        lines.check()
    stanza: Stanza = topology.subscriptions[folder.name]
    leaves = leaf_types(contracts.canonical(ENTITY).image)
    rules, law = _parts(lines, folder, leaves)
    reads = tuple(stanza.reads.get(ENTITY, ()))
    reader = Reader(lines, leaves, reads, rules)
    top = lines.mapping(lines.content, lines.content, None, ("name_ja", "keeps", "appends", "codes"))
    reader.codes(top.get("codes"), contracts.schemas / "codes")
    plans, tables = reader.tables(top)
    concern = _concern(lines, stanza.concerns, rules, reader)
    if not isinstance(top.get("name_ja"), str):
        lines.mistake(lines.content, "name_ja", "name_ja is missing: what the department is called")
    lines.check()
    return Connector(
        id=folder.name,
        name_ja=top["name_ja"],
        entity=ENTITY,
        folder=folder,
        tables=tables,
        plans=plans,
        law=law,
        reads=reads,
        uses=frozenset(reader.uses),
        paths=tuple(sorted(reader.paths)),
        rules={name: rule for name, rule in rules.items() if name in reader.asked},
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


def _concern(lines: Lines, call: str | None, rules: Mapping[str, Rule], reader: Reader) -> Rule | None:
    if call is None:
        return None
    named = re.fullmatch(r"(\w+)\(\)", call)
    rule = rules.get(named[1]) if named else None
    if rule is None:
        lines.mistakes.append(f"topology.yaml:1: {lines.path.parent.name}: concerns {call} is not a rule in rules.py")
        return None
    reader.ask(rule, lines.content, None)
    return rule


def leaf_types(image: Mapping[str, Any]) -> dict[str, str]:
    """Dotted path -> text, bool or uncertain, of an image."""
    found: dict[str, str] = {}
    for path, leaf in leaves(dict(image)):
        kinds = leaf["type"] if isinstance(leaf["type"], list) else [leaf["type"]]
        names = {kind if isinstance(kind, str) else kind.get("name") for kind in kinds}
        found[path] = "bool" if "boolean" in names else "uncertain" if "Uncertain" in names else "text"
    return found


def discover(project: Path) -> dict[str, Path]:
    """id -> folder, of the project's connectors/ and of installed packages (entry points bus.connectors)."""
    found = {
        folder.name: folder for folder in sorted((project / "connectors").glob("*")) if (folder / MANIFEST).exists()
    }
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, Path(str(files(entry.value))))
    return found
