"""Whether the text in flight that a client was handed has gaps, and whether it is what was written."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos_feed.evidence import Delta, Growth, Journal


@dataclass(frozen=True, kw_only=True)
class TextFaults:
    """How many pieces did not continue the text so far, and how many differ from what was written."""

    gaps: int
    wrong: int


def text_faults(journal: Journal, texts: Mapping[Growth, str]) -> TextFaults:
    """Count the faults in a client's text, each connection on its own.

    A connection begins each generation at its first character; a piece may overlap what came before it.
    """
    ends: dict[tuple[int, str, int], int] = {}
    gaps = wrong = 0
    for delta in journal.deltas:
        key = (delta.connection, delta.message, delta.generation)
        gaps += delta.offset > ends.get(key, 0)
        wrong += not _was_written(delta, texts)
        ends[key] = max(ends.get(key, 0), delta.offset + len(delta.text))
    return TextFaults(gaps=gaps, wrong=wrong)


def _was_written(delta: Delta, texts: Mapping[Growth, str]) -> bool:
    """Whether exactly this was written at this place of this generation, which somebody must have begun."""
    whole = texts.get((delta.message, delta.generation), "")
    return whole[delta.offset : delta.offset + len(delta.text)] == delta.text
