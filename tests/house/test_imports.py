"""Does each thing have one home? Read from the syntax trees; the floors are import-linter's (pyproject.toml)."""

from __future__ import annotations

import ast
import fnmatch
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# module -> the only files that may import it
HOMES = {
    "confluent_kafka": ["bus/adapters/kafka*.py", "bus/kit/bench*.py"],
    "sqlalchemy": [
        "bus/adapters/sql/*", "bus/register/tables.py", "bus/register/migrations/*", "bus/register/outbox.py",
        "bus/register/entry.py", "bus/clock/book.py", "bus/clock/tables.py", "bus/kit/bench*.py",
    ],
    "psycopg": ["bus/adapters/sql/*", "bus/kit/bench*.py"],
    "alembic": ["bus/register/migrations/*", "bus/register/schema.py", "bus/adapters/sql/*"],
    "faust": ["bus/adapters/faust.py"],
    "asyncio": ["bus/adapters/faust.py"],
    "prometheus_client": ["bus/telemetry.py"],
    "structlog": ["bus/telemetry.py"],
    "logging": ["bus/telemetry.py", "bus/register/migrations/*", "bus/adapters/sql/postgres.py"],
    "yaml": [],
    "pickle": [],
    "random": ["bus/town/*", "bus/kit/bench*.py", "bus/stack/home.py"],
    "typer": ["bus/cli/*"],
    "jgo": ["bus/stack/*"],
}  # fmt: skip
PURE = {
    "__future__", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "itertools", "math", "operator", "re", "string", "typing", "unicodedata", "bus",
}  # fmt: skip
PURE_OF_BUS = {"attains", "certain", "Undecided", "Reject", "Uncertain"}
IMPURE_CALLS = {"open", "exec", "eval", "compile", "input", "print", "__import__", "globals", "setattr", "breakpoint"}
CLOCKS = {"now", "today", "utcnow", "fromtimestamp"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def runtime_imports(path: Path) -> set[str]:
    source = ast.parse(path.read_text(encoding="utf-8"))
    guarded = [n for n in source.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    for node in guarded:
        source.body.remove(node)
    found: set[str] = set()
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def rel(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("module", HOMES)
def test_a_library_has_one_home(module):
    homes = HOMES[module]

    strays = [
        rel(path)
        for path in sorted((ROOT / "bus").rglob("*.py"))
        if module in runtime_imports(path) and not any(fnmatch.fnmatch(rel(path), home) for home in homes)
    ]

    assert strays == []


def test_only_settings_reads_the_environment():
    pattern = re.compile(r"\bos\.(environ|getenv|environb|putenv)\b|from os import .*environ")

    readers = [rel(p) for p in sorted((ROOT / "bus").rglob("*.py")) if pattern.search(p.read_text(encoding="utf-8"))]

    assert [reader for reader in readers if reader not in {"bus/settings.py", *ENVIRONMENT_OF_CHILDREN}] == []


# These hand a cleaned environment to the processes they start; they decide nothing by it.
ENVIRONMENT_OF_CHILDREN: set[str] = set()


def test_the_bus_imports_neither_tests_nor_ops_nor_connectors():
    strays = [
        rel(path)
        for path in sorted((ROOT / "bus").rglob("*.py"))
        if runtime_imports(path) & {"tests", "ops", "connectors"}
    ]

    assert strays == []


@pytest.mark.parametrize("rules", sorted(ROOT.glob("connectors/*/rules.py")), ids=lambda path: path.parent.name)
def test_rules_are_pure(rules):
    mistakes = [f"imports {module}" for module in sorted(runtime_imports(rules) - PURE)]
    for node in ast.walk(tree(rules)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bus":
            mistakes += [f"takes {n.name} from bus" for n in node.names if n.name not in PURE_OF_BUS]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            mistakes.append(f"line {node.lineno} calls {node.func.id}")
        elif isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            mistakes.append(f"line {node.lineno} looks at the clock")
        elif isinstance(node, ast.Global | ast.Nonlocal | ast.AsyncFunctionDef):
            mistakes.append(f"line {node.lineno} remembers")

    assert mistakes == []
