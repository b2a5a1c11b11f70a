"""python -m tests.mutants [NAME…] [--list]: plants each mistake in a copy of the project; its test must fail there."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("bus", "tests", "schemas", "connectors", "topology.yaml", "pyproject.toml")
PATIENCE = 300  # seconds for one test


class Outcome(NamedTuple):
    killed: bool
    what: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--list", action="store_true", help="say which there are")
    given = parser.parse_args()
    mutants = YAML(typ="safe").load(Path(__file__).with_name("mutants.yaml"))
    unknown = set(given.names) - {mutant["name"] for mutant in mutants}
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in mutants if not given.names or mutant["name"] in given.names]
    if given.list:
        for mutant in chosen:
            print(f"{mutant['name']:<34} {mutant['why']}")
        return 0
    return run(chosen)


def run(mutants: list[dict]) -> int:
    failed = 0
    with running_stack() as home:
        for mutant in mutants:
            began = time.monotonic()
            outcome = attempt(mutant, home)
            failed += not outcome.killed
            verdict = "killed  " if outcome.killed else "SURVIVED"
            print(f"{verdict} {mutant['name']:<34} {time.monotonic() - began:5.1f} s  {outcome.what}", flush=True)
    print(f"{len(mutants) - failed} passed, {failed} failed")
    return 1 if failed else 0


@contextmanager
def running_stack() -> Iterator[Path]:
    """One stack for all mutants: the unchanged project's."""
    from bus.stack.stack import Stack
    from tests.conftest import start

    home = Path(tempfile.mkdtemp(prefix="bus-mutants-"))
    try:
        start(home)
        yield home
    finally:
        Stack(home).down(purge=True)
        shutil.rmtree(home, ignore_errors=True)


def attempt(mutant: dict, home: Path) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="bus-mutant-") as name:
        copy, marks = Path(name, "project"), Path(name, "marks")
        marks.mkdir()
        for what in COPIED:
            duplicate(ROOT / what, copy / what)
        try:
            plant(mutant, copy, marks)
        except ValueError as error:
            return Outcome(False, str(error))
        for _ in range(mutant.get("tries", 1)):
            if (outcome := judge(mutant, copy, marks, home)).killed:
                break
        return outcome


def duplicate(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def plant(mutant: dict, copy: Path, marks: Path) -> None:
    """Every text must be there exactly once, or the mutant has outlived the code it was made for."""
    for edit in (mutant, *mutant.get("also", ())):
        file = copy / edit["file"]
        text = file.read_text(encoding="utf-8")
        if (times := text.count(edit["find"])) != 1:
            raise ValueError(f"{edit['file']}: the text to change is there {times} times, not once")
        file.write_text(text.replace(edit["find"], edit["replace"]), encoding="utf-8")
    with (copy / mutant["file"]).open(
        "a", encoding="utf-8"
    ) as file:  # proves that the mutant ran, and in how many processes
        file.write(f"\n\n__import__('pathlib').Path({str(marks)!r}, str(__import__('os').getpid())).touch()\n")


def judge(mutant: dict, copy: Path, marks: Path, home: Path) -> Outcome:
    command = (sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", mutant["test"])
    environment = os.environ | {"PYTHONPATH": str(copy), "BUS_TEST_HOME": str(home)}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"its test did not end within {PATIENCE} s")
    if not any(marks.iterdir()):
        return Outcome(False, "the changed file was never imported")
    last = (done.stdout.splitlines() or [""])[-1]
    if done.returncode == 0:
        return Outcome(False, f"{mutant['test']} does not notice: {mutant['why']}")
    if not re.search(r"\d+ failed", last) or "error" in last:
        return Outcome(False, f"its test did not run: {last}")
    return Outcome(True, f"in {len(list(marks.iterdir()))} processes: {reason(done.stdout)}")


def reason(output: str) -> str:
    """What pytest says in its one line about the failure."""
    found = re.findall(r"^[^\n]*\.py:\d+: ([^\n]{1,90})", output, re.MULTILINE)
    return found[-1] if found else "failed"


if __name__ == "__main__":
    sys.exit(main())
