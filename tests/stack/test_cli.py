"""Do bus stack, bus topology and bus settings say what cli.md promises?"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import Running

pytestmark = pytest.mark.stack


def bus(running: Running, *words: str, code: int = 0):
    done = subprocess.run(
        [sys.executable, "-m", "bus", *words, "--json", "--home", str(running.home)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_env_names_every_principal_and_department_and_hides_the_secrets(stack: Running) -> None:
    masked, revealed = bus(stack, "stack", "env"), bus(stack, "stack", "env", "--reveal")

    promised = "bootstrap security_protocol sasl_mechanism ca_file registry_url register_dsn users departments"
    assert set(masked) == set(promised.split())
    assert set(masked["users"]) == {"admin", "relay", "projector", "household", *masked["departments"]}
    for name, department in revealed["departments"].items():
        assert department["group"] == name.replace("_", "-")
        assert department["topic_prefix"] == f"999999.{department['group']}.in."
    for name, user in revealed["users"].items():
        assert user == {"username": name, "password": stack.settings.users[name]}
    assert not any(password in json.dumps(masked) for password in stack.settings.users.values())
    assert revealed["register_dsn"].partition(":")[0] == "postgresql+psycopg"
    assert revealed["register_dsn"] == stack.settings.register_dsn != masked["register_dsn"]


def test_up_again_prints_the_same_as_env(stack: Running) -> None:
    assert bus(stack, "stack", "up", "--quiet") == bus(stack, "stack", "env")


def test_status_names_each_process(stack: Running) -> None:
    processes = bus(stack, "stack", "status")["processes"]

    assert [process["name"] for process in processes] == ["kafka-1", "postgres"]
    assert all(process["healthy"] and process["rss_bytes"] > 10_000_000 for process in processes)
    assert set(processes[0]) == {"name", "pid", "port", "since", "rss_bytes", "healthy"}


def test_nothing_drifts_and_every_right_is_as_granted(stack: Running) -> None:
    assert bus(stack, "topology", "drift") == {"actions": [], "conflicts": []}
    assert bus(stack, "topology", "probe")["equal"] is True
    assert bus(stack, "topology", "validate")["town"] == "999999"


def test_settings_name_their_source_and_mask_secrets(stack: Running) -> None:
    found = bus(stack, "settings")

    assert found["bootstrap"] == {"value": stack.settings.bootstrap, "source": "stack"}
    assert not any(password in json.dumps(found) for password in stack.settings.users.values())


def test_an_empty_home_says_what_to_do(stack: Running, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bus", "stack", "env", "--json", "--home", str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 6
    assert json.loads(done.stdout)["error"]["code"] == "NO_STACK"
