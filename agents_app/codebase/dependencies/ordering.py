"""The order of versions, by the rules of each ecosystem."""

import re
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

_SEMANTIC = {"npm", "cargo", "golang"}
_NUMBERS = re.compile(r"v?(\d{1,18}(?:\.\d{1,18}){0,9})(.{0,100})")
# How far before (or behind) a plain version one with such a word stands.
_RANKS = {
    "dev": -6, "alpha": -5, "a": -5, "beta": -4, "b": -4, "milestone": -3, "m": -3, "pre": -3, "preview": -3,
    "rc": -2, "cr": -2, "snapshot": -1, "sp": 1, "patch": 1, "pl": 1, "p": 1,
}  # fmt: skip


class Key(NamedTuple):
    """Sorts among the versions of one ecosystem; `stable` is false of pre-releases."""

    order: Any
    stable: bool


def key(ecosystem: str, version: str) -> Key | None:
    """Return what sorts `version`, or None if it is no version."""
    if ecosystem == "pypi":
        return _of_python(version)
    match = _NUMBERS.fullmatch(version.strip())
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    rest = match[2].partition("+")[0]
    return _semantic(numbers, rest) if ecosystem in _SEMANTIC else _with_words(ecosystem, numbers, rest)


def _of_python(version: str) -> Key | None:
    try:
        parsed = Version(version)
    except InvalidVersion:
        return None
    return Key(parsed, not parsed.is_prerelease)


def _semantic(numbers: list[int], rest: str) -> Key | None:
    """Order by Semantic Versioning 2.0: identifiers behind a hyphen stand before the plain version."""
    if not rest:
        return Key((_trimmed(numbers), (1,)), True)
    if not rest.startswith("-"):
        return None
    parts = (
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part)
        for part in rest[1:].split(".")
    )
    return Key((_trimmed(numbers), (0, *parts)), False)


def _with_words(ecosystem: str, numbers: list[int], rest: str) -> Key:
    """Order by numbers and well-known words, as RubyGems, Composer and Maven do where they agree."""
    words: list[tuple[int, int]] = []
    for word, number in re.findall(r"([A-Za-z]*)(\d{0,18})", rest):
        if word:
            # To RubyGems any letter makes a pre-release; to the others an unknown word means nothing.
            rank = _RANKS.get(word.lower(), -3 if ecosystem == "gem" else 0)
            words.append((rank, int(number or 0) if rank else 0))
        elif number and words:
            words[-1] = (words[-1][0], words[-1][1] or int(number))
        elif number:
            numbers.append(int(number))
    stable = all(rank >= 0 for rank, _number in words)
    return Key((_trimmed(numbers), tuple(words) or ((0, 0),)), stable)


def _trimmed(numbers: list[int]) -> tuple[int, ...]:
    while len(numbers) > 1 and not numbers[-1]:
        numbers = numbers[:-1]
    return tuple(numbers)
