"""Lists in four formats: exact in JSON and CSV, readable in tables, harmless in spreadsheets and terminals."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from decimal import Decimal

import pytest
from finops_core.errors import UsageError
from finops_core.output import Field, Listing, format_of, neutral, printable, shown_bytes, shown_money, write
from finops_core.table import visible
from hypothesis import given
from hypothesis import strategies as st

FIELDS = (
    Field("name", "Name"),
    Field("rows", "Rows", "number"),
    Field("cost", "Cost", "money"),
    Field("size", "Size", "bytes"),
    Field("at", "At", "time"),
    Field("open", "Open", "flag"),
)
AT = dt.datetime(2024, 2, 1, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
FULL = {
    "name": "a|b\x1b[31m",
    "rows": 1234567,
    "cost": {"USD": Decimal("1234.500000000000000001"), "EUR": Decimal("-0.5")},
    "size": 12_345_678,
    "at": AT,
    "open": True,
}
LISTING = Listing("test", FIELDS, [FULL, {"name": "nothing"}], notes=("a note",), filters={"provider": "acme"})


def rendered(listing: Listing, form: str) -> str:
    stream = io.StringIO()
    write(listing, form, stream)
    return stream.getvalue()


def test_json_is_an_envelope_with_exact_money():
    envelope = json.loads(rendered(LISTING, "json"))
    assert set(envelope) == {
        "schema_version",
        "report",
        "period",
        "currency",
        "cost_metric",
        "filters",
        "data_through",
        "rows",
        "notes",
    }
    assert envelope["schema_version"] == 1
    assert envelope["rows"][0] == {
        "name": "a|b\x1b[31m",
        "rows": 1234567,
        "cost": {"USD": "1234.500000000000000001", "EUR": "-0.5"},
        "size": 12345678,
        "at": "2024-02-01T11:30:00Z",
        "open": True,
    }
    assert set(envelope["rows"][1].values()) == {"nothing", None}


def test_an_empty_json_list_is_empty_rows():
    assert json.loads(rendered(Listing("test", FIELDS, []), "json"))["rows"] == []


def test_money_has_no_exponent():
    listing = Listing(
        "test", (Field("cost", "Cost", "money"),), [{"cost": Decimal("1E-12")}, {"cost": Decimal("1E+3")}]
    )
    costs = [row["cost"] for row in json.loads(rendered(listing, "json"))["rows"]]
    assert costs == ["0.000000000001", "1000"]


def test_csv_is_exact_and_flat():
    rows = list(csv.DictReader(io.StringIO(rendered(LISTING, "csv"))))
    assert rows[0]["cost"] == "EUR -0.5; USD 1234.500000000000000001"
    assert (rows[0]["rows"], rows[0]["at"], rows[0]["open"]) == ("1234567", "2024-02-01T11:30:00Z", "true")
    assert set(rows[1].values()) == {"nothing", ""}


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"])
def test_formulas_are_neutralised_in_csv(text):
    listing = Listing("test", (Field("name", "Name"),), [{"name": text}])
    cell = list(csv.DictReader(io.StringIO(rendered(listing, "csv"), newline="")))[0]["name"]
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["-12.5", "+3", "-1,234.56", "1e5", "plain", "a=b"])
def test_numbers_and_plain_text_stay_as_they_are(text):
    assert neutral(text) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**18), max_value=10**18))
def test_numbers_are_never_taken_for_formulas(value):
    listing = Listing("test", (Field("cost", "Cost", "money"), Field("n", "N")), [{"cost": value, "n": value}])
    row = list(csv.DictReader(io.StringIO(rendered(listing, "csv"))))[0]
    assert Decimal(row["cost"]) == Decimal(row["n"]) == value


@given(st.text(min_size=1))
def test_no_text_starts_like_a_formula_unless_it_is_a_number(text):
    safe = neutral(text)
    assert safe.endswith(text)
    assert safe[0] not in "=@\t\r"
    if safe[0] in "+-":
        Decimal(safe.replace(",", ""))


@given(st.lists(st.text(), min_size=1))
def test_csv_gives_back_every_text(texts):
    listing = Listing("test", (Field("name", "Name"),), [{"name": text} for text in texts])
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(rendered(listing, "csv"), newline=""))]
    assert cells[1:] == [neutral(text) for text in texts]


def test_markdown_escapes_and_aligns():
    head, ruler, first, _ = rendered(LISTING, "md").splitlines()
    assert head == "| Name | Rows | Cost | Size | At | Open |"
    assert ruler == "| --- | ---: | ---: | ---: | --- | --- |"
    assert first.startswith("| a\\|b�\\[31m | 1,234,567 | -0.50 EUR, 1,234.50 USD | 12.3 MB | 2024-02-01 11:30 | yes |")


def test_table_is_readable_and_never_cut_when_piped():
    long = "x" * 500
    text = rendered(Listing("test", FIELDS, [{**FULL, "name": long}]), "table")
    assert long in text
    assert "1,234,567" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 3


def test_wide_letters_are_not_broken_in_a_pipe():
    stream = io.StringIO()
    write(Listing("x", (Field("a", "A"), Field("b", "B")), [{"a": "請求書", "b": "計算"}]), "table", stream)
    assert stream.getvalue().splitlines()[-1].split() == ["請求書", "計算"]


def test_right_aligned_numbers():
    listing = Listing("test", (Field("rows", "Rows", "number"),), [{"rows": 5}, {"rows": 50000}])
    lines = rendered(listing, "table").splitlines()
    assert lines[2].endswith("     5")
    assert lines[3].endswith("50,000")


def test_markup_in_a_bill_is_text():
    listing = Listing("test", (Field("name", "Name"),), [{"name": "[bold red]x[/] :smile:"}])
    assert "[bold red]x[/] :smile:" in rendered(listing, "table")


@given(st.text())
def test_no_text_can_steer_the_terminal(text):
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in printable(text))


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (2 * 10**15, "2.0 PB")],
)
def test_bytes(count, text):
    assert shown_bytes(count) == text


def test_money_of_38_digits_is_shown_digit_by_digit():
    assert shown_money(Decimal("12345678901234567890.129999999999999999")) == "12,345,678,901,234,567,890.13"


@pytest.mark.parametrize(("name", "form"), [("a.json", "json"), ("A.CSV", "csv"), ("x.md", "md")])
def test_the_suffix_chooses_the_format(name, form, tmp_path):
    assert format_of(tmp_path / name) == form


def test_unknown_formats(tmp_path):
    with pytest.raises(UsageError, match="no output format belongs"):
        format_of(tmp_path / "a.xlsx")
    with pytest.raises(UsageError, match="no output format 'xml'"):
        rendered(LISTING, "xml")


class Narrow(io.StringIO):
    def isatty(self) -> bool:
        return True


STANDING = Listing(
    "status",
    (
        Field("month", "period"),
        Field("version", "version", spare=True),
        Field("cost", "cost", "money"),
        Field("at", "loaded at (UTC)", "time", spare=True),
        Field("reason", "reason"),
    ),
    [
        {
            "month": "2024-01",
            "version": "7d3c2a90b1",
            "cost": Decimal("1234567.5"),
            "at": dt.datetime(2024, 2, 1),
            "reason": "this version is loaded",
        }
    ],
)


@pytest.mark.parametrize(
    ("columns", "there", "missing"),
    [
        (120, {"period", "version", "cost", "loaded at (UTC)", "reason"}, set()),
        (60, {"period", "version", "cost", "reason"}, {"loaded at (UTC)"}),
        (38, {"period", "cost", "reason"}, {"version", "loaded at (UTC)"}),
        (36, {"period", "cost", "reason"}, {"version", "loaded at (UTC)"}),
    ],
)
def test_a_narrow_terminal_keeps_what_matters_whole(monkeypatch, columns, there, missing):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Narrow()
    assert {column.title for column in visible(STANDING, stream)} == there
    write(STANDING, "table", stream)
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "2024-01" in text
    assert "1,234,567.50" in text
    titles = text.splitlines()[0]
    assert not [title for title in missing if title in titles]
    assert max(map(len, text.splitlines())) <= columns


def test_amounts_in_several_currencies_stand_below_each_other_where_room_is_short(monkeypatch):
    cost = {"EUR": Decimal("4296.01"), "USD": Decimal("208876.95"), "JPY": Decimal(7)}
    rows = [{"month": "2024-01", "cost": cost}, {"month": "2024-02", "cost": {"USD": Decimal(1)}}]
    listing = Listing("status", (Field("month", "period"), Field("cost", "cost", "money")), rows)
    texts = {}
    for columns in (30, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        stream = Narrow()
        write(listing, "table", stream)
        texts[columns] = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "4,296.01 EUR, 7.00 JPY, 208,876.95 USD" in texts[80]
    assert max(map(len, texts[30].splitlines())) <= 30
    assert [line.split("  ")[-1].strip() for line in texts[30].splitlines()[2:]] == [
        "4,296.01 EUR,",
        "7.00 JPY,",
        "208,876.95 USD",
        "1.00 USD",
    ]


@given(
    rows=st.lists(st.tuples(st.text("ab -", max_size=40), st.text("ab -", max_size=60)), max_size=4),
    columns=st.integers(20, 140),
)
def test_no_text_is_lost_in_a_narrow_table(rows, columns):
    """However narrow: every character of every cell is there, in order."""
    listing = Listing("x", (Field("a", "A"), Field("b", "B")), [{"a": a, "b": b} for a, b in rows])
    stream = Narrow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        write(listing, "table", stream)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert max(map(len, shown.splitlines())) <= max(columns, 2 * 14 + 6)
    for letter in "ab-":
        assert shown.count(letter) == sum((a + b).count(letter) for a, b in rows)
