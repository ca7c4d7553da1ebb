"""Names of files as users and tools give them."""

import re
import unicodedata

from agents_app.files.model import NAME_MAX_CHARACTERS

NAMELESS = "file"
_SUFFIX = re.compile(r"(?:\.[A-Za-z0-9_-]{1,12}){1,2}$")
# Marks of Markdown: a name is the text of a link.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>&~])")


def cleaned(name: str) -> str:
    """Return a name without folders, without what cannot be seen or turns text around, not too long.

    Its last suffixes outlive the cut: they tell what it is.
    """
    last = re.split(r"[/\\]", name.strip())[-1]
    seen = "".join(" " if character.isspace() else character for character in last if _is_seen(character))
    name = " ".join(seen.split()).strip(" ")
    if not name.strip("."):
        return NAMELESS
    return _cut(name)


def as_link(name: str, file_id: str) -> str:
    """Return the Markdown link that stands for a file in a message."""
    return f"[{_MARKS.sub(_escaped, name)}](/files/{file_id}/)"


def _escaped(mark: re.Match[str]) -> str:
    return f"\\{mark[0]}"


def _is_seen(character: str) -> bool:
    """Whether a character shows; controls, surrogates, and what changes the direction of text do not."""
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _cut(name: str) -> str:
    if len(name) <= NAME_MAX_CHARACTERS:
        return name
    match = _SUFFIX.search(name)
    suffix = match[0] if match else ""
    return name[: NAME_MAX_CHARACTERS - len(suffix)] + suffix
