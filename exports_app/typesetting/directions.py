"""Which blocks run from the right to the left: the first letter of their text says it."""

import unicodedata
from collections.abc import Sequence

from sessions_app.markdown import Part

_STRONG = {"L": "rightwards", "R": "leftwards", "AL": "leftwards"}
_TURNED = {"Paragraph", "Heading", "List", "Item", "BlockQuote", "Table", "TableCell"}


def turns(parts: Sequence[Part]) -> list[str]:
    """Return for each part its direction, if it begins or ends what has not the one around it; else ""."""
    own = _own(parts)
    around, open_turns, found = ["rightwards"], [""], []
    for place, part in enumerate(parts):
        turn = ""
        if part.kind == "Start":
            direction = own.get(place, around[-1])
            turn = direction if direction != around[-1] and part.name in _TURNED else ""
            open_turns.append(turn)
            around.append(turn or around[-1])
        elif part.kind == "End":
            turn = open_turns.pop()
            around.pop()
        found.append(turn)
    return found


def _own(parts: Sequence[Part]) -> dict[int, str]:
    """Return the direction of the first text that has one, by the places of what it is in."""
    own: dict[int, str] = {}
    unknown: list[int] = []
    for place, part in enumerate(parts):
        if part.kind == "Start":
            unknown.append(place)
        elif part.kind == "End":
            unknown.pop()
        elif part.is_in_line and (direction := of(part.words)):
            for block in unknown:
                own.setdefault(block, direction)
    return own


def of(text: str) -> str:
    """Return the direction of a text by its first letter; "" if it has none."""
    found = map(unicodedata.bidirectional, text)
    return next((_STRONG[kind] for kind in found if kind in _STRONG), "")
