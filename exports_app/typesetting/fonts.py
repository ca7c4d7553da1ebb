"""Which fonts are to be installed for characters that none here has."""

import unicodedata
from collections.abc import Collection

_SHOWN_SCRIPTS = 5
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"}
_SYMBOLS = {"So", "Sk", "Sm"}
_EMOJI = range(0x1F000, 0x1FB00)
_ONE = ("character has", "stands in the file by its code")
_SEVERAL = ("characters have", "stand in the file by their codes")
_PRIVATE, _UNASSIGNED = "private use", "unassigned"
"""What no font is made for."""
_PACKAGES = {
    "CJK": {"fonts-noto-cjk"},
    "symbols and emoji": {"fonts-noto-core", "fonts-noto-color-emoji"},
    _PRIVATE: set[str](),
    _UNASSIGNED: set[str](),
}
"""Of Debian and Ubuntu, where it is not the one of most scripts."""


def advice(missing: Collection[str]) -> str:
    """Return how many characters have no font, of which scripts, and what to install; "" if none."""
    if not missing:
        return ""
    scripts = sorted({_script(character) for character in missing})
    more = f" and {len(scripts) - _SHOWN_SCRIPTS} more" if len(scripts) > _SHOWN_SCRIPTS else ""
    packages = sorted(set[str]().union(*(_PACKAGES.get(script, {"fonts-noto-core"}) for script in scripts)))
    remedy = f": install {' '.join(packages)} and export again." if packages else "."
    have, stand = _ONE if len(missing) == 1 else _SEVERAL
    return (
        f"{len(missing):,} {have} no font here ({', '.join(scripts[:_SHOWN_SCRIPTS])}{more}) "
        f"and {stand}{remedy}"
    )


def _script(character: str) -> str:
    """Return the script by the first word of the character's name."""
    category = unicodedata.category(character)
    if category in _SYMBOLS or ord(character) in _EMOJI:
        return "symbols and emoji"
    if category in ("Co", "Cn"):
        return _PRIVATE if category == "Co" else _UNASSIGNED
    first = unicodedata.name(character, "OTHER").split()[0].split("-")[0]
    return "CJK" if first in _EAST_ASIAN else first.capitalize()
