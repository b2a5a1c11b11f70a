"""Is a department's rules.py pure, and which fields do its rules read? The syntax tree answers before it runs."""

from __future__ import annotations

import ast
import importlib.util
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import bus
from bus.errors import Misconfigured

# fmt: off
MODULES = frozenset({
    "__future__", "bus", "calendar", "collections", "collections.abc", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "itertools", "math", "re", "string", "typing", "unicodedata",
})
FORBIDDEN = frozenset({
    "open", "exec", "eval", "compile", "__import__", "globals", "locals", "vars", "getattr", "setattr", "delattr",
    "input", "print", "breakpoint", "exit", "quit", "id", "hash", "object", "super", "memoryview",
})
# fmt: on
CLOCKS = frozenset({"today", "now", "utcnow", "fromtimestamp", "utcfromtimestamp"})
DATE_PARTS = frozenset({"text", "earliest", "latest", "is_certain"})  # what an uncertain date has
BY_NAME = ("on", "law")


@dataclass(frozen=True, slots=True)
class Rule:
    """A function of rules.py: who it is, what it reads, what it gives."""

    name: str
    function: Callable[..., Any]
    by_name: tuple[str, ...]  # which of `on` and `law` it wants, in its own order
    paths: Mapping[str, int]  # fields it reads of the record, through its helpers too -> line
    returns: Any  # the annotation, resolved; None where there is none
    line: int
    length: int  # lines without the docstring

    def answer(self, record: Any, on: date, law: Any) -> Any:
        """The function, given what it names."""
        if not self.by_name:
            return self.function(record)
        if len(self.by_name) == 2:
            return self.function(record, on=on, law=law)
        return self.function(record, on=on) if self.by_name[0] == "on" else self.function(record, law=law)


@dataclass(slots=True)
class _Found:
    """What one function does with the record, its first parameter."""

    node: ast.FunctionDef
    record: str | None
    paths: dict[str, int] = field(default_factory=dict)
    hands_to: set[str] = field(default_factory=set)  # helpers that get the record


def load(path: Path, leaves: Mapping[str, str], connector: str) -> dict[str, Rule]:
    """The rules of a file, which need not be there. Raises Misconfigured with every mistake."""
    if not path.exists():
        return {}
    name = "/".join(path.parts[-3:])
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise Misconfigured.all([f"{name}:{getattr(error, 'lineno', None) or 1}: is not Python: {error}"]) from None
    found = {node.name: _Found(node, _record(node)) for node in tree.body if isinstance(node, ast.FunctionDef)}
    mistakes = impurities(tree)
    for one in found.values():
        mistakes += _reads(one, found, leaves)
    if mistakes:
        raise Misconfigured.all([f"{name}:{line}: {what}" for line, what in sorted(mistakes)])
    module = _module(path, connector)
    return {key: _rule(one, found, module) for key, one in found.items() if one.record is not None}


def impurities(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, what) for everything that lets a rule remember, look at the clock, or touch the world."""
    stray = [node.lineno for node in tree.body if not _may_stand_outside(node)]
    told = [
        (node.lineno, what)
        for node in ast.walk(tree)
        if isinstance(node, ast.expr | ast.stmt) and (what := _impurity(node))
    ]
    return told + [
        (line, "only imports, functions, named tuples and constants may stand outside a rule") for line in stray
    ]


def _may_stand_outside(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
            return True
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case ast.Assign(targets=[target], value=value):
            names = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
            mutable = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
            return all(map(str.isupper, names)) and not any(isinstance(part, mutable) for part in ast.walk(value))
    return False


def _impurity(node: ast.expr | ast.stmt) -> str | None:
    match node:
        case ast.Import(names=names):
            bad = [alias.name for alias in names if alias.name not in MODULES - {"bus"}]
            return f"import {bad[0]} is not allowed: rules are pure" if bad else None
        case ast.ImportFrom(module=module, level=level, names=names):
            if level or module not in MODULES:
                return f"import from {module} is not allowed: rules are pure"
            bad = [alias.name for alias in names if module == "bus" and alias.name not in bus.__all__]
            return f"{bad[0]} is not a public name of bus" if bad else None
        case ast.Global() | ast.Nonlocal():
            return "global and nonlocal are not allowed: rules do not remember"
        case ast.Name(id=name) if name in FORBIDDEN:
            return f"{name} is not allowed: rules are pure"
        case ast.Attribute(attr=attr) if attr in CLOCKS:
            return f".{attr} looks at the clock: name the parameter `on` instead"
        case ast.Attribute(attr=attr) if attr.startswith("_"):
            return f".{attr} is private"
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            return "nothing may be changed from a rule"
        case ast.Await() | ast.AsyncFor() | ast.AsyncWith() | ast.AsyncFunctionDef() | ast.Yield() | ast.YieldFrom():
            return "rules are ordinary functions"
    return None


def _record(node: ast.FunctionDef) -> str | None:
    """The record is the first parameter without an annotation; a function without one is a helper on plain values."""
    arguments = node.args.posonlyargs + node.args.args
    if not arguments or arguments[0].arg in BY_NAME or arguments[0].annotation is not None:
        return None
    return arguments[0].arg


def _reads(one: _Found, known: Mapping[str, _Found], leaves: Mapping[str, str]) -> list[tuple[int, str]]:
    """Fills in which fields the function reads; the record may be used in no other way."""
    if one.record is None:
        return []
    mistakes: list[tuple[int, str]] = []
    accounted: set[int] = set()
    for node in ast.walk(one.node):
        if isinstance(node, ast.Attribute) and (chain := _chain(node, one.record)):
            parts, root = chain
            if id(root) not in accounted:  # the longest chain is met first
                accounted.add(id(root))
                path, mistake = _leaf(parts, leaves)
                mistakes += [(node.lineno, mistake)] if mistake else []
                one.paths.setdefault(path, node.lineno)
        elif (helper := _handed(node, one.record)) and helper[0] in known:
            accounted.add(id(helper[1]))
            one.hands_to.add(helper[0])
    whole = f"{one.record} is used whole: name its fields, or hand it on as first argument"
    names = [node for node in ast.walk(one.node) if isinstance(node, ast.Name) and node.id == one.record]
    mistakes += [(node.lineno, whole) for node in names if id(node) not in accounted]
    return mistakes + [
        (known[name].node.lineno, f"{name} gets the record of {one.node.name}: its first parameter has no annotation")
        for name in one.hands_to
        if known[name].record is None
    ]


def _handed(node: ast.AST, record: str) -> tuple[str, ast.Name] | None:
    """helper(record, …) -> ("helper", the Name node)."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=given) as handed, *_]) if given == record:
            return name, handed
    return None


def _chain(node: ast.Attribute, record: str) -> tuple[list[str], ast.Name] | None:
    """record.a.b -> ([a, b], the Name node)."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.insert(0, inner.attr)
        inner = inner.value
    return (parts, inner) if isinstance(inner, ast.Name) and inner.id == record else None


def _leaf(parts: list[str], leaves: Mapping[str, str]) -> tuple[str, str | None]:
    """The field that the chain begins with; what follows it must be a part of a date (or a method of its text)."""
    for end in range(len(parts), 0, -1):  # the longest: household is a text in one entity and a group in another
        path = ".".join(parts[:end])
        if path in leaves:
            if leaves[path] == "uncertain" and parts[end:] and parts[end] not in DATE_PARTS:
                return path, f"{path} is an uncertain date: it has {', '.join(sorted(DATE_PARTS))}"
            return path, None
    path = ".".join(parts)
    if any(leaf.startswith(path + ".") for leaf in leaves):
        return path, f"{path} is a group: name the field"
    return path, f"{path} is not a field of the resident"


def _module(path: Path, connector: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"connectors.{connector}.rules", path)
    assert spec is not None
    assert spec.loader is not None  # a path that ends in .py has both
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _rule(one: _Found, known: Mapping[str, _Found], module: Any) -> Rule:
    node = one.node
    function = getattr(module, node.name)
    paths: dict[str, int] = {}
    todo, done = [node.name], set()
    while todo:
        name = todo.pop()
        if name not in done:
            done.add(name)
            paths = known[name].paths | paths
            todo += known[name].hands_to
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    length = (node.end_lineno or 0) - node.lineno + 1
    if docstring is not None:
        length -= (docstring.end_lineno or 0) - docstring.lineno + 1
    return Rule(
        name=node.name,
        function=function,
        by_name=tuple(argument.arg for argument in node.args.args[1:] + node.args.kwonlyargs),
        paths=paths,
        returns=typing.get_type_hints(function).get("return"),
        line=node.lineno,
        length=length,
    )
