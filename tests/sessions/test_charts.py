"""Charts in Markdown: what is drawn, what is refused, and that nothing hostile gets into the picture."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from sessions_app import charts
from sessions_app.markdown import render
from tests.sessions.test_markdown import Tags

BARS = {
    "type": "bars",
    "title": "Code by language",
    "unit": "lines",
    "rows": [["Python", 138028], ["CSS", 88]],
}
MONTHS = [[f"2026-{month:02}", month * 100, -month] for month in range(1, 13)]
COLUMNS = {
    "type": "columns",
    "title": "Changes",
    "unit": "lines",
    "series": ["added", "removed"],
    "rows": MONTHS,
}
SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {"svg", "title", "desc", "g", "text", "tspan", "rect", "line", "circle"}
HOSTILE = [
    "</text><script>alert(1)</script>",
    '" onload="alert(1)" x="',
    "<svg onload=alert(1)>",
    "&lt;script&gt; &#60;b&#62; & ]]> <!-- -->",
    "```\n# broken out\n```",
    "a\x00b\x1b[31mc\u202ed\ud800e",
    "x" * 5000,
]


def drawn(chart: dict[str, Any]) -> ET.Element:
    """Return the picture of `chart` as XML, which also says that it is well formed."""
    parsed = charts.parse(json.dumps(chart))
    assert parsed is not None
    return ET.fromstring(charts.svg(parsed).encode())


def texts(picture: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def percentages(picture: ET.Element, kind: str, name: str) -> list[float]:
    of_kind = [one.get(name) for one in picture.iter() if one.get("class") == f"chart-{kind}"]
    return [float(value.rstrip("%")) for value in of_kind if value]


def test_a_chart_block_becomes_a_picture_with_its_figures_as_text() -> None:
    html = render(charts.block(BARS))
    assert html.count("<svg") == 1
    assert "<pre" not in html
    assert ">138,028</text>" in html
    assert 'role="img"' in html
    assert 'aria-label="Code by language"' in html
    assert "<desc>Python: 138,028 lines; CSS: 88 lines</desc>" in html


def test_the_picture_in_a_page_takes_the_pages_width_and_colours() -> None:
    html = render(charts.block(COLUMNS))
    assert "viewBox" not in html
    assert not re.search(r"(fill|stroke|style|font-\w+)=", html)


def test_a_picture_in_a_file_is_complete() -> None:
    picture = drawn(BARS)
    assert picture.get("viewBox") == f"0 0 640 {picture.get('height')}"
    assert [child.tag for child in picture][:2] == [f"{SVG}title", f"{SVG}desc"]
    for one in picture.iter():
        assert not {"style", "href", "onload"} & set(one.keys())
        assert one.tag.removeprefix(SVG) in DRAWN


def test_bars_are_as_long_as_their_values() -> None:
    picture = drawn({**BARS, "rows": [["a", 100], ["b", 25], ["c", 0]]})
    assert percentages(picture, "first", "width") == [100.0, 25.0]


def test_bars_of_negative_values_go_left_of_zero() -> None:
    picture = drawn({**BARS, "rows": [["up", 75], ["down", -25]]})
    assert percentages(picture, "first", "x") == [25.0, 0.0]
    assert percentages(picture, "first", "width") == [75.0, 25.0]
    assert "−25" in texts(picture)


def test_columns_have_round_marks_and_tell_each_rows_figures() -> None:
    picture = drawn(COLUMNS)
    assert {"0", "500", "1k"} <= set(texts(picture))
    assert "2026-12: 1,200 added, −12 removed" in [title.text for title in picture.iter(f"{SVG}title")]
    assert len(percentages(picture, "first", "x")) == 12


def test_a_line_joins_all_its_values() -> None:
    picture = drawn({**COLUMNS, "type": "lines"})
    assert len(percentages(picture, "first-line", "x1")) == 11
    assert len(percentages(picture, "second-line", "x1")) == 11


def test_counts_have_no_marks_between_whole_numbers() -> None:
    picture = drawn({"type": "columns", "unit": "commits", "rows": [["2026-01", 1], ["2026-02", 2]]})
    assert not [words for words in texts(picture) if "." in words]


@pytest.mark.parametrize("kind", ["bars", "columns", "lines"])
@pytest.mark.parametrize(
    "values",
    [[0], [0, 0, 0], [1e299, 1], [-1e299, 1e299], [5e-324], [1e-9, 2e-9], [0.1, 0.25], [-3], [7] * 40],
)
def test_any_figures_are_drawn_inside_the_picture(kind: str, values: list[float]) -> None:
    picture = drawn({"type": kind, "rows": [[f"row {count}", value] for count, value in enumerate(values)]})
    assert not re.search(r"\b(nan|inf)\b", ET.tostring(picture, encoding="unicode"))
    for name in ("x", "x1", "x2", "width", "cx"):
        for one in picture.iter():
            if (one.get(name) or "").endswith("%"):
                assert -0.01 <= float(one.get(name, "").rstrip("%")) <= 100.01
    assert all(0 <= float(one.get("y1", "0")) <= float(picture.get("height", "")) for one in picture.iter())


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("kind", ["bars", "columns"])
def test_words_of_anybody_stay_words(words: str, kind: str) -> None:
    chart = {"type": kind, "title": words, "unit": words, "rows": [[words, 3]]}
    block = charts.block(chart)
    block.encode()
    html = render(f"before\n\n{block}\n\nafter")
    tags = Tags(html).found
    assert {tag for tag, _ in tags} <= DRAWN | {"p"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    assert html.count("<svg") == html.count("<p>after</p>") == 1
    drawn({"type": kind, "title": words, "unit": words, "rows": [[words, 3]]})


@pytest.mark.parametrize(
    "label", ["שלום עולם", "日本語" * 40, "👩‍💻" * 60, "e\u0301" * 90, "a/very/long/path" * 9]
)
def test_long_labels_are_cut_to_what_a_phone_has_room_for(label: str) -> None:
    words = texts(drawn({**BARS, "title": "", "unit": "", "rows": [[label, 1_000_000]]}))[0]
    assert 0 < len(words.replace("\u0301", "").replace("\u200d", "")) <= 46
    assert "\N{REPLACEMENT CHARACTER}" not in words


def test_a_long_title_takes_two_lines() -> None:
    words = texts(
        drawn({**BARS, "title": "the revenue of every quarter and every region since the beginning"})
    )
    assert words[:2] == ["the revenue of every quarter and every", "region since the beginninglines"]


NO_CHARTS: list[Any] = [
    None, [], "bars", 7,
    {**BARS, "type": "pie"},
    {**BARS, "type": ["bars"]},
    {**BARS, "rows": []},
    {**BARS, "rows": [["a", 1]] * 41},
    {**COLUMNS, "rows": [["a", 1, 2]] * 121},
    {**BARS, "rows": [["a"]]},
    {**BARS, "rows": [["a", 1, 2]]},
    {**BARS, "rows": [["a", "1"]]},
    {**BARS, "rows": [["a", True]]},
    {**BARS, "rows": [["a", None]]},
    {**BARS, "rows": [[1, 1]]},
    {**BARS, "rows": {"a": 1}},
    {**BARS, "rows": ["ab"]},
    {**BARS, "rows": [["a", 1e308]]},
    {**BARS, "rows": [["a", 10**400]]},
    {**BARS, "title": {"a": 1}},
    {**COLUMNS, "series": ["a", "b", "c"], "rows": [["a", 1, 2, 3]]},
    {**COLUMNS, "series": "ab"},
    {**COLUMNS, "series": {"a": 1, "b": 2}},
]  # fmt: skip


@pytest.mark.parametrize("given", NO_CHARTS)
def test_what_is_no_chart_is_shown_as_code(given: Any) -> None:
    text = json.dumps(given)
    assert charts.parse(text) is None
    html = render(f"```chart\n{text}\n```")
    assert "<svg" not in html
    assert '<code class="language-chart">' in html


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 30_000, '{"type": "bars", "rows": [["a", NaN]]}', "9" * 6000, " " * 50_000]
)
def test_what_is_no_json_is_no_chart(text: str) -> None:
    assert charts.parse(text) is None


def test_a_block_keeps_the_first_rows_up_to_the_limit() -> None:
    html = render(charts.block({**BARS, "rows": [[f"row {count}", count] for count in range(60)]}))
    assert html.count("chart-label") == 40
    assert charts.block({**BARS, "rows": []}) == ""


def test_a_text_shows_no_more_than_twenty_charts() -> None:
    html = render("\n\n".join([charts.block(BARS)] * 25))
    assert html.count("<svg") == 20
    assert html.count("<pre>") == 5
