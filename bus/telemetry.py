"""What happened? Each thing worth counting or saying is one function here: it moves the metric and writes the log line.

Nobody else touches a counter or a logger. A line or a label never holds a person's key, name, reason or payload: only
event ids, topics, partitions, offsets, codes and counts (reliability I14). What does not look like one of these is
replaced by OTHER: a caller's mistake does not become a leak, and labels stay closed sets (bad input 68).
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from typing import Any, Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

OTHER: Final = "OTHER"
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")  # a number alone, which could be a person's, is not a code
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,63}|\d{1,3}")  # ids of connectors, components, shards
_PLACE = re.compile(r"(?=.*[/:-])(?!\d+/|\d{9})[A-Za-z0-9._:/-]{1,160}")  # topic/partition/offset, event id, file:line
_SAY_AGAIN_SECONDS: Final = 30.0

disable_created_metrics()  # type: ignore[no-untyped-call]  # one series per counter is enough
registry: Final = CollectorRegistry()


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"bus_{name}", text, labels, registry=registry)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"bus_{name}", text, labels, registry=registry)


_published = _counter("outbox_published_events_total", "Events the relay has published and seen acknowledged.", "shard")
_relay_stops = _counter("relay_stops_total", "Times a shard stopped, and why.", "shard", "code")
_relay_gaps = _counter("relay_gaps_skipped_total", "Outbox numbers that rolled-back transactions left empty.", "shard")
_relay_blocked = _counter("relay_blocked_total", "Events the broker refused for good.", "shard", "code")
_relay_fenced = _counter("relay_fenced_total", "Times a relay found that another one owns its shard.", "shard")
_pending = _gauge("outbox_pending_events", "Committed events that are not yet published.", "source")
_oldest = _gauge("outbox_oldest_pending_seconds", "Age of the oldest of them.", "source")
_narrowed = _counter("projector_narrowed_events_total", "Records written to narrowed topics.", "subscription", "mode")
_projector_held = _counter(
    "projector_held_events_total", "Canonical records set aside by the projector.", "topic", "code"
)
_projector_released = _counter("projector_released_events_total", "Records an operator has released.")
_rejected = _counter("schema_rejected_total", "Records that were refused before anything was done.", "topic", "reason")
_applied = _counter("connector_applied_events_total", "Records a connector dealt with.", "connector", "outcome")
_duration = Histogram(
    "bus_connector_apply_duration_seconds", "Time of one batch's transaction.", ("connector",), registry=registry
)
_dead = _counter("dead_letters_added_total", "Events set aside with their person.", "subscription", "error_code")
_waiting = _gauge("dead_letters", "Events that wait now.", "subscription")
_connector_fenced = _counter(
    "connector_fenced_total", "Times a connector found that another process owns it.", "connector"
)
_connector_stops = _counter("connector_stops_total", "Times a connector stopped, and why.", "connector", "code")
_unavailable = _counter("dependency_unavailable_total", "Failed attempts to reach a dependency.", "component", "code")
_claims = _counter("lease_claims_total", "Times a lease was taken.", "component")
_epoch = _gauge("lease_epoch", "The epoch under which this process works.", "component")
_truth_age = _gauge("truth_age_seconds", "Age of the oldest event the department has not got yet.", "subscription")
_differences = _gauge("reconcile_differences", "Rows that differ from the register.", "connector")
_reconciled = _gauge("reconcile_last_success_timestamp_seconds", "When a comparison last ran to its end.", "connector")


def configure(level: str = "info", *, as_json: bool = True) -> None:
    """Chooses what is written to stderr: one line per event, JSON unless a person reads along."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render if as_json else structlog.dev.ConsoleRenderer(colors=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=_Stderr,
        cache_logger_on_first_use=False,
    )


class _Stderr:
    """Whatever sys.stderr is at that moment; a whole line in one write, so that threads do not mix."""

    def __init__(self, *_: Any) -> None: ...

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = msg


def _render(_logger: Any, _method: str, event: Any) -> str:
    """ASCII only, so that every control character, escape sequence and bidi mark is escaped; json itself leaves DEL."""
    return json.dumps(event, default=lambda value: type(value).__name__).replace("\x7f", "\\u007f")


def _say(level: str, event: str, **fields: str | float | None) -> None:
    getattr(structlog.get_logger(), level)(event, **fields)


def _code(value: str) -> str:
    return value if _CODE.fullmatch(value) else OTHER


def _name(value: str | int) -> str:
    return text if _NAME.fullmatch(text := str(value)) else OTHER


def _place(value: str) -> str:
    return value if _PLACE.fullmatch(value) else OTHER


def _topic(place: str) -> str:
    """Topics begin with the town's six digits and hold dots; a bare number is not one."""
    topic = place.split("/", 1)[0]
    return topic if re.fullmatch(r"\d{6}(\.[a-z0-9-]+){2,8}", topic) else OTHER


def relay_published(shard: int | str, count: int) -> None:
    _published.labels(_name(shard)).inc(count)
    _say("debug", "relay_published", shard=shard, count=count)


def relay_stopped(shard: int | str, code: str) -> None:
    _relay_stops.labels(_name(shard), _code(code)).inc()
    _say("error", "relay_stopped", shard=shard, code=_code(code))


def relay_gap_skipped(shard: int | str, count: int = 1) -> None:
    _relay_gaps.labels(_name(shard)).inc(count)
    _say("debug", "relay_gap_skipped", shard=shard, count=count)


def relay_blocked(shard: int | str, code: str, event_id: str) -> None:
    """The broker will never take this event; its person waits, the others go on."""
    _relay_blocked.labels(_name(shard), _code(code)).inc()
    _say("error", "relay_blocked", shard=shard, code=_code(code), event_id=_place(event_id))


def relay_fenced(shard: int | str) -> None:
    _relay_fenced.labels(_name(shard)).inc()
    _say("warning", "relay_fenced", shard=shard)


def outbox_pending(source: str, events: int, oldest_seconds: float) -> None:
    _pending.labels(_name(source)).set(events)
    _oldest.labels(_name(source)).set(oldest_seconds)


def projected(subscription: str, mode: str, count: int) -> None:
    _narrowed.labels(_name(subscription), _code(mode)).inc(count)
    _say("debug", "projected", subscription=_name(subscription), mode=_code(mode), count=count)


def projector_held(where: str, code: str) -> None:
    """A canonical record was set aside, and its person with it: `where` is topic/partition/offset."""
    _projector_held.labels(_topic(where), _code(code)).inc()
    _say("error", "projector_held", where=_place(where), code=_code(code))


def projector_released(said: int, skipped: int) -> None:
    """An operator decided about a person that was held: so many of its records are no longer."""
    _projector_released.inc(said)
    _say("info", "projector_released", count=said, skipped=skipped)


def record_rejected(where: str, code: str) -> None:
    """A record was refused: `where` is topic/partition/offset, `code` that of the bad-input catalogue."""
    _rejected.labels(_topic(where), _code(code)).inc()
    _say("warning", "record_rejected", where=_place(where), code=_code(code))


def batch_applied(
    connector: str,
    fresh: int,
    stale: int = 0,
    parked: int = 0,
    released: int = 0,
    reviewed: int = 0,
    seconds: float | None = None,
) -> None:
    outcomes = {"applied": fresh, "duplicate": stale, "rejected": parked, "released": released, "reviewed": reviewed}
    for outcome, count in outcomes.items():
        if count:
            _applied.labels(_name(connector), outcome).inc(count)
    if seconds is not None:
        _duration.labels(_name(connector)).observe(seconds)
    _say("warning" if parked else "debug", "batch_applied", connector=_name(connector), **outcomes)


def person_parked(connector: str, code: str, where: str) -> None:
    """`where` is an event id, or topic/partition/offset when no id could be read."""
    _dead.labels(_name(connector), _code(code)).inc()
    _say("error", "person_parked", connector=_name(connector), code=_code(code), where=_place(where))


def contents_shown(connector: str, records: int, reason: str, who: str) -> None:
    """Somebody looked at what is parked; `reason` in that person's own words."""
    _say("warning", "contents_shown", connector=_name(connector), records=records, reason=reason[:200], who=who)


def dead_letters(connector: str, waiting: int) -> None:
    _waiting.labels(_name(connector)).set(waiting)


def connector_fenced(connector: str) -> None:
    _connector_fenced.labels(_name(connector)).inc()
    _say("warning", "connector_fenced", connector=_name(connector))


def connector_stopped(connector: str, code: str) -> None:
    _connector_stops.labels(_name(connector), _code(code)).inc()
    _say("error", "connector_stopped", connector=_name(connector), code=_code(code))


def truth_age(subscription: str, seconds: float) -> None:
    _truth_age.labels(_name(subscription)).set(seconds)


def reconciled(connector: str, differences: int) -> None:
    _differences.labels(_name(connector)).set(differences)
    _reconciled.labels(_name(connector)).set_to_current_time()
    _say("warning" if differences else "info", "reconciled", connector=_name(connector), differences=differences)


_away: dict[str, float] = {}
_away_lock = threading.Lock()


def dependency_unavailable(component: str, code: str) -> None:
    """Counted at every attempt, said at the first and then every half minute."""
    _unavailable.labels(_name(component), _code(code)).inc()
    now = time.monotonic()
    with _away_lock:
        said = _away.get(component)
        if said is not None and now - said < _SAY_AGAIN_SECONDS:
            return
        _away[component] = now
    _say("warning", "dependency_unavailable", component=_name(component), code=_code(code))


def dependency_back(component: str) -> None:
    """Says so once, if it had been away; free to call after every success."""
    if component in _away:
        with _away_lock:
            _away.pop(component, None)
        _say("info", "dependency_back", component=_name(component))


def lease_claimed(component: str, epoch: int) -> None:
    _claims.labels(_name(component)).inc()
    _epoch.labels(_name(component)).set(epoch)
    _say("info", "lease_claimed", component=_name(component), epoch=epoch)


def crashed(component: str, error: BaseException) -> None:
    """Something nobody foresaw: its type and the place in our code, not its text, which may quote a record."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else "?"
    _say("error", "crashed", component=_name(component), error=type(error).__name__, place=_place(place))


def exposition() -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(registry)


configure("warning")
