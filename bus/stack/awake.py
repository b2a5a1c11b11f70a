"""May one look at a stack that was stopped? It is woken for the question, and sleeps again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bus.settings import Settings
from bus.stack.home import Home
from bus.stack.prepare import found
from bus.stack.stack import Stack
from bus.topology.model import load


@contextmanager
def awake(settings: Settings, say: Callable[[str], None]) -> Iterator[Settings]:
    """The same settings if something runs or is configured, or nothing was ever there; else those of the woken stack.

    Nothing is made or changed: topics, users and tables stay as they were left.
    """
    home = Home(settings.home)
    state = None if settings.bootstrap or settings.departments else home.load()
    if state is None:
        yield settings
        return
    say("the stack was stopped: it is woken for this question, and stopped again")
    stack = Stack(settings.home, maven=settings.maven)
    try:
        with stack.up() as running:
            home.settings(found(home, running, load(settings.project / "topology.yaml", town=settings.town)))
        yield Settings.load(home=settings.home, town=settings.town, lang=settings.lang)
    finally:
        stack.down()
