"""What do these tests share? A city whose every flow has crossed, and the ways to take something from it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bus.fleet.flows import Flows, load
from bus.fleet.model import Crossing, document

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 6, 57, tzinfo=UTC)


def flows() -> Flows:
    return load(ROOT / "schemas" / "flows.yaml")


def machine_form() -> set[tuple[str, str, str]]:
    """(flow, producer, consumer) of the figure, written down independently of schemas/flows.yaml."""
    with Path(__file__).with_name("flows.csv").open(encoding="utf-8") as file:
        return {
            (row["flow"], producer, consumer)
            for row in csv.DictReader(file)
            for producer in row["producer"].split("|")
            for consumer in row["consumer"].split("|")
        }


def all_crossed(city: Flows) -> list[Crossing]:
    return [
        Crossing(system, entity, 12 + number, NOW, 0.0)
        for system in city.systems
        for number, entity in enumerate(city.heard(system))
    ]


def told(
    city: Flows,
    crossings: Iterable[Crossing] | None = None,
    *,
    without: Iterable[str] = (),
    published: Mapping[str, int | None] | None = None,
) -> dict[str, Any]:
    entities = [entity for system in city.systems for entity in city.published(system)]
    return document(
        city,
        all_crossed(city) if crossings is None else crossings,
        connectors=set(city.systems) - set(without),
        published=dict.fromkeys(entities, 7) if published is None else published,
        town="999999",
        at=NOW,
    )


def changed(crossings: Iterable[Crossing], subscription: str, entity: str, **what: Any) -> list[Crossing]:
    return [
        replace(one, **what) if (one.subscription, one.entity) == (subscription, entity) else one for one in crossings
    ]


def pair(document_: Mapping[str, Any], flow: str, producer: str, consumer: str) -> Mapping[str, Any]:
    (found,) = [
        one
        for each in document_["flows"]
        if each["flow"] == flow
        for one in each["pairs"]
        if (one["producer"], one["consumer"]) == (producer, consumer)
    ]
    return found


def a_bad_night(city: Flows) -> dict[str, Any]:
    """Two connectors are gone, one department is late, one is not reachable, one flow never started."""
    crossings = [
        replace(one, age_seconds=754.0)
        if one.subscription == "kaigo"
        else replace(one, count=None, last=None, age_seconds=None)
        if one.subscription == "nenkin"
        else replace(one, age_seconds=None)
        if one.subscription == "shogai_fukushi"
        else replace(one, count=0, last=None)
        if one.entity == "jinji_kyuyo.staff"
        else one
        for one in all_crossed(city)
    ]
    return told(city, crossings, without=["hojin_juminzei", "kenko_kanri"])
