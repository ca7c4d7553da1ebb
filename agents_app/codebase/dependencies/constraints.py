"""What the constraints of each ecosystem allow, read into comparisons with single versions.

A constraint is a list of alternatives, each a list of comparisons that must all hold. Nothing in an
alternative means that any version will do.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeAlias

from agents_app.codebase.dependencies.ordering import Key, key

Comparison: TypeAlias = tuple[str, str]
Alternatives: TypeAlias = list[list[Comparison]]

ANY = frozenset({"", "*", "x", "latest", "latest.release", "latest.integration"})
_MAX_CHARACTERS = 200
_TERM = re.compile(r"(?P<sign>===|~>|~=|==|>=|<=|!=|[~^<>=])?\s*(?P<version>v?[\dxX*][\w.*+!-]*)(?:@\w+)?")
_RANGE = re.compile(
    r"(?P<open>[\[(])\s*(?P<low>[^,\[\]()]*?)\s*(?P<comma>,)?\s*(?P<high>[^,\[\]()]*?)\s*(?P<close>[\])])"
)
_HYPHEN = re.compile(r"(v?\d[\w.+-]*)\s+-\s+(v?\d[\w.+-]*)")
_SIGNS = {"==": "=", "===": "="}
_HOLDS: dict[str, Callable[[Key, Key], bool]] = {
    "=": lambda version, bound: version.order == bound.order,
    "!=": lambda version, bound: version.order != bound.order,
    ">=": lambda version, bound: version.order >= bound.order,
    "<=": lambda version, bound: version.order <= bound.order,
    ">": lambda version, bound: version.order > bound.order,
    "<": lambda version, bound: version.order < bound.order,
}


def exact(ecosystem: str, constraint: str) -> str:
    """Return the one version that `constraint` allows, or nothing."""
    alternatives = parse(ecosystem, constraint) or []
    if len(alternatives) == 1 and len(alternatives[0]) == 1:
        sign, version = alternatives[0][0]
        return version if sign == "=" else ""
    return ""


def allows(ecosystem: str, constraint: str, version: str) -> bool | None:
    """Say whether `constraint` allows `version`; None if one of them is not understood."""
    wanted, alternatives = key(ecosystem, version), parse(ecosystem, constraint)
    if wanted is None or alternatives is None:
        return None
    results = [_hold(ecosystem, wanted, alternative) for alternative in alternatives]
    return None if None in results else any(results)


def outdated(ecosystem: str, constraint: str, locked: str, latest: str) -> bool | None:
    """Say whether `latest` is newer than the locked version, or than all that the constraint allows.

    None if one of them is not understood.
    """
    newest, used = key(ecosystem, latest), key(ecosystem, locked or exact(ecosystem, constraint))
    if newest is None:
        return None
    if used is not None:
        return bool(used.order < newest.order)
    allowed = None if locked else allows(ecosystem, constraint, latest)
    if allowed is None or allowed:
        return None if allowed is None else False
    # Outside of the constraint, but newer only if no bound lies beyond it.
    bounds = [key(ecosystem, version) for _sign, version in chain(*(parse(ecosystem, constraint) or []))]
    return all(bound is not None and bound.order <= newest.order for bound in bounds)


def parse(ecosystem: str, constraint: str) -> Alternatives | None:
    """Return the alternatives of a constraint, or None if it is not understood."""
    text = constraint.strip()
    if len(text) > _MAX_CHARACTERS or "://" in text:
        return None
    if text.lower() in ANY:
        return [[]]
    if ecosystem == "maven" and text[0] in "[(":
        return _ranges(text)
    alternatives = [_alternative(ecosystem, part.strip()) for part in re.split(r"\|\|?", text)]
    found = [alternative for alternative in alternatives if alternative is not None]
    return found if len(found) == len(alternatives) else None


def _hold(ecosystem: str, version: Key, comparisons: list[Comparison]) -> bool | None:
    for sign, bound in comparisons:
        other = key(ecosystem, bound)
        if other is None:
            return None
        if not _HOLDS[sign](version, other):
            return False
    return True


def _alternative(ecosystem: str, text: str) -> list[Comparison] | None:
    if text.lower() in ANY:
        return []
    hyphen = _HYPHEN.fullmatch(text)
    if hyphen:
        return [(">=", hyphen[1]), *_bounds(ecosystem, "<=", hyphen[2])]
    # Only what stands between the terms may be left: commas and blanks.
    if re.sub(r"[,\s]", "", _TERM.sub("", text)):
        return None
    return list(
        chain.from_iterable(
            _bounds(ecosystem, term["sign"] or "", term["version"]) for term in _TERM.finditer(text)
        )
    )


def _bounds(ecosystem: str, sign: str, version: str) -> Iterator[Comparison]:
    """Yield the plain comparisons that a sign and a version stand for."""
    sign = _SIGNS.get(sign, sign)
    if ecosystem != "golang":  # where the letter is a part of the version
        version = version.removeprefix("v")
    numbers, open_ended = _numbers(version)
    upper = _upper(ecosystem, sign, numbers, open_ended)
    if upper is None:
        plain = sign if sign in _HOLDS else "="
        if not open_ended:
            yield plain, version
        elif numbers and plain in {">=", ">", "<", "<="}:
            yield plain, _joined(numbers)
    elif upper:
        if sign != "<=":
            yield ">=", _joined(numbers) if open_ended else version
        yield "<", _joined(upper)


def _upper(ecosystem: str, sign: str, numbers: list[int], open_ended: bool) -> list[int] | None:
    """Return the first version above a range, nothing if there is none, None where it is no range."""
    partial = open_ended or (ecosystem == "npm" and len(numbers) < 3)
    if sign == "^" or (not sign and ecosystem == "cargo" and not open_ended):
        first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        return _raised(numbers[: first + 1])
    if sign in {"~>", "~="} or (sign == "~" and ecosystem == "composer"):
        # npm takes `~>` for `~`.
        return _raised(numbers[:2] if ecosystem == "npm" else numbers[:-1] or numbers)
    if sign == "~":
        return _raised(numbers[:2])
    if partial and sign in {"", "=", "<="}:
        return _raised(numbers)
    return None


def _numbers(version: str) -> tuple[list[int], bool]:
    """Return the leading numbers of a version, and whether a wildcard ends them."""
    numbers: list[int] = []
    for part in version.partition("-")[0].partition("+")[0].split("."):
        if part in {"*", "x", "X", ""}:
            return numbers, True
        digits = re.match(r"\d{1,18}", part)
        if digits is None:
            break
        numbers.append(int(digits[0]))
    return numbers, version.endswith("+")


def _raised(numbers: list[int]) -> list[int]:
    return [*numbers[:-1], numbers[-1] + 1] if numbers else []


def _joined(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


def _ranges(text: str) -> Alternatives | None:
    """Read the ranges of Maven: `[1,2)`, `[1.0]`, `(,1],[2,)`."""
    if re.sub(r"[,\s]", "", _RANGE.sub("", text)):
        return None
    return [list(_range(match)) for match in _RANGE.finditer(text)]


def _range(match: re.Match[str]) -> Iterator[Comparison]:
    if not match["comma"]:
        yield "=", match["low"] or match["high"]
        return
    if match["low"]:
        yield (">=" if match["open"] == "[" else ">"), match["low"]
    if match["high"]:
        yield ("<=" if match["close"] == "]" else "<"), match["high"]
