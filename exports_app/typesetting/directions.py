"""Which blocks run from the right to the left: the first letter of their text says it."""

import unicodedata
from collections.abc import Sequence

from markdown_it.token import Token

TURN = "turn"
"""In the meta of a block's two tokens: the direction, where it is not the one around it."""
_DIRECTION = "direction"
_STRONG = {"L": "rightwards", "R": "leftwards", "AL": "leftwards"}
_TURNED = ("paragraph", "heading", "bullet_list", "ordered_list", "blockquote", "table", "th", "td")


def mark(tokens: Sequence[Token]) -> None:
    """Note the turns in the tokens of a document."""
    _find(tokens)
    around = ["rightwards"]
    turns = [""]
    for token in tokens:
        if token.nesting == 1:
            own = token.meta.get(_DIRECTION) or around[-1]
            turned = own != around[-1] and token.type.removesuffix("_open") in _TURNED
            turns.append(own if turned else "")
            around.append(own if turned else around[-1])
            token.meta[TURN] = turns[-1]
        elif token.nesting == -1:
            around.pop()
            token.meta[TURN] = turns.pop()


def _find(tokens: Sequence[Token]) -> None:
    """Note in each block the direction of the first text in it that has one."""
    unknown: list[Token] = []
    for token in tokens:
        if token.nesting == 1:
            unknown.append(token)
        elif token.type == "inline" and unknown and (direction := _of(token.content)):
            for block in unknown:
                block.meta.setdefault(_DIRECTION, direction)
        elif token.nesting == -1:
            unknown.pop()


def _of(text: str) -> str:
    found = map(unicodedata.bidirectional, text)
    return next((_STRONG[kind] for kind in found if kind in _STRONG), "")
