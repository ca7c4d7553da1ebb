"""Values as typst writes them: whatever a text holds, it stays a text."""

import unicodedata

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def string(text: str) -> str:
    """Return `text` as a string literal; controls and halves of surrogate pairs are replaced."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return _REPLACEMENT if unicodedata.category(character) in {"Cc", "Cs"} else character
