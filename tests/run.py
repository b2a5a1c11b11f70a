"""Is everything as it should be? Every check and test, in the order of what they cost; CI runs nothing else."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-q")

# stage -> (name of the line, command); each must succeed before the next begins
STAGES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "check": (
        ("lint", (str(BIN / "ruff"), "check")),
        ("format", (str(BIN / "ruff"), "format", "--check")),
        ("types", (str(BIN / "mypy"),)),
        ("floors", (str(BIN / "lint-imports"), "--no-cache")),
        ("house", (*PYTEST, "tests/house")),
    ),
    "test": (("tests without a stack", (*PYTEST, "-n", "2", "-m", "not stack", "--ignore=tests/house")),),
    "stack": (
        ("tests on the stack", (*PYTEST, "-n", "2", "--dist", "loadfile", "-m", "stack")),
        ("mutants", (sys.executable, "-m", "tests.mutants")),
    ),
    "soak": (
        ("lives and other slow tests at full length", (*PYTEST, "-n", "2", "-m", "slow and not stack", "--full")),
        ("fault tests at full length", (*PYTEST, "-m", "stack and slow", "--full")),
    ),
}
ALWAYS = ("check", "test", "stack")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=STAGES, help="one stage instead of check, test, stack")
    wanted = parser.parse_args().only
    began = time.monotonic()
    for stage in [wanted] if wanted else ALWAYS:
        for name, command in STAGES[stage]:
            if failed := run(stage, name, command):
                print(f"✗ {stage}: {name} failed (exit {failed}) after {time.monotonic() - began:.0f} s", flush=True)
                print(f"  again: {' '.join(shorten(part) for part in command)}", flush=True)
                return 1
    print(f"✓ all in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def run(stage: str, name: str, command: tuple[str, ...]) -> int:
    print(f"── {stage}: {name}", flush=True)
    began = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BUS_") or key in KEPT}
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if code == 0:
        print(f"   {time.monotonic() - began:.1f} s", flush=True)
    return code


# The tests bring their own stack: of the caller's settings only the way to the jars is kept.
KEPT = {"BUS_MAVEN_REPOSITORY"}


def shorten(part: str) -> str:
    return part.removeprefix(f"{ROOT}/")


if __name__ == "__main__":
    sys.exit(main())
