"""How is a state, an age or a moment said to the people of a town hall?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

JST: Final = timezone(timedelta(hours=9), "JST")
REIWA: Final = 2018  # 令和元年 is 2019
WEEKDAYS: Final = "月火水木金土日"

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ja": {
        "current": "最新", "late": "遅れ", "unknown": "不明", "never": "未着", "no_connector": "接続なし",
        "means_current": "10分以内", "means_late": "10分を超える", "means_unknown": "届いたが古さがわからない",
        "means_never": "一度も届いていない", "heard": "受信", "published": "発信", "pairs": "対", "none": "不明",
        "title": "まちの情報の流れ", "town": "団体コード",
        "publishes": "出す業務", "hears": "受ける業務", "further": "図のほかの流れ",
        "proof": "各業務のデータベースに取り込まれた件数で判定。確かめ方",
    },
    "en": {
        "current": "current", "late": "late", "unknown": "unknown", "never": "never", "no_connector": "not connected",
        "means_current": "10 min or less", "means_late": "more than 10 min", "means_unknown": "arrived, age not known",
        "means_never": "nothing has arrived", "heard": "in", "published": "out", "pairs": "pairs", "none": "unknown",
        "title": "How information flows through the town", "town": "Municipality",
        "publishes": "publishes", "hears": "hears", "further": "flows beyond the figure",
        "proof": "Judged by what each department's own database has applied. To see it",
    },
}  # fmt: skip


def sentence(interfaces: Mapping[str, int], lang: str) -> tuple[str, str]:
    """What the bus spares a city, in two lines."""
    many, few = interfaces["point_to_point"], interfaces["contracts"]
    if lang == "ja":
        return f"システム間の個別連携 {many} 本を、", f"共通の契約 {few} 件に置き換えています"
    return f"{few} shared contracts replace", f"{many} point-to-point interfaces"


def summary(crossed: int, all_: int, missing: int, lang: str) -> str:
    if lang == "ja":
        return f"{all_} 対のうち {missing} 対がまだ流れていません" if missing else f"{all_} 対すべてが流れています"
    return f"{missing} of {all_} pairs have not crossed yet" if missing else f"all {crossed} pairs have crossed"


def moment(at: datetime, lang: str) -> str:
    """In Japan's time, by the calendar of the reader."""
    here = at.astimezone(JST)
    if lang == "en":
        return f"{here:%Y-%m-%d %H:%M} JST"
    year = here.year - REIWA
    era = f"令和{'元' if year == 1 else year}年" if year >= 1 else f"{here.year}年"
    return f"{era}{here.month}月{here.day}日({WEEKDAYS[here.weekday()]}) {here:%H:%M} JST"


def brief(at: datetime | None) -> str:
    """For a column whose heading says that it is Japan's time."""
    return "" if at is None else f"{at.astimezone(JST):%m-%d %H:%M}"


def age(seconds: float | None, lang: str) -> str:
    """Without a word for the state: 12分, 3時間."""
    if seconds is None:
        return ""
    for unit, ja, en in ((86_400, "日", " d"), (3_600, "時間", " h"), (60, "分", " min")):
        if seconds >= unit:
            return f"{int(seconds // unit)}{ja if lang == 'ja' else en}"
    return f"{int(seconds)}{'秒' if lang == 'ja' else ' s'}"


def told(state: str, seconds: float | None, lang: str) -> str:
    """A state with its age, where an age says more: 最新, 遅れ 12分."""
    word = WORDS[lang][state]
    return f"{word} {age(seconds, lang)}" if state == "late" else word


def system_told(system: Mapping[str, Any], lang: str) -> str:
    """What is missing comes before how fresh the rest is."""
    if not system["connector"]:
        return WORDS[lang]["no_connector"]
    if system["missing"]:
        return f"{WORDS[lang]['never']} {system['missing']}"
    return told(system["state"], system["age_seconds"], lang)


def count(number: int | None, lang: str) -> str:
    if number is None or lang == "en":
        return short(number, lang)
    return f"{short(number, lang)} 件"


def short(number: int | None, lang: str) -> str:
    """Without a unit, and rounded where the digits would no longer be read."""
    if number is None:
        return WORDS[lang]["none"]
    if number >= 10_000_000:
        return f"{number // 10_000:,}万" if lang == "ja" else f"{number / 1_000_000:,.1f} M"
    return f"{number:,}"


def name(what: Mapping[str, Any], lang: str) -> str:
    return str(what[f"name_{lang}"])
