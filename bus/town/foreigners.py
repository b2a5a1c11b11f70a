"""Who comes from elsewhere, by which name, and until when? Nobody is meant: every family is a "sample"."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final, NamedTuple

from bus.town.names import Written, given_name, ordinary


class Nation(NamedTuple):
    code: str  # invented: the national list is not public
    name: str
    share: int
    family: Written  # "sample", in a language spoken there
    kanji: str = ""  # … where names have kanji


NATIONS: Final = (
    Nation("901", "中国", 24, Written("YANGBEN", "ヤンベン"), "様本"),
    Nation("902", "ベトナム", 17, Written("MAU", "マウ")),
    Nation("903", "韓国", 12, Written("GYEONBON", "キョンボン"), "見本"),
    Nation("904", "フィリピン", 10, Written("HALIMBAWA", "ハリンバワ")),
    Nation("905", "ネパール", 8, Written("NAMUNA", "ナムナ")),
    Nation("906", "ブラジル", 7, Written("EXEMPLO", "エゼンプロ")),
    Nation("907", "インドネシア", 7, Written("CONTOH", "チョントー")),
    Nation("908", "ドイツ", 3, Written("MUSTERMANN", "ムスターマン")),
    Nation("909", "アメリカ", 5, Written("SAMPLE", "サンプル")),
    Nation("999", "サンプル国", 7, Written("PRZYKLAD", "プシクワト")),
)
GIVEN: Final = tuple(
    Written(*pair)
    for pair in (
        ("TEST", "テスト"),
        ("ALPHA", "アルファ"),
        ("BETA", "ベータ"),
        ("GAMMA", "ガンマ"),
        ("DELTA", "デルタ"),
        ("SIGMA", "シグマ"),
        ("OMEGA", "オメガ"),
        ("EPSILON", "エプシロン"),
        ("LAMBDA", "ラムダ"),
    )
)
_KANJI_GIVEN: Final = ("甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬")

# 在留資格等コード (invented) -> share, years of its periods; none: without an end
STATUSES: Final = {
    "910": (34, ()), "920": (18, (1, 3, 5)), "930": (16, (1, 1, 3)), "940": (14, (1, 2)), "950": (12, (1, 3)),
    "960": (6, (3, 5)),
}  # fmt: skip
SPECIAL: Final = "2"  # 第30条45規定区分: 特別永住者, whose stay has no end
MEDIUM: Final = "1"  # 中長期在留者
_KOREA: Final = "903"


def nation(chance: Random) -> Nation:
    return chance.choices(NATIONS, weights=[one.share for one in NATIONS])[0]


def name_of(chance: Random, origin: Nation) -> tuple[Written, str]:
    """A given name, and the name in kanji where somebody has one."""
    index = chance.randrange(len(GIVEN))
    has_kanji = origin.kanji and chance.random() < 0.75
    return GIVEN[index], f"{origin.kanji}　{_KANJI_GIVEN[index]}" if has_kanji else ""


def is_special(chance: Random, origin: Nation, born: date, day: date) -> bool:
    """特別永住者 and their children are long here, and older than others."""
    return origin.code == _KOREA and chance.random() < (0.9 if day.year - born.year >= 50 else 0.45)


def stay(chance: Random, origin: Nation, since: date, day: date, *, special: bool, soon: bool) -> dict[str, str]:
    """What the card says. `soon`: it runs out within the coming month."""
    cells = {
        "foreign.since": since.isoformat(), "unknown.foreign_since": "0", "foreign.card_type": "2" if special else "1",
        "foreign.country_code": origin.code, "foreign.country": origin.name,
        "foreign.article_30_45": SPECIAL if special else MEDIUM, "foreign.address_notified": "1",
    }  # fmt: skip
    if special:
        return cells
    bounded = [code for code in STATUSES if code != "910"]
    (code,) = chance.choices(
        bounded if soon else list(STATUSES), [STATUSES[c][0] for c in (bounded if soon else STATUSES)]
    )
    cells["foreign.status_code"] = code
    if periods := STATUSES[code][1]:
        years = chance.choice(periods)
        ahead = chance.randrange(2, 29) if soon else chance.randrange(2, years * 365)
        cells |= {"foreign.period_years": str(years), "foreign.expires_on": (day + timedelta(days=ahead)).isoformat()}
    return cells


def common_name(chance: Random, sex: str, *, special: bool) -> dict[str, str]:
    """通称; only a layout that has the column carries it."""
    if chance.random() >= (0.6 if special else 0.08):
        return {}
    family, given = ordinary(chance), given_name(chance, sex)
    return {"name.common": f"{family.text}　{given.text}", "name.common_kana": f"{family.kana}　{given.kana}"}
