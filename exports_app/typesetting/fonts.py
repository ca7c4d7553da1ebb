"""Which fonts are to be installed for characters that none here has."""

import unicodedata
from collections.abc import Collection

_SHOWN_SCRIPTS = 5
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH", "IDEOGRAPHIC"}
_SYMBOLS = {"So", "Sk", "Sm", "Co", "Cn"}


def advice(missing: Collection[str]) -> str:
    """Return how many characters have no font, of which scripts, and what to install; "" if none."""
    if not missing:
        return ""
    scripts = sorted({_script(character) for character in missing})
    more = f" and {len(scripts) - _SHOWN_SCRIPTS} more" if len(scripts) > _SHOWN_SCRIPTS else ""
    packages = " ".join(sorted({_package(script) for script in scripts}))
    have = "character has" if len(missing) == 1 else "characters have"
    return (
        f"{len(missing):,} {have} no font here ({', '.join(scripts[:_SHOWN_SCRIPTS])}{more}) "
        f"and stand in the file by their codes: install {packages} and export again."
    )


def _script(character: str) -> str:
    """Return the script by the first word of the character's name."""
    if unicodedata.category(character) in _SYMBOLS:
        return "symbols and emoji"
    first = unicodedata.name(character, "OTHER").split()[0].split("-")[0]
    return "CJK" if first in _EAST_ASIAN else first.capitalize()


def _package(script: str) -> str:
    """Return the package of Debian and Ubuntu that has it."""
    return {"CJK": "fonts-noto-cjk", "symbols and emoji": "fonts-noto-color-emoji"}.get(
        script, "fonts-noto-core"
    )
