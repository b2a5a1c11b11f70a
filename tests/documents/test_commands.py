"""Does everything the documents call exist, with these words?"""

import re

import pytest
import typer.main
from typer.core import TyperGroup

from bus.cli import assemble
from tests.documents.reading import ROOT, commands

READMES = ["README.md", "README.ja.md"]
CALLS = sorted({tuple(call) for document in READMES for call in commands(document)})


@pytest.fixture(scope="module")
def program():
    return typer.main.get_command(assemble())


def leaf(command, words):
    """The command that these words reach, and the words that are left for it."""
    while isinstance(command, TyperGroup) and words:
        found = command.commands.get(words[0])
        assert found is not None, f"bus has no {words[0]}"
        command, words = found, words[1:]
    return command, words


def every(command, path=()):
    yield path, command
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from every(inner, (*path, name))


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_command_in_a_readme_can_be_called_like_this(program, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "residents.csv").touch()
    command, words = leaf(program, list(call))

    command.make_context(call[0], words)  # raises a usage error when an argument or option is not there


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_knows_the_two_commands(target):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)


def test_every_command_has_help_in_both_languages_and_one_example(program):
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    silent = []
    for path, command in every(program):
        first = (command.help or "").strip().partition("\n")[0]
        if not (japanese.search(first) and re.search(r"[A-Za-z]{3}", first)):
            silent.append(" ".join(path) or "bus")

    assert silent == []


def test_every_verb_shows_an_example(program):
    silent = [
        " ".join(path)
        for path, command in every(program)
        if path and not isinstance(command, TyperGroup) and "bus " not in (command.help or "")
    ]

    assert silent == []


def test_every_noun_is_named_in_one_of_the_readmes_or_the_where_to_look_table(program):
    text = " ".join((ROOT / document).read_text(encoding="utf-8") for document in READMES)
    nouns = {path[0] for path, _ in every(program) if path}

    assert sorted(noun for noun in nouns if f"bus {noun}" not in text and noun not in PLUMBING) == []


# Nouns a reader meets only when looking for them; `bus --help` lists them.
PLUMBING = {"bench", "registry", "relay", "projector", "processor"}
