"""Pictures of figures: a fenced `chart` block of Markdown, what it holds and how it is drawn."""

from sessions_app.charts.chart import Chart, block, parse
from sessions_app.charts.drawing import svg

__all__ = ["Chart", "block", "parse", "svg"]
