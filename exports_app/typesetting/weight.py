"""How much memory typst takes for a program: measured line by line, and rather too much than too little."""

import re

_A_LINE, _A_CELL = 4.0, 10.0
_A_CHARACTER, _A_CHARACTER_OF_CODE = 0.3, 1.6
_A_BYTE_BEYOND_ASCII = 0.65
_A_GAP = 0.8
_KILOBYTES_A_PIXEL = 0.004
_CODE = ("raw(", "loosely(", "part(", "picture(")
_PICTURE = re.compile(r'shown-picture\("[^"]*", (\d+), (\d+)')
# There is a gap behind each of its characters: see document.typ.
_LONG_WORD = re.compile(r"\S{24,}")


def kilobytes(line: str) -> float:
    """Return what a line of a program adds at most."""
    is_code = line.startswith(_CODE)
    characters = len(line) * (_A_CHARACTER_OF_CODE if is_code else _A_CHARACTER)
    beyond = (len(line.encode()) - len(line)) * _A_BYTE_BEYOND_ASCII
    pixels = sum(int(width) * int(height) for width, height in _PICTURE.findall(line))
    gaps = 0 if is_code else sum(map(len, _LONG_WORD.findall(line))) * _A_GAP
    return (
        _A_LINE
        + _A_CELL * line.startswith("table.cell(")
        + characters
        + beyond
        + gaps
        + pixels * _KILOBYTES_A_PIXEL
    )
