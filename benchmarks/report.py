"""How figures are printed: `bench NAME FIGURE=VALUE goal<=GOAL`, one line each."""

import math
from collections.abc import Sequence
from statistics import median

__all__ = ["figure", "median", "percentile", "ratios"]


def figure(bench: str, name: str, value: float, goal: str = "") -> None:
    """Print the line of a figure; `goal` is `<=1.3` or `>=0.5`, or empty where nothing was promised."""
    shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    print(f"bench {bench} {name}={shown}" + (f" goal{goal}" if goal else ""), flush=True)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` (0-100) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def ratios(ours: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median of the ratios of rounds that ran one after the other."""
    return median(mine / theirs for mine, theirs in zip(ours, baseline, strict=True))
