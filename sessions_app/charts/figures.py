"""Figures as words, the marks of an axis, and words cut to a width."""

import math
import unicodedata

_WHOLE_UP_TO = 1e15
_INTERVALS = 4
_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def figure(value: float) -> str:
    """Return `value` with thousands separators and at most two decimals, or as a power of ten."""
    if value and (abs(value) >= _WHOLE_UP_TO or abs(value) < 0.01):
        return _sign(f"{value:.3g}")
    return _sign(f"{value:,.2f}".rstrip("0").rstrip(".")) if value % 1 else _sign(f"{value:,.0f}")


def short(value: float) -> str:
    """Return `value` for a mark of an axis: 25,000 is 25k."""
    for size, suffix in _SUFFIXES:
        if size <= abs(value) < _WHOLE_UP_TO:
            return _sign(f"{value / size:.3g}{suffix}")
    return figure(value)


def marks(lowest: float, highest: float, *, whole: bool) -> list[float]:
    """Return round values from at or below `lowest` to at or above `highest`, zero among them."""
    lowest, highest = min(lowest, 0.0), max(highest, 0.0)
    if lowest == highest:
        return [0.0, 1.0]
    step = _round_step(highest / _INTERVALS - lowest / _INTERVALS)
    if whole:
        step = max(step, 1.0) if step != 2.5 else 5.0
    return [step * count for count in range(math.floor(lowest / step), math.ceil(highest / step) + 1)]


def cut(words: str, columns: int) -> str:
    """Return `words` at most `columns` wide; the end of what is cut stays, as paths differ there."""
    if width(words) <= columns:
        return words
    end = _fitting(words[::-1], (columns - 1) * 2 // 3)[::-1]
    return f"{_fitting(words, columns - 1 - width(end))}…{end}"


def width(words: str) -> int:
    """Return about how many columns of text `words` take."""
    return sum(map(_character_width, words))


def _fitting(words: str, columns: int) -> str:
    taken = 0
    for position, character in enumerate(words):
        taken += _character_width(character)
        if taken > columns:
            return words[:position]
    return words


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _round_step(step: float) -> float:
    """Return the next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    if power == 0.0:
        return step
    return next(size * power for size in (1, 2, 2.5, 5, 10, 20) if size * power >= step)


def _sign(words: str) -> str:
    return words.replace("-", "−", 1) if words.startswith("-") else words
