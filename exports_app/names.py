"""Names of files, made of titles: any script, and fit for every file system."""

import re
import unicodedata
from collections.abc import Container

CHARACTERS_AT_MOST = 60
BYTES_AT_MOST = 180
"""Of UTF-8: with a date, a number and a suffix that is below the 255 which file systems take."""
_KEPT_CATEGORIES = "LNM"
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)


def stem(title: str, otherwise: str = "session") -> str:
    """Return a title as the beginning of a file's name, or `otherwise` if nothing of it can stand there."""
    composed = unicodedata.normalize("NFC", title[: 4 * CHARACTERS_AT_MOST])
    kept = "".join(_fit(character) for character in composed)
    words = re.sub("-+", "-", kept).strip("-.")[:CHARACTERS_AT_MOST]
    words = words.encode()[:BYTES_AT_MOST].decode(errors="ignore").strip("-.")
    # Windows looks at what stands before the first point alone.
    return _RESERVED.sub(r"\1-chat\2", words) or otherwise


def unique(wanted: str, suffix: str, taken: Container[str]) -> str:
    """Return a name of which no other's `key` is in `taken`: the wanted one, or one with a number."""
    number, name = 1, f"{wanted}{suffix}"
    while key(name) in taken:
        number += 1
        name = f"{wanted}-{number}{suffix}"
    return name


def key(name: str) -> str:
    """Return what two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _fit(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in _KEPT_CATEGORIES or character in "_.-":
        return character
    # Joiners, marks of direction: nobody sees them, and they would make one name look like another.
    return "" if category == "Cf" else "-"
