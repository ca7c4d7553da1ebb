"""Values as typst writes them: whatever a text holds, it stays a text."""

import re

_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def string(text: str) -> str:
    """Return `text` as a string literal; controls and halves of surrogate pairs are replaced."""
    return f'"{_SPECIAL.sub(_written, text)}"'


def _written(special: re.Match[str]) -> str:
    return _ESCAPES.get(special[0], _REPLACEMENT)
