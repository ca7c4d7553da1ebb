"""Values as typst writes them: whatever a text holds, it stays a text."""

import re

_SPECIAL = re.compile(r'\r\n|["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_NEW_LINES = ("\n", "\r\n", "\r", "\u2028", "\u2029")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", **dict.fromkeys(_NEW_LINES, "\\n")}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_NO_BREAK = "\u00a0\u2007\u202f"
_HELD_TOGETHER = re.compile(r"[^ \t\n]{50,}")
_SPACES = str.maketrans(_NO_BREAK, " " * len(_NO_BREAK))


def string(text: str) -> str:
    """Return `text` as a string literal; all ends of lines are alike.

    Other controls and halves of surrogate pairs are replaced, and so are no-break spaces where they hold more
    together than a line has room for, as in what was copied from some pages and editors.
    """
    return f'"{_SPECIAL.sub(_written, _breakable(text))}"'


def _breakable(text: str) -> str:
    if not any(space in text for space in _NO_BREAK):
        return text
    return _HELD_TOGETHER.sub(lambda run: run[0].translate(_SPACES), text)


def _written(special: re.Match[str]) -> str:
    return _ESCAPES.get(special[0], _REPLACEMENT)
