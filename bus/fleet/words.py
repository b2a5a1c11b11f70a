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
        "current": "最新", "late": "遅れ", "unknown": "古さ不明", "never": "未着", "no_connector": "接続なし",
        "heard": "受信", "published": "発信", "items": "件", "pairs": "対", "missing": "欠け", "none": "不明",
        "title": "まちの情報の流れ", "bus": "連携バス", "town": "団体コード", "at": "時点",
        "publishes": "出す業務", "hears": "受ける業務", "replaced": "に置き換え",
        "point": "個別の連携", "contract": "共通の契約", "legend": "凡例", "further": "図のほかの流れ",
        "proof": "各業務のデータベースに取り込まれた件数で判定。確かめ方",
    },
    "en": {
        "current": "current", "late": "late", "unknown": "age unknown", "never": "never", "no_connector": "not connected",
        "heard": "heard", "published": "said", "items": "", "pairs": "pairs", "missing": "missing", "none": "unknown",
        "title": "How information flows through the town", "bus": "integration bus", "town": "Municipality",
        "at": "as of", "publishes": "publishes", "hears": "hears", "replaced": "replaced by",
        "point": "point-to-point interfaces", "contract": "shared contracts", "legend": "Legend",
        "further": "flows beyond the figure",
        "proof": "Judged by what each department's own database has applied. To see it",
    },
}  # fmt: skip


def sentence(interfaces: Mapping[str, int], lang: str) -> str:
    many, few = interfaces["point_to_point"], interfaces["contracts"]
    if lang == "ja":
        return f"システム間の個別連携 {many} 本を、{few} の契約に置き換えています"
    return f"{few} contracts replace {many} point-to-point interfaces"


def moment(at: datetime, lang: str) -> str:
    """In Japan's time, by the calendar of the reader."""
    here = at.astimezone(JST)
    if lang == "en":
        return f"{here:%Y-%m-%d %H:%M} JST"
    year = here.year - REIWA
    era = f"令和{'元' if year == 1 else year}年" if year >= 1 else f"{here.year}年"
    return f"{era}{here.month}月{here.day}日({WEEKDAYS[here.weekday()]}) {here:%H:%M} JST"


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


def count(number: int | None, lang: str) -> str:
    return WORDS[lang]["none"] if number is None else f"{number:,}{' 件' if lang == 'ja' else ''}"


def name(what: Mapping[str, Any], lang: str) -> str:
    return str(what[f"name_{lang}"])
