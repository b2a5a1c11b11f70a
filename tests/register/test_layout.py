"""Does a file come in as it is, is every doubtful cell found, and is any other file refused by line and column?"""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from bus.dates import Uncertain
from bus.errors import Reject
from bus.resident import codes, layout
from bus.resident.load import load
from tests.register.ledger import SCHEMAS, SHAPE

COLUMNS = codes.layout(SCHEMAS, "mado-122")
NAMES = [column.name for column in COLUMNS]
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "resident_table.csv"


class Found:
    """Takes persons and keeps them."""

    shape = SHAPE

    def __init__(self):
        self.people = []

    def add_found(self, changes):
        self.people += [(event.key, event.data) for event, _ in changes]
        return len(changes), []


def file(tmp_path, *rows, header=NAMES, bom=True):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *([row.get(name, "") for name in NAMES] for row in rows)])
    path = tmp_path / "residents.csv"
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + out.getvalue().encode())
    return path


def row(key="10", **cells):
    return {
        "宛名番号": key,
        "住民状態": "1",
        "住民種別": "1",
        "生年月日": "1980-03-05",
        "生年月日_不詳フラグ": "0",
        **cells,
    }


def warnings(tmp_path, *rows):
    report = load(Found(), file(tmp_path, *rows), COLUMNS)
    return {(w.line, w.column, w.code) for w in report.warnings}


def test_what_every_department_hears_holds_no_date_of_the_sheet(tmp_path):
    """Effective is told to all; the sheet's own dates are fields, which a department is granted or is not."""
    sheet = row("1", 異動年月日="2019-12-24", 住民となった年月日="2019-12-23")
    said = []

    class Listening(Found):
        def add_found(self, changes):
            said.extend(event for event, _ in changes)
            return super().add_found(changes)

    load(Listening(), file(tmp_path, sheet), COLUMNS, recorded=datetime(2026, 4, 5, 18, tzinfo=UTC))

    assert [(event.reason, event.effective) for event in said] == [("IKO", Uncertain.on(date(2026, 4, 6)))]


def refused(path):
    found = Found()
    with pytest.raises(Reject) as caught:
        load(found, path, COLUMNS)
    assert found.people == []
    return caught.value.code, caught.value.where


NAMED_TRAPS = {
    ("MUNICIPALITY_CHECK_DIGIT", "市区町村コード"): range(1, 28),
    ("MUNICIPALITY_CHECK_DIGIT", "転入前住所_市区町村コード"): [8, 27],
    ("MUNICIPALITY_CHECK_DIGIT", "転出先住所（確定）_市区町村コード"): [16, 17],
    ("FULL_WIDTH_DIGITS", "住所_郵便番号"): range(1, 28),
    ("FULL_WIDTH_DIGITS", "転入前住所_郵便番号"): [8, 27],
    ("FULL_WIDTH_DIGITS", "転出先住所（確定）_郵便番号"): [16, 17],
    ("CODE_WIDTH", "続柄コード1"): [1, 6, 8, 9, 13, 16, 18, 20, 22, 23, 27],
    ("PREVIOUS_ADDRESS_UNSPLIT", "転入前住所_町字"): [27],
    ("MOVE_OUT_UNCONFIRMED", "転出予定年月日"): [27],
    ("STATE_DEAD", "住民状態"): [14],
    ("STATE_MOVED_OUT", "住民状態"): [16, 17],
    ("FOREIGNER_WITHOUT_HONSEKI", "本籍"): [18, 19],
    ("BIRTH_UNKNOWN_FLAG", "生年月日_不詳フラグ"): [26],
    ("EMPTY_IDENTIFIER", "在留カード等番号"): [18, 19],
    ("KAIGO_DATE", "介護資格取得年月日"): [3, 6, 7, 13, 14, 22],
    ("KOUKI_AFTER_PROCESSING", "後期高齢資格取得年月日"): [3],
    ("RESIDENT_BEFORE_BIRTH", "住民となった年月日"): [4, 5, 11, 12, 21],
    ("HISTORY_NO_EQUALS_KEY", "個人履歴番号"): range(1, 28),
    ("ERA_ON_FOREIGNER", "生年月日_元号"): [18, 19],
}


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the shared sample extract is not here: ../shared/data/resident_table.csv"
)
class TestTheSampleExtract:
    def test_it_comes_back_byte_for_byte(self):
        found = Found()

        report = load(found, SAMPLE, COLUMNS)

        assert (report.read, report.loaded, report.rejected, len(COLUMNS)) == (27, 27, 0, 122)
        assert "".join(layout.write(found.people, COLUMNS)).encode() == SAMPLE.read_bytes()

    def test_every_trap_named_in_its_readme_is_reported_where_it_is(self):
        report = load(Found(), SAMPLE, COLUMNS, dry_run=True)

        lines = defaultdict(list)
        for warning in report.warnings:
            lines[warning.code, warning.column].append(warning.line)
        assert {trap: lines[trap] for trap in NAMED_TRAPS} == {
            trap: [number + 1 for number in rows] for trap, rows in NAMED_TRAPS.items()
        }
        assert Counter(w.column for w in report.warnings if w.code == "EMPTY_IDENTIFIER")["基礎年金番号"] == 22


def test_any_cell_comes_back_as_it_was(tmp_path):
    cells = {
        "氏名": '葛󠄀城　"𠮷"',
        "住所_方書": "=1+1",
        "住所_町字": "神\u3000町, 二",
        "生年月日": "2023-02-29",
        "異動年月日": "0000-00-00",
    }
    found = Found()
    path = file(tmp_path, row("7", **cells), row("3", 生年月日="昭和10年頃"))

    load(found, path, COLUMNS)

    assert "".join(layout.write(found.people, COLUMNS)).encode() == path.read_bytes()


def test_a_month_is_known_to_the_month_and_a_flagged_date_not_at_all(tmp_path):
    found = Found()

    load(found, file(tmp_path, row(児童手当受給開始年月="2016-02", 生年月日_不詳フラグ="1")), COLUMNS)

    image = found.people[0][1]
    assert [str(end) for end in image["schemes"]["jido_from"]] == ["2016-02", "2016-02-01", "2016-02-29"]
    assert image["birth"] == ("1980-03-05", None, None)


def test_doubts_have_line_column_and_code(tmp_path):
    found = warnings(tmp_path, row("19"), row("12", 生年月日="80/3/5", 介護資格取得年月日="2045-03-04"))

    assert (3, "生年月日", "DATE_UNREADABLE") in found
    assert (3, "宛名番号", "KEY_CHECK_DIGIT") in found
    assert (2, "宛名番号", "KEY_CHECK_DIGIT") not in found


def test_the_day_before_the_65th_birthday_is_no_doubt(tmp_path):
    found = warnings(tmp_path, row("1", 生年月日="1950-03-01", 介護資格取得年月日="2015-02-28"))

    assert not {code for _, _, code in found} & {"KAIGO_DATE"}


def test_a_row_that_may_not_be_kept_is_left_out_and_said(tmp_path):
    bad = [row("2", 氏名="甲野 1234-5678-9018"), row("3", 氏名="甲\x00野"), row("4", 氏名="甲\u202e野"), row("")]
    report = load(Found(), file(tmp_path, row("1"), *bad), COLUMNS)

    left_out = {(w.line, w.column, w.code) for w in report.warnings if w.line > 2}
    assert (report.read, report.loaded, report.rejected) == (5, 1, 4)
    assert left_out == {
        (3, "氏名", "KOJIN_BANGO"),
        (4, "氏名", "NUL"),
        (5, "氏名", "CONTROL"),
        (6, "宛名番号", "KEY_MISSING"),
    }


class TestWhatIsNoSuchFile:
    def test_a_wrong_header_is_refused(self, tmp_path):
        swapped = [NAMES[1], NAMES[0], *NAMES[2:]]

        assert refused(file(tmp_path, row(), header=swapped)) == ("HEADER", "residents.csv:1:1")
        assert refused(file(tmp_path, row(), header=NAMES[:-1])) == ("HEADER", "residents.csv:1:122")

    def test_an_empty_file_is_refused(self, tmp_path):
        path = tmp_path / "empty.csv"
        path.write_bytes(b"")

        assert refused(path) == ("HEADER", "empty.csv:1")

    def test_a_row_with_too_few_or_too_many_cells_is_refused(self, tmp_path):
        path = file(tmp_path, row("1"), row("2"))
        path.write_bytes(path.read_bytes()[:-2] + b"\n")
        assert refused(path) == ("COLUMNS", f"residents.csv:3:{NAMES[-1]}")

        path = file(tmp_path, row("1"))
        path.write_bytes(path.read_bytes()[:-1] + b",,\n")
        assert refused(path)[0] == "COLUMNS"

    def test_bytes_that_are_not_utf_8_are_refused(self, tmp_path):
        path = file(tmp_path, row("1"))
        path.write_bytes(path.read_bytes() + "999999,2,甲".encode("cp932") + b"\n")

        assert refused(path) == ("ENCODING", "residents.csv:3:3")

    def test_a_key_that_stands_twice_is_refused(self, tmp_path):
        assert refused(file(tmp_path, row("1"), row("2"), row("1"))) == ("DUPLICATE_KEY", "residents.csv:4:宛名番号")

    def test_quotes_that_never_close_are_refused(self, tmp_path):
        path = file(tmp_path, row("1"))
        path.write_bytes(path.read_bytes() + b'999999,"2\n')

        assert refused(path) == ("QUOTES", "residents.csv:3")

    def test_a_line_without_end_is_refused_before_it_fills_the_memory(self, tmp_path):
        path = file(tmp_path, row("1"))
        path.write_bytes(path.read_bytes() + b"9" * 1_000_000)

        assert refused(path) == ("LINE_TOO_LONG", "residents.csv:3")
