"""What is seen at the end of the demonstration? One screen, in Japanese or English; a person is never named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from bus.demo.course import POISONED
from bus.demo.demo import Outcome
from bus.demo.proof import Department, as_dict
from bus.fleet.model import worst
from bus.fleet.words import sentence, summary, told

WIDE: Final = 120
WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "{town}: {residents} residents, {movements} movements ({events} events), {seconds:.0f} s",
        "id": "department", "holds": "holds now", "asked": "asked to do", "parked": "parked",
        "reviews": "to review", "age": "truth age", "equal": "equals its sources", "yes": "✓ yes", "no": "✗ NO",
        "current": "current", "unknown": "unknown", "waiting": "{parked} person, {waiting} records",
        "kill": "{name} (pid {pid}) was killed with signal {signal}; {waiting} records waited; back in {seconds:.1f} s",
        "poison": "poisoned on purpose: event {event} in {topic}: {what}",
        "isolated": "parked ({codes}), that person's {later} later event waits behind it; everybody else went on",
        "lost": "NOT FOUND among the parked",
        "doubled": "{doubled} records were written twice: {stale} dropped as seen before",
        "refused": "refused by the register: {refused}",
        "differs": "{id}.{table}: {missing} missing, {extra} extra, {differing} differ{columns}",
        "rows": "{rows:,} in {tables}", "map": "What crossed the bus", "flow": "flow", "name": "name", "pairs": "pairs",
        "records": "records", "state": "state", "drawn": "drawn on one sheet: {file}",
        "staff": "the calendar said {duties} duties; the staff (simulated) confirmed {confirmed} requests, "
                 "rejected {rejected}, and said {said} facts",
        "households": "{actual:,} households, as the processor says them; {wrong} differ from the register",
        "ok": "✓ all systems and flows crossed, every department equals its sources, only the poisoned one is parked",
        "bad": "✗ something is not as it should be",
    },
    "ja": {
        "title": "{town}：住民 {residents} 人、異動 {movements} 件（事象 {events} 件）、{seconds:.0f} 秒",
        "id": "業務", "holds": "いま保持", "asked": "依頼された仕事", "parked": "保留", "reviews": "判断待ち",
        "age": "真実の古さ", "equal": "出どころと一致", "yes": "✓ 一致", "no": "✗ 不一致", "current": "最新",
        "unknown": "不明", "waiting": "{parked} 人（{waiting} 件）",
        "kill": "{name}（pid {pid}）をシグナル {signal} で強制終了。{waiting} 件が待ち、{seconds:.1f} 秒後に再開",
        "poison": "わざと壊した事象 {event}（{topic}）：{what}",
        "isolated": "保留（{codes}）。本人の後続 {later} 件は順番待ち、ほかの人は影響なし",
        "lost": "保留の中に見当たりません",
        "doubled": "二重に書いた記録 {doubled} 件：既知として捨てた記録 {stale} 件",
        "refused": "住民記録が断った異動：{refused}",
        "differs": "{id}.{table}：不足 {missing}、余分 {extra}、相違 {differing}{columns}",
        "rows": "{rows:,}（{tables} 表）", "map": "バスを渡った情報", "flow": "フロー", "name": "名称", "pairs": "対",
        "records": "件数", "state": "状態", "drawn": "一枚の図にしました：{file}",
        "staff": "暦の起点 {duties} 件。職員（模擬）が承認 {confirmed} 件、却下 {rejected} 件、発信 {said} 件",
        "households": "世帯 {actual:,} 件（世帯処理の発信）：住民記録との相違 {wrong} 件",
        "ok": "✓ すべての業務とフローが渡り、どの業務も出どころからの再計算と一致し、保留は壊した事象の本人だけです",
        "bad": "✗ あるべき姿と違うところがあります",
    },
}  # fmt: skip


def document(outcome: Outcome) -> dict[str, Any]:
    played = outcome.played
    poisoned = next((one for one in outcome.departments if one.id == POISONED), None)
    return {
        "ok": outcome.ok,
        "town": outcome.town,
        "residents": outcome.residents,
        "movements": played.movements,
        "events": played.events,
        "refused": [{"reason": reason, "code": code} for reason, code in played.refused],
        "duties": played.duties,
        "staff": asdict(played.worked),
        "seconds": round(outcome.seconds, 1),
        "map": {"drawing": str(outcome.drawing), "missing": outcome.map["missing"],
                "interfaces": outcome.map["interfaces"]},
        "households": outcome.households.as_dict(),
        "departments": [as_dict(department) for department in outcome.departments],
        "killed": [
            {"name": kill.name, "pid": kill.pid, "signal": kill.signal, "waiting": kill.waiting,
             "dead_seconds": round(kill.dead_seconds, 1)}
            for kill in played.kills
        ],
        "poison": played.poison and {
            "event_id": played.poison.event_id, "connector": POISONED, "topic": played.poison.topic,
            "codes": poisoned.codes if poisoned else [], "waiting": poisoned.waiting if poisoned else None,
        },
        "doubled": played.poison and {"written": played.poison.doubled, "dropped": poisoned and poisoned.stale},
    }  # fmt: skip


def draw(outcome: Outcome, lang: str) -> Any:
    words = WORDS[lang]

    def on(console: Console) -> None:
        if not console.is_terminal:
            console.width = WIDE  # a file or a pipe has room
        console.print(_table(outcome, words, lang))
        console.print(_map(outcome.map, words, lang))
        pairs = [pair for flow in outcome.map["flows"] for pair in flow["pairs"]]
        crossed = sum(pair["crossed"] for pair in pairs)
        console.print(summary(crossed, len(pairs), len(outcome.map["missing"]), lang) + "; "
                      + (" " if lang == "en" else "").join(sentence(outcome.map["interfaces"], lang)))  # fmt: skip
        console.print(words["drawn"].format(file=outcome.drawing), markup=False, soft_wrap=True)
        for line in _lines(outcome, words):
            console.print(line, markup=False)
        console.print(words["ok" if outcome.ok else "bad"], style="bold green" if outcome.ok else "bold red")

    return on


def _table(outcome: Outcome, words: Mapping[str, str], lang: str) -> Table:
    played = outcome.played
    title = words["title"].format(
        town=outcome.town, residents=outcome.residents, movements=played.movements, events=played.events,
        seconds=outcome.seconds,
    )  # fmt: skip
    table = Table(title=title, title_justify="left", pad_edge=False, header_style="bold", box=box.ROUNDED)
    for name in ("id", "holds", "asked", "parked", "reviews", "age", "equal"):
        right = name in ("holds", "asked", "reviews", "age")
        table.add_column(words[name], justify="right" if right else "left", no_wrap=True)
    order = [system["id"] for system in outcome.map["systems"]]
    for one in sorted(outcome.departments, key=lambda one: order.index(one.id)):
        table.add_row(
            f"{one.name_ja} {one.id}" if lang == "ja" else f"{one.id} {one.name_ja}", _count(one.holds, words),
            _count(one.asked, words), _parked(one, words), str(one.reviews), _age(one, words),
            words["yes" if one.equal else "no"], style="" if one.equal else "red",
        )  # fmt: skip
    return table


def _count(tables: Mapping[str, int], words: Mapping[str, str]) -> str:
    return words["rows"].format(rows=sum(tables.values()), tables=len(tables))


def _map(document: Mapping[str, Any], words: Mapping[str, str], lang: str) -> Table:
    """The city's figure, in lines: which flow crossed between how many pairs of systems, with how many records."""
    table = Table(title=words["map"], title_justify="left", pad_edge=False, header_style="bold", box=box.ROUNDED)
    for name in ("flow", "name", "pairs", "records", "state"):
        table.add_column(words[name], justify="right" if name in ("pairs", "records") else "left", no_wrap=True)
    for flow in document["flows"]:
        pairs, note = flow["pairs"], flow[f"note_{lang}"]
        table.add_row(
            flow["flow"], flow[f"name_{lang}"] + (f" ({note})" if note else ""),
            f"{sum(pair['crossed'] for pair in pairs)}/{len(pairs)}",
            f"{sum(pair['count'] or 0 for pair in pairs):,}", told(worst(pair["state"] for pair in pairs), None, lang),
            style="" if flow["crossed"] else "red",
        )  # fmt: skip
    return table


def _parked(one: Department, words: Mapping[str, str]) -> str:
    return words["waiting"].format(parked=one.parked, waiting=one.waiting) if one.parked else "0"


def _age(one: Department, words: Mapping[str, str]) -> str:
    if one.truth_age_seconds is None:
        return words["unknown"]
    return words["current"] if one.truth_age_seconds == 0 else f"{one.truth_age_seconds:.1f} s"


def _lines(outcome: Outcome, words: Mapping[str, str]) -> list[str]:
    played = outcome.played
    worked = played.worked
    lines = [
        words["staff"].format(
            duties=played.duties, confirmed=worked.confirmed, rejected=worked.rejected, said=worked.said
        ),
    ]
    found = outcome.households
    wrong = found.missing + found.extra + found.differing
    lines.append(words["households"].format(actual=found.actual, wrong=wrong))
    lines += [
        words["kill"].format(
            name=kill.name, pid=kill.pid, signal=kill.signal, waiting=kill.waiting, seconds=kill.dead_seconds
        )
        for kill in played.kills
    ]
    poisoned = next((one for one in outcome.departments if one.id == POISONED), None)
    if played.poison and poisoned:
        isolated = words["isolated"].format(codes=", ".join(poisoned.codes), later=poisoned.waiting - 1)
        what = isolated if poisoned.parked else words["lost"]
        lines.append(words["poison"].format(event=played.poison.event_id, topic=played.poison.topic, what=what))
        lines.append(words["doubled"].format(doubled=played.poison.doubled, stale=poisoned.stale))
    if played.refused:
        refused = ", ".join(sorted({f"{reason} {code}" for reason, code in played.refused}))
        lines.append(words["refused"].format(refused=refused))
    return lines + [line for one in outcome.departments for line in _differences(one, words)]


def _differences(one: Department, words: Mapping[str, str]) -> list[str]:
    return [
        words["differs"].format(
            id=one.id, table=finding.table, missing=finding.missing, extra=finding.extra, differing=finding.differing,
            columns=f" ({', '.join(finding.columns)})" if finding.columns else "",
        )
        for finding in one.findings
        if not finding.equal
    ]  # fmt: skip
