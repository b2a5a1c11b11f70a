"""Which tables and columns does a manifest ask for? Its words are read, typed and checked against the grant here."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from bus.language.lines import Lines
from bus.language.rules import Rule
from bus.language.words import ENVELOPE, KEPT_ENVELOPE, Code, Decide, Envelope, Field, Plan, Value, Word
from bus.store import Column, Table

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
CALL: Final = re.compile(r"(\w+)\(\)")
TYPES: Final = ("text", "bool", "int", "date", "timestamp")
OF_PYTHON: Final[Mapping[Any, str]] = {str: "text", bool: "bool", int: "int", date: "date"}
AUTOMATIC: Final = (Column("event_id", "text"), Column("kind", "text"), Column("supersedes", "text"))
DATE_PARTS: Final = {"text": "text", "earliest": "date", "latest": "date"}
WORDS: Final = "a field, event.<name>, rule(), {value: …} or {code: field, in: list}"


class Reader:
    """Reads the words of one manifest; remembers which fields and rules it met."""

    def __init__(
        self, lines: Lines, leaves: Mapping[str, str], reads: Sequence[str], rules: Mapping[str, Rule]
    ) -> None:
        self.lines = lines
        self.leaves = leaves
        self.reads = reads
        self.rules = rules
        self.lists: dict[str, dict[str, str]] = {}
        self.list_folder = Path()
        self.reasons: frozenset[str] = frozenset()
        self.uses: set[str] = set()
        self.paths: set[str] = set()
        self.asked: set[str] = set()

    def codes(self, given: Any, folder: Path) -> None:
        """Code lists of the manifest itself; those of schemas/codes/ are read when a word names one."""
        self.list_folder = folder
        self.reasons = _reasons(folder / "reason.yaml")
        for name, meanings in self.lines.mapping(given, self.lines.content, "codes").items() if given else ():
            if isinstance(meanings, dict) and all(isinstance(part, str) for pair in meanings.items() for part in pair):
                self.lists[name] = dict(meanings)
            else:
                self.lines.mistake(
                    given, name, f"the code list {name} has to map text to text; put quotes around codes"
                )

    def tables(self, top: Mapping[str, Any]) -> tuple[tuple[Plan, ...], tuple[Table, ...]]:
        plans: list[Plan] = []
        tables: list[Table] = []
        for section, read in (("keeps", self._keeps), ("appends", self._appends)):
            given = top.get(section)
            for name, spec in self.lines.mapping(given, top, section).items() if given is not None else ():
                if not NAME.fullmatch(str(name)) or str(name).startswith("bus_") or any(t.name == name for t in tables):
                    self.lines.mistake(given, name, f"{name} is not a name for a new table (a-z, 0-9, _; not bus_…)")
                if (found := read(name, spec, given)) is not None:
                    plans.append(found[0])
                    tables.append(found[1])
        if not plans and not self.lines.mistakes:
            self.lines.mistake(top, None, "neither keeps nor appends: the connector does nothing")
        return tuple(plans), tuple(tables)

    def _keeps(self, name: str, spec: Any, holder: Any) -> tuple[Plan, Table] | None:
        given = self.lines.mapping(spec, holder, name, ("key", "only_if", "columns", "rows"))
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
        given = self.lines.mapping(spec, holder, name, ("from", "only_if", "columns"))
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
        for reason in sorted(set(map(str, reasons)) - self.reasons) if self.reasons else ():
            self.lines.mistake(given, "from", f"{reason} is no reason of the register: see schemas/codes/reason.yaml")
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
        rule = self._rule(str(given["only_if"]), given, "only_if")
        if rule and rule.returns not in (None, bool):
            self.lines.mistake(given, "only_if", f"{rule.name}() has to answer yes or no: -> bool")
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
        kind = self.leaves.get(path)
        leaf = path
        if kind is None and self.leaves.get(head) == "uncertain":
            leaf, kind = head, DATE_PARTS.get(part)
        if kind is None:
            self.lines.mistake(holder, key, f"unknown word {path}: say {WORDS}")
        elif kind == "uncertain":
            self.lines.mistake(
                holder, key, f"{path} is an uncertain date: say {path}.text, {path}.earliest or {path}.latest"
            )
        elif self.grant(leaf, holder, key):
            self.paths.add(path)
            return kind
        return None

    def _list(self, said: Any) -> Mapping[str, str] | None:
        name = str(said.get("in"))
        if name not in self.lists:
            path = self.list_folder / f"{name}.yaml"
            if path.exists():
                self.lists[name] = _code_list(Lines(path))
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
        self.ask(rule, holder, key)
        return rule

    def ask(self, rule: Rule, holder: Any, key: Any) -> None:
        """The rule is used: what it reads has to be granted."""
        if rule.name in self.asked:
            return
        self.asked.add(rule.name)
        for wrong in (name for name in rule.by_name if name not in ("on", "law")):
            self.lines.mistake(holder, key, f"{rule.name}() asks for {wrong}; a rule gets the record, on and law")
        place = f"{'/'.join(self.lines.path.parts[-3:-1])}/rules.py"
        for path, line in rule.paths.items():
            if self._is_granted(path):
                self.uses.add(path)
                self.paths.add(path)
            else:
                self.lines.mistakes.append(f"{place}:{line}: {path} is not granted: see reads in topology.yaml")

    def grant(self, leaf: str, holder: Any, key: Any) -> bool:
        if not self._is_granted(leaf):
            self.lines.mistake(holder, key, f"{leaf} is not granted: see reads in topology.yaml")
            return False
        self.uses.add(leaf)
        return True

    def _is_granted(self, leaf: str) -> bool:
        return any(leaf == read or leaf.startswith(read + ".") for read in self.reads)


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


def _reasons(path: Path) -> frozenset[str]:
    """What the register can say; empty where a project has no list."""
    content = Lines(path).content if path.exists() else []
    return frozenset(str(entry["reason"]) for entry in content or () if isinstance(entry, dict) and "reason" in entry)


def _code_list(lines: Lines) -> dict[str, str]:
    """schemas/codes/<name>.yaml: the newest meaning of every code."""
    content = lines.content
    rows = content.get("codes", content) if isinstance(content, dict) else content
    pairs = (
        rows.items()
        if isinstance(rows, dict)
        else ((row.get("code"), row) for row in rows or () if isinstance(row, dict))
    )
    return {
        str(code): str(row.get("ja") or row.get("name") or row.get("label") or "")
        if isinstance(row, dict)
        else str(row)
        for code, row in pairs
    }
