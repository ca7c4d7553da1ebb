"""The one place where text out of repositories is made fit for JSON and for Markdown.

File names, function names, versions and branch names are chosen by strangers. In JSON they lose what a
database or a terminal cannot take; in Markdown they cannot become markup, links or table cells either.
"""

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Controls, invisible and direction-changing characters, surrogates, unassigned ones, line separators.
_UNFIT = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}
# Inside a code span only these mean anything, a bar in tables.
_FIT_FOR_CODE = re.compile(r"(?! )[^`|\\]+(?<! )")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def clean(text: str, limit: int = 200) -> str:
    """Return `text` on one line, without invisible characters, at most `limit` characters long."""
    shown = "".join(
        REPLACEMENT if unicodedata.category(char) in _UNFIT else char for char in text[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def escape(text: str, limit: int = 200) -> str:
    """Return `text` as Markdown that shows it literally, inside and outside of tables.

    All punctuation is escaped, dots and colons too: parsers make links of bare addresses.
    """
    return _PUNCTUATION.sub(r"\\\1", clean(text, limit).strip())


def name(text: str, limit: int = 120) -> str:
    """Return a name, a version or an address in Markdown: as code where that is safe, else escaped."""
    shown = clean(text, limit)
    return f"`{shown}`" if _FIT_FOR_CODE.fullmatch(shown) else escape(shown, limit)


def middle(text: str, limit: int = 80) -> str:
    """Return `text`, shortened in the middle: the ends of a path say most."""
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
