"""Does every file say what it is for, and nothing it should not?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "bus").rglob("*.py"))
BANNED = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py", "base.py", "manager.py"}


def rel(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_begins_with_the_question_it_answers():
    silent = [rel(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert silent == []


def test_no_file_is_a_drawer():
    assert [rel(path) for path in SOURCES if path.name in BANNED] == []


def test_no_work_is_left_in_comments():
    left = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b(?!\s*#\d+)")

    assert [rel(path) for path in SOURCES if left.search(path.read_text(encoding="utf-8"))] == []


def test_tests_do_not_mock_our_own_code():
    mocks = re.compile(r"unittest[.]mock|from mock\s+import|monkeypatch[.]setattr\(\s*[\"']bus[.]")

    assert [rel(p) for p in (ROOT / "tests").rglob("test_*.py") if mocks.search(p.read_text(encoding="utf-8"))] == []


def test_tests_read_as_sentences():
    short = [
        f"{rel(path)}::{node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name.count("_") < 3
    ]

    assert short == []


def test_every_room_of_the_house_is_a_package():
    homeless = {rel(path.parent) for path in SOURCES if not (path.parent / "__init__.py").exists()}

    assert homeless - {"bus/register/migrations", "bus/register/migrations/versions"} == set()
