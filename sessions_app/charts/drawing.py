"""A chart as SVG: text stays text, places across are percentages, so that it fits any width.

Without its viewBox the picture takes the width of its frame and its text keeps its size. The colours in the
attributes can be read on light and on dark grounds; a page overrides them by the classes.
"""

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from textwrap import wrap

from sessions_app.charts.chart import Chart
from sessions_app.charts.figures import cut, figure, marks, short, width

_WIDTH = 640
# What fits a phone: about 46 columns of text.
_COLUMNS = 46
_TITLE = 18
_LEGEND = 20
_BAR_ROW = 32
_BAR = 8
_PLOT = 150
_FOOT = 24
_LEFT = 11.0
_WIDEST_COLUMN = 8.0
_LABELS = 6

_COLOURS = {"first": "#5b74e8", "second": "#d08a2e"}
_LOOK = {
    "title": 'fill="#6f7788" font-size="13" font-weight="600"',
    "unit": 'fill="#6f7788" font-size="12" font-weight="400"',
    "label": 'fill="#6f7788" font-size="12"',
    "value": 'fill="#6f7788" font-size="12" font-weight="600" text-anchor="end"',
    "mark": 'fill="#7d8595" font-size="11" text-anchor="end"',
    "time": 'fill="#7d8595" font-size="11" text-anchor="middle"',
    "grid": 'stroke="#8b93a3" stroke-opacity="0.25"',
    "axis": 'stroke="#8b93a3"',
    "ground": 'fill="#8b93a3" fill-opacity="0.16"',
    "first": 'fill="#5b74e8"',
    "second": 'fill="#d08a2e"',
    "first-line": 'stroke="#5b74e8" stroke-width="2" stroke-linecap="round"',
    "second-line": 'stroke="#d08a2e" stroke-width="2" stroke-linecap="round"',
    "touch": 'fill="none" pointer-events="all"',
}
_SERIES = ("first", "second")


def svg(chart: Chart) -> str:
    """Return `chart` as a complete picture: no script, no style sheet, nothing from elsewhere."""
    titles = _titles(chart)
    top = _TITLE * len(titles) + _LEGEND * (len(chart.series) > 1) + 8 * bool(titles)
    body = _bars(chart, top) if chart.type == "bars" else _plot(chart, top)
    height = top + (_BAR_ROW * len(chart.rows) if chart.type == "bars" else _PLOT + _FOOT)
    name = escape(chart.title or chart.unit or "Chart")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{name}" '
        f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">'
        f"<title>{name}</title><desc>{escape(_described(chart))}</desc>"
        f"{_head(chart, titles)}{''.join(body)}</svg>"
    )


def _described(chart: Chart) -> str:
    return "; ".join(_row_words(chart, label, values) for label, values in chart.rows)


def _row_words(chart: Chart, label: str, values: tuple[float, ...]) -> str:
    named = zip(values, chart.series, strict=True)
    return f"{label}: {', '.join(f'{figure(value)} {name}'.strip() for value, name in named)}"


def _titles(chart: Chart) -> list[str]:
    """Return the lines of the title, two at most, with the unit behind the last one."""
    unit = cut(chart.unit, 16)
    # Wide characters take two columns.
    columns = _COLUMNS * len(chart.title) // width(chart.title) if chart.title else _COLUMNS
    lines = wrap(chart.title, max(columns - width(unit), 12), max_lines=2, placeholder="…") or [""] * bool(
        unit
    )
    lines = [escape(line) for line in lines]
    if unit:
        lines[-1] += f'<tspan {_look("unit")} dx="{6 * bool(lines[-1])}">{escape(unit)}</tspan>'
    return lines


def _head(chart: Chart, titles: list[str]) -> str:
    """Return the title and, for two series, which colour is which."""
    head = "".join(
        _element("text", "title", line, x="0", y=str(14 + _TITLE * count))
        for count, line in enumerate(titles)
    )
    if len(chart.series) == 1:
        return head
    names = "".join(
        f'<tspan class="chart-{colour}" fill="{_COLOURS[colour]}" dx="{12 * count}">■</tspan>'
        f'<tspan dx="5">{escape(cut(name, 18))}</tspan>'
        for count, (colour, name) in enumerate(zip(_SERIES, chart.series, strict=True))
    )
    return head + _element("text", "label", names, x="0", y=str(15 + _TITLE * len(titles)))


def _bars(chart: Chart, top: int) -> Iterator[str]:
    """Yield for each row its label, its figure and under them its bar; negative ones go left of zero."""
    values = [value for _, (value,) in chart.rows]
    lowest, highest = min(*values, 0), max(*values, 0)
    for count, (label, (value,)) in enumerate(chart.rows):
        y, words = top + count * _BAR_ROW, figure(value)
        yield _element("text", "label", escape(cut(label, _COLUMNS - width(words))), x="0", y=str(y + 14))
        yield _element("text", "value", escape(words), x="100%", y=str(y + 14))
        left, right = (100 * _share(end, lowest, highest) for end in sorted((0, value)))
        yield _rect("ground", 0, y + 20, 100, _BAR, rx="2")
        if right > left:
            yield _rect("first", left, y + 20, max(right - left, 0.4), _BAR, rx="2")


def _plot(chart: Chart, top: int) -> Iterator[str]:
    """Yield the marks of the axis, the columns or lines, and the words under them."""
    values = [value for _, row in chart.rows for value in row]
    axis = marks(min(values), max(values), whole=not any(value % 1 for value in values))
    places = [top + 8 + (_PLOT - 8) * (1 - _share(mark, axis[0], axis[-1])) for mark in axis]
    for mark, y in zip(axis, places, strict=True):
        kind = "grid" if mark else "axis"
        yield _element("line", kind, x1=f"{_LEFT}%", x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}")
        yield _element("text", "mark", short(mark), x=f"{_LEFT - 1.5}%", y=f"{y + 4:.1f}")
    heights = [
        [top + 8 + (_PLOT - 8) * (1 - _share(value, axis[0], axis[-1])) for value in row]
        for _, row in chart.rows
    ]
    zero = places[axis.index(0)]
    yield from _lines(heights) if chart.type == "lines" else _columns(heights, zero)
    yield from _times(chart, top)
    yield from _touched(chart, top)


def _columns(heights: list[list[float]], zero: float) -> Iterator[str]:
    band = (100 - _LEFT) / len(heights)
    for count, row in enumerate(heights):
        across = min(band * 0.7, _WIDEST_COLUMN) / len(row)
        start = _LEFT + band * (count + 0.5) - across * len(row) / 2
        for place, (colour, y) in enumerate(zip(_SERIES, row, strict=False)):
            if abs(y - zero) > 0:
                yield _rect(colour, start + place * across, min(y, zero), across, max(abs(y - zero), 0.8))


def _lines(heights: list[list[float]]) -> Iterator[str]:
    band = (100 - _LEFT) / len(heights)
    for colour, series in zip(_SERIES, zip(*heights, strict=True), strict=False):
        points = [(_LEFT + band * (count + 0.5), y) for count, y in enumerate(series)]
        for (x1, y1), (x2, y2) in pairwise(points):
            ends = {"x1": f"{x1:.2f}%", "y1": f"{y1:.1f}", "x2": f"{x2:.2f}%", "y2": f"{y2:.1f}"}
            yield _element("line", f"{colour}-line", **ends)
        yield _element("circle", colour, cx=f"{points[-1][0]:.2f}%", cy=f"{points[-1][1]:.1f}", r="3")


def _times(chart: Chart, top: int) -> Iterator[str]:
    """Yield the labels of some rows, as many as a narrow page has room for."""
    room = max(1, min(_LABELS, 48 // max(1, *(width(label) + 1 for label, _ in chart.rows))))
    band, every = (100 - _LEFT) / len(chart.rows), -(-len(chart.rows) // room)
    for count in range((every - 1) // 2, len(chart.rows), every):
        words = escape(cut(chart.rows[count][0], 20))
        yield _element(
            "text", "time", words, x=f"{_LEFT + band * (count + 0.5):.2f}%", y=str(top + _PLOT + 17)
        )


def _touched(chart: Chart, top: int) -> Iterator[str]:
    """Yield over each row a transparent area that tells its figures to a pointer."""
    band = (100 - _LEFT) / len(chart.rows)
    for count, (label, values) in enumerate(chart.rows):
        words = f"<title>{escape(_row_words(chart, label, values))}</title>"
        yield f"<g>{words}{_rect('touch', _LEFT + band * count, top, band, _PLOT)}</g>"


def _share(value: float, lowest: float, highest: float) -> float:
    """Return where between `lowest` and `highest` the value lies, from 0 to 1; 0 if they are the same."""
    # Halves, as the whole of the largest floats would be infinite.
    return (value / 2 - lowest / 2) / ((highest / 2 - lowest / 2) or 1)


def _rect(kind: str, left: float, y: float, across: float, high: float, **more: str) -> str:
    place = {"x": f"{left:.2f}%", "y": f"{y:.1f}", "width": f"{across:.2f}%", "height": f"{high:.1f}"}
    return _element("rect", kind, **place, **more)


def _element(tag: str, kind: str, content: str = "", **attributes: str) -> str:
    places = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<{tag} {_look(kind)} {places}>{content}</{tag}>"


def _look(kind: str) -> str:
    return f'class="chart-{kind}" {_LOOK[kind]}'
