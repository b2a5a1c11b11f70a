"""Which tables and columns does a manifest ask for? Its words are read, typed and checked against the grant here."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from bus.event import RESIDENT
from bus.language.rules import Rule
from bus.language.words import ENVELOPE, KEPT_ENVELOPE, Code, Decide, Envelope, Field, Plan, Value, Word
from bus.reading import lists
from bus.reading.lines import Lines
from bus.store import Column, Table

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
CALL: Final = re.compile(r"(\w+)\(\)")
TYPES: Final = ("text", "bool", "int", "date", "timestamp")
OF_PYTHON: Final[Mapping[Any, str]] = {str: "text", bool: "bool", int: "int", date: "date"}
AUTOMATIC: Final = (Column("event_id", "text"), Column("kind", "text"), Column("supersedes", "text"))
DATE_PARTS: Final = {"text": "text", "earliest": "date", "latest": "date"}
WORDS: Final = "a field, event.<name>, rule(), {value: …} or {code: field, in: list}"


@dataclass
class Asked:
    """What a manifest asks of one entity, collected while it is read."""

    entity: str
    leaves: Mapping[str, str]  # dotted path -> text, bool, int, uncertain or list
    reads: tuple[str, ...]  # granted
    plans: list[Plan] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    conditions: dict[str, Rule] = field(default_factory=dict)  # flags that stand in place of a rule


class Reader:
    """Reads the words of one manifest, entity by entity."""

    def __init__(self, lines: Lines, code_folder: Path, rules: Mapping[str, Rule]) -> None:
        self.lines = lines
        self.rules = rules
        self.lists: dict[str, dict[str, str]] = {}
        self.list_folder = code_folder
        self.known = {
            False: lists.reasons(code_folder, "fact_reason"),
            True: lists.reasons(code_folder, "reason", "duty"),
        }
        self.asked = Asked("", {}, ())  # of the entity that is being read

    def codes(self, given: Any) -> None:
        """Code lists of the manifest itself; those of schemas/codes/ are read when a word names one."""
        for name, meanings in self.lines.mapping(given, self.lines.content, "codes").items() if given else ():
            if isinstance(meanings, dict) and all(isinstance(part, str) for pair in meanings.items() for part in pair):
                self.lists[name] = dict(meanings)
            else:
                self.lines.mistake(
                    given, name, f"the code list {name} has to map text to text; put quotes around codes"
                )

    def tables(self, top: Mapping[str, Any], asked: Mapping[str, Asked]) -> None:
        """Fills in what each entity is asked for."""
        names: set[str] = set()
        for section, read in (("keeps", self._keeps), ("appends", self._appends)):
            given = top.get(section)
            for name, spec in self.lines.mapping(given, top, section).items() if given is not None else ():
                if not NAME.fullmatch(str(name)) or str(name).startswith("bus_") or name in names:
                    self.lines.mistake(given, name, f"{name} is not a name for a new table (a-z, 0-9, _; not bus_…)")
                names.add(name)
                for one in self._entities(spec, given, name, asked):
                    self.asked = one
                    if (found := read(name, spec, given)) is not None:
                        one.plans.append(found[0])
                        one.tables.append(found[1])
                self._same_columns(name, given, asked)
        if not names and not self.lines.mistakes:
            self.lines.mistake(top, None, "neither keeps nor appends: the connector does nothing")

    def _entities(self, spec: Any, holder: Any, name: Any, asked: Mapping[str, Asked]) -> list[Asked]:
        """`of`: one entity or several of the same shape; without it: residents."""
        of = spec.get("of", RESIDENT) if isinstance(spec, dict) else RESIDENT
        wanted = [str(one) for one in (of if isinstance(of, list) else [of])]
        for entity in wanted:
            if entity not in asked:
                self.lines.mistake(
                    spec if isinstance(spec, dict) and "of" in spec else holder,
                    "of" if isinstance(spec, dict) and "of" in spec else name,
                    f"{entity} is not granted: see reads in topology.yaml",
                )
        return [asked[entity] for entity in wanted if entity in asked]

    def _same_columns(self, name: str, holder: Any, asked: Mapping[str, Asked]) -> None:
        shapes = {table for one in asked.values() for table in one.tables if table.name == name}
        if len(shapes) > 1:
            self.lines.mistake(holder, name, f"{name} would have other columns for one entity than for another")

    def _keeps(self, name: str, spec: Any, holder: Any) -> tuple[Plan, Table] | None:
        given = self.lines.mapping(spec, holder, name, ("of", "key", "only_if", "columns", "rows"))
        if "key" not in given:
            self.lines.mistake(holder, name, f"{name} needs a key: the column of the person")
            return None
        key = Column(str(given["key"]), "text")
        only_if = self._condition(given)
        if ("columns" in given) == ("rows" in given):
            self.lines.mistake(holder, name, f"{name} needs either columns or rows")
            return None
        if "rows" in given:
            rule = self._rule(str(given["rows"]), given, "rows")
            columns = _fields(rule.returns) if rule else None
            if rule and columns is None:
                self.lines.mistake(
                    given, "rows", f"{rule.name}() has to be annotated with a list of a NamedTuple of rules.py"
                )
            table = Table(name, (key, *(columns or ())), kept=True, many=True)
            return Plan(name, True, only_if=only_if, rows=rule), table
        words, columns = self._columns(given, kept=True, taken=(key,))
        return Plan(name, True, words, only_if), Table(name, (key, *columns), kept=True)

    def _appends(self, name: str, spec: Any, holder: Any) -> tuple[Plan, Table] | None:
        given = self.lines.mapping(spec, holder, name, ("of", "from", "only_if", "columns"))
        reasons = given.get("from")
        if (
            not isinstance(reasons, list)
            or not reasons
            or not all(re.fullmatch("[A-Z_0-9]+", str(one)) for one in reasons)
        ):
            self.lines.mistake(
                given or holder, "from" if given else name, f"{name} needs from: the reasons it answers to"
            )
            return None
        is_resident = self.asked.entity == RESIDENT
        for reason in sorted(set(map(str, reasons)) - self.known[is_resident]) if self.known[is_resident] else ():
            where = "reason.yaml and duty.yaml" if is_resident else "fact_reason.yaml"
            self.lines.mistake(given, "from", f"{reason} is no reason of {self.asked.entity}: see {where}")
        if "columns" not in given:
            self.lines.mistake(holder, name, f"{name} needs columns")
            return None
        only_if = self._condition(given)
        words, columns = self._columns(given, kept=False, taken=AUTOMATIC)
        plan = Plan(name, False, words, only_if, reasons=frozenset(map(str, reasons)))
        return plan, Table(name, (*AUTOMATIC, *columns), kept=False)

    def _condition(self, given: Mapping[str, Any]) -> Rule | None:
        if "only_if" not in given:
            return None
        said = str(given["only_if"])
        rule = self._flag(said, given) if self.asked.leaves.get(said) == "bool" else self._rule(said, given, "only_if")
        if rule and rule.returns not in (None, bool):
            self.lines.mistake(given, "only_if", f"{rule.name}() has to answer yes or no: -> bool")
        return rule

    def _flag(self, path: str, given: Any) -> Rule | None:
        """A field that says yes or no needs no rule."""
        if not self.grant(path, given, "only_if"):
            return None
        *groups, leaf = path.split(".")

        def is_so(record: Any) -> bool:
            for group in groups:
                record = getattr(record, group)
            return bool(getattr(record, leaf))

        rule = Rule(f"{path}?", is_so, (), {path: 1}, bool, 1, 1)
        self.asked.conditions[rule.name] = rule
        self.asked.paths.add(path)
        self.asked.rules.add(rule.name)
        return rule

    def _columns(
        self, given: Mapping[str, Any], *, kept: bool, taken: Sequence[Column]
    ) -> tuple[tuple[Word, ...], tuple[Column, ...]]:
        words: list[Word] = []
        columns: list[Column] = []
        known = {column.name for column in taken}
        columns_given = self.lines.mapping(given["columns"], given, "columns")
        for name, said in columns_given.items():
            if not NAME.fullmatch(str(name)) or name in known:
                self.lines.mistake(columns_given, name, f"{name} is not a name for a new column (a-z, 0-9, _)")
            if (found := self._word(said, columns_given, name, kept)) is not None:
                words.append(found[0])
                columns.append(Column(str(name), found[1]))
        return tuple(words), tuple(columns)

    # The five words

    def _word(self, said: Any, holder: Any, key: Any, kept: bool) -> tuple[Word, str] | None:
        if isinstance(said, dict):
            return self._long(said, holder, key, kept)
        if not isinstance(said, str):
            self.lines.mistake(holder, key, f"{key} is no word: say {WORDS}")
            return None
        if CALL.fullmatch(said):
            rule = self._rule(said, holder, key)
            return (Decide(rule), _column_type(rule.returns) or "text") if rule else None
        if said.startswith("event."):
            return self._envelope(said.removeprefix("event."), holder, key, kept)
        kind = self._field(said, holder, key)
        return (Field(said), kind) if kind else None

    def _long(self, said: Any, holder: Any, key: Any, kept: bool) -> tuple[Word, str] | None:
        kind = said.get("type")
        if kind is not None and kind not in TYPES:
            self.lines.mistake(said, "type", f"unknown column type {kind}; known are {', '.join(TYPES)}")
        if "value" in said:
            self.lines.mapping(said, holder, key, ("value", "type"))
            return Value(said["value"]), kind or OF_PYTHON.get(_plain(said["value"]), "text")
        if "code" in said:
            self.lines.mapping(said, holder, key, ("code", "in"))
            inner, meanings = self._field(str(said["code"]), said, "code"), self._list(said)
            return (
                (Code(str(said["code"]), str(said["in"]), meanings), "text") if inner and meanings is not None else None
            )
        for word in ("field", "rule"):
            if word in said:
                self.lines.mapping(said, holder, key, (word, "type"))
                found = self._word(str(said[word]), said, word, kept)
                return (found[0], kind or found[1]) if found else None
        self.lines.mistake(holder, key, f"{key} is no word: say {WORDS}")
        return None

    def _envelope(self, name: str, holder: Any, key: Any, kept: bool) -> tuple[Word, str] | None:
        known = KEPT_ENVELOPE if kept else tuple(ENVELOPE)
        if name not in known:
            why = "a kept row names no event" if kept and name in ENVELOPE else "unknown word"
            self.lines.mistake(
                holder, key, f"event.{name}: {why}; known here are {', '.join('event.' + one for one in known)}"
            )
            return None
        return Envelope(name), ENVELOPE[name][0]

    def _field(self, path: str, holder: Any, key: Any) -> str | None:
        """The column type of a field, if it exists and is granted."""
        head, _, part = path.rpartition(".")
        kind = self.asked.leaves.get(path)
        leaf = path
        if kind is None and self.asked.leaves.get(head) == "uncertain":
            leaf, kind = head, DATE_PARTS.get(part)
        if kind is None:
            self.lines.mistake(holder, key, f"unknown word {path}: say {WORDS}")
        elif kind == "uncertain":
            self.lines.mistake(
                holder, key, f"{path} is an uncertain date: say {path}.text, {path}.earliest or {path}.latest"
            )
        elif kind == "list":
            self.lines.mistake(holder, key, f"{path} is a list: say rows: and a rule that makes rows of it")
        elif self.grant(leaf, holder, key):
            self.asked.paths.add(path)
            return kind
        return None

    def _list(self, said: Any) -> Mapping[str, str] | None:
        name = str(said.get("in"))
        if name not in self.lists:
            path = self.list_folder / f"{name}.yaml"
            if path.exists():
                self.lists[name] = lists.codes(path)
        if not self.lists.get(name):
            self.lines.mistake(said, "in", f"there is no code list {name}, in codes here or in schemas/codes/")
            return None
        return self.lists[name]

    def _rule(self, call: str, holder: Any, key: Any) -> Rule | None:
        named = CALL.fullmatch(call)
        rule = self.rules.get(named[1]) if named else None
        if rule is None:
            self.lines.mistake(
                holder, key, f"{call} is not a rule in rules.py (say name(), its first parameter is the record)"
            )
            return None
        self.ask(rule, holder, key, self.asked)
        return rule

    def ask(self, rule: Rule, holder: Any, key: Any, asked: Asked) -> None:
        """The rule is used: what it reads has to be granted."""
        if rule.name in asked.rules:
            return
        asked.rules.add(rule.name)
        for wrong in (name for name in rule.by_name if name not in ("on", "law")):
            self.lines.mistake(holder, key, f"{rule.name}() asks for {wrong}; a rule gets the record, on and law")
        place = f"{'/'.join(self.lines.path.parts[-3:-1])}/rules.py"
        for path, line in rule.paths.items():
            if path in asked.leaves and _is_granted(path, asked.reads):
                asked.uses.add(path)
                asked.paths.add(path)
            else:
                of = "" if asked.entity == RESIDENT else f" of {asked.entity}"
                self.lines.mistakes.append(f"{place}:{line}: {path}{of} is not granted: see reads in topology.yaml")

    def grant(self, leaf: str, holder: Any, key: Any) -> bool:
        if not _is_granted(leaf, self.asked.reads):
            self.lines.mistake(holder, key, f"{leaf} is not granted: see reads in topology.yaml")
            return False
        self.asked.uses.add(leaf)
        return True


def _is_granted(leaf: str, reads: Sequence[str]) -> bool:
    return any(leaf == read or leaf.startswith(read + ".") for read in reads)


def _column_type(annotation: Any) -> str | None:
    """int, bool, date or str, or one of these or None."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        options = [one for one in typing.get_args(annotation) if one is not type(None)]
        annotation = options[0] if len(options) == 1 else None
    return OF_PYTHON.get(annotation)


def _fields(annotation: Any) -> tuple[Column, ...] | None:
    """The columns of list[Member], where Member is a NamedTuple."""
    inner = (*typing.get_args(annotation), None)[0]
    if not hasattr(inner, "_fields"):
        return None
    hints = typing.get_type_hints(inner)
    return tuple(Column(name, _column_type(hints.get(name)) or "text") for name in inner._fields)


def _plain(value: Any) -> type:
    """ruamel's numbers and texts remember how they were written; here they are numbers and texts."""
    return next((kind for kind in (bool, int, str, date) if isinstance(value, kind)), str)
