"""Does the house keep its sizes? The only way out is waivers.yaml, with a reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
BUS = ROOT / "bus"
WAIVERS = {entry["what"]: entry for entry in YAML(typ="safe").load(Path(__file__).with_name("waivers.yaml")) or []}

KERNEL, ROOM, FILE, FUNCTION = 1_000, 1_200, 350, 50
PUBLIC, VERB, MANIFEST, RULES, RULE, EXAMPLES = 15, 120, 60, 120, 15, 4


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def rel(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources(*roots: str) -> list[Path]:
    return sorted(path for root in roots for path in (ROOT / root).rglob("*.py") if "versions" not in path.parts)


def functions(path: Path) -> list[tuple[str, int]]:
    found = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef))
    return [(f"{rel(path)}::{node.name}", (node.end_lineno or 0) - node.lineno + 1) for node in found]


def too_large(sizes: list[tuple[str, int]], limit: int) -> list[str]:
    return [
        f"{name}: {size} > {allowed}"
        for name, size in sizes
        if size > (allowed := WAIVERS[name]["limit"] if name in WAIVERS else limit)
    ]


def rooms() -> list[tuple[str, int]]:
    """A folder of modules; one inside another is a room of its own."""
    found = {path.parent for path in sources("bus")} - {BUS}
    return [(rel(room), sum(lines(path) for path in room.glob("*.py"))) for room in sorted(found)]


def all_functions() -> list[tuple[str, int]]:
    return [function for path in sources("bus", "tests") for function in functions(path)]


MEASURES = {
    "kernel": (lambda: [("bus", sum(lines(path) for path in BUS.glob("*.py")))], KERNEL),
    "rooms": (rooms, ROOM),
    "files": (lambda: [(rel(path), lines(path)) for path in sources("bus", "tests")], FILE),
    "functions": (all_functions, FUNCTION),
    "verbs": (lambda: [(rel(p), lines(p)) for p in sources("bus/cli") if p.name != "command.py"], VERB),
    "manifests": (lambda: [(rel(p), lines(p)) for p in sorted(ROOT.glob("connectors/*/connector.yaml"))], MANIFEST),
    "rules files": (lambda: [(rel(p), lines(p)) for p in sorted(ROOT.glob("connectors/*/rules.py"))], RULES),
    "rules": (lambda: [f for p in sorted(ROOT.glob("connectors/*/rules.py")) for f in functions(p)], RULE),
}


@pytest.mark.parametrize("what", MEASURES)
def test_everything_has_its_size(what):
    measure, limit = MEASURES[what]

    assert too_large(measure(), limit) == []


def test_every_waiver_has_a_reason_and_is_still_needed():
    limits = {name: (size, limit) for measure, limit in MEASURES.values() for name, size in measure()}

    for what, waiver in WAIVERS.items():
        size, limit = limits.get(what, (0, 0))
        assert len(waiver["why"]) > 20, what
        assert size > limit, f"{what} is {size} lines: the waiver is no longer needed"


def test_the_public_names_are_few():
    tree = ast.parse((BUS / "__init__.py").read_text(encoding="utf-8"))
    names = [n for node in tree.body if isinstance(node, ast.ImportFrom) for n in node.names]

    assert len([n for n in names if n.name != "annotations"]) <= PUBLIC


def test_every_connector_has_enough_examples():
    yaml = YAML(typ="safe")

    for manifest in sorted(ROOT.glob("connectors/*/connector.yaml")):
        examples = yaml.load(manifest.with_name("examples.yaml"))
        assert len([e for e in examples if "example" in e]) >= EXAMPLES, rel(manifest.parent)
