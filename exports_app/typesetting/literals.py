"""Values as typst writes them: whatever a text holds, it stays a text."""

import re

_SPECIAL = re.compile(r'\r\n|["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_NEW_LINES = ("\n", "\r\n", "\r", "\u2028", "\u2029")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\t": "\\t", **dict.fromkeys(_NEW_LINES, "\\n")}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def string(text: str) -> str:
    """Return `text` as a string literal; all ends of lines are alike.

    Other controls and halves of surrogate pairs are replaced.
    """
    return f'"{_SPECIAL.sub(_written, text)}"'


def _written(special: re.Match[str]) -> str:
    return _ESCAPES.get(special[0], _REPLACEMENT)
