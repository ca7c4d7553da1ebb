"""The verdict of a run can fail: each count sees what it is there for."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from tests.chaos.evidence import Kill
from tests.chaos_feed.evidence import PLAIN, SLOW, Delivery, Delta, Evidence, Journal, Row, Written
from tests.chaos_feed.gaps import gaps, lateness
from tests.chaos_feed.report import last_line, lines
from tests.chaos_feed.verdict import judge

LAST_SEQ = 6
TEXT = "é𝄞hello world"


def _delivery(seq: int, connection: int = 0, at: float = 0, mark: int | None = None) -> Delivery:
    return Delivery(connection=connection, seq=seq, mark=seq * 10 if mark is None else mark, at=at)


def _delta(offset: int, end: int, **changes: Any) -> Delta:
    whole = Delta(connection=0, message="m", generation=1, offset=offset, text=TEXT[offset:end])
    return replace(whole, **changes)


def _sound() -> Evidence:
    """Return the evidence of a client that was cut after event 4, and of a text that it joined twice."""
    journal = Journal(
        name="plain-0",
        kind=PLAIN,
        session="s",
        afters=[0, 4],
        deliveries=[_delivery(seq, seq // 5, at=seq + 0.25) for seq in range(1, LAST_SEQ + 1)],
        deltas=[_delta(0, 3), _delta(3, 7), _delta(0, 6, connection=1), _delta(4, 13, connection=1)],
        ends=["cut", "refused", "1012"],
        reconnects=1,
    )
    return Evidence(
        rows={"s": [Row(seq=seq, mark=seq * 10, number=f"w-{seq}") for seq in range(1, LAST_SEQ + 1)]},
        last_seqs={"s": LAST_SEQ},
        journals=[journal],
        written={("s", seq): Written(number=f"w-{seq}", at=float(seq)) for seq in range(1, LAST_SEQ + 1)},
        texts={("m", 1): TEXT},
        kills=[Kill(what="cut", at=4.5)],
    )


def _drop(evidence: Evidence) -> None:
    del evidence.journals[0].deliveries[-1]


def _drop_in_the_middle(evidence: Evidence) -> None:
    del evidence.journals[0].deliveries[1]


def _drop_at_a_reconnect(evidence: Evidence) -> None:
    evidence.journals[0].afters[1] = 3
    del evidence.journals[0].deliveries[3]


def _hand_out_again(evidence: Evidence) -> None:
    evidence.journals[0].deliveries.insert(2, _delivery(2))


def _hand_out_again_after_a_reconnect(evidence: Evidence) -> None:
    evidence.journals[0].deliveries.insert(4, _delivery(4, connection=1))


def _swap(evidence: Evidence) -> None:
    deliveries = evidence.journals[0].deliveries
    deliveries[1], deliveries[2] = deliveries[2], deliveries[1]


def _change_content(evidence: Evidence) -> None:
    evidence.journals[0].deliveries[2] = _delivery(3, mark=7)


def _hand_out_what_is_not_there(evidence: Evidence) -> None:
    evidence.journals[0].deliveries.append(_delivery(LAST_SEQ + 1, connection=1))


def _remove_a_row(evidence: Evidence) -> None:
    """The session counts an event that has no row; nobody was there to miss it."""
    evidence.rows = {"s": [replace(row, number="") for row in evidence.rows["s"][:-1]]}
    evidence.written = {}
    evidence.journals = []


def _remove_a_commit(evidence: Evidence) -> None:
    evidence.rows = {"s": evidence.rows["s"][:-1]}
    evidence.last_seqs = {"s": LAST_SEQ - 1}
    _drop(evidence)


def _swap_rows(evidence: Evidence) -> None:
    rows = list(evidence.rows["s"])
    rows[0], rows[1] = replace(rows[0], number="w-2"), replace(rows[1], number="w-1")
    evidence.rows = {"s": rows}


def _skip_text(evidence: Evidence) -> None:
    evidence.journals[0].deltas[1] = _delta(4, 7)


def _join_without_the_draft(evidence: Evidence) -> None:
    del evidence.journals[0].deltas[2]


def _begin_a_generation_late(evidence: Evidence) -> None:
    evidence.texts = {("m", 1): TEXT, ("m", 2): TEXT}
    evidence.journals[0].deltas.append(_delta(3, 7, generation=2, connection=1))


def _change_text(evidence: Evidence) -> None:
    evidence.journals[0].deltas[3] = _delta(4, 13, connection=1, text="x" * 9)


def _change_text_that_overlaps(evidence: Evidence) -> None:
    evidence.journals[0].deltas[3] = _delta(4, 13, connection=1, text=f"xx{TEXT[6:13]}")


def _go_on_after_the_end(evidence: Evidence) -> None:
    evidence.journals[0].deltas.append(_delta(13, 13, connection=1, text="more"))


def _close_as_too_slow(evidence: Evidence) -> None:
    evidence.journals[0].ends.append("4408")


def _end_a_writer(evidence: Evidence) -> None:
    evidence.problems = ["writer burst-0 ended with 1"]


BROKEN: list[tuple[Callable[[Evidence], None], dict[str, int]]] = [
    (_drop, {"lost": 1}),
    (_drop_in_the_middle, {"lost": 1, "reordered": 1}),
    (_drop_at_a_reconnect, {"lost": 1, "reordered": 1}),
    (_hand_out_again, {"doubled": 1}),
    (_hand_out_again_after_a_reconnect, {"doubled": 1}),
    (_swap, {"reordered": 2}),
    (_change_content, {"wrong": 1}),
    (_hand_out_what_is_not_there, {"wrong": 1}),
    (_remove_a_row, {"lost": 1}),
    (_remove_a_commit, {"lost": 1}),
    (_swap_rows, {"wrong": 2}),
    (_skip_text, {"text_gaps": 1}),
    (_join_without_the_draft, {"text_gaps": 1}),
    (_begin_a_generation_late, {"text_gaps": 1}),
    (_change_text, {"text_wrong": 1}),
    (_change_text_that_overlaps, {"text_wrong": 1}),
    (_go_on_after_the_end, {"text_wrong": 1}),
    (_close_as_too_slow, {"unexpected": 1}),
    (_end_a_writer, {"problems": 1}),
]


def test_nothing_is_counted_where_nothing_broke() -> None:
    assert judge(_sound()).held


@pytest.mark.parametrize(("damage", "expected"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_damage_is_counted_for_what_it_is(
    damage: Callable[[Evidence], None], expected: dict[str, int]
) -> None:
    evidence = _sound()
    damage(evidence)
    verdict = judge(evidence)
    assert {name: count for name, count in asdict(verdict).items() if count} == expected
    assert not verdict.held


def test_one_that_reads_slowly_may_be_dropped() -> None:
    evidence = _sound()
    evidence.journals[0].kind = SLOW
    _close_as_too_slow(evidence)
    assert judge(evidence).held


def test_a_silence_lasts_until_an_event_that_was_committed_after_the_cut() -> None:
    evidence = _sound()
    # Event 4 was committed before the cut and arrives after it: it ends no silence.
    evidence.journals[0].deliveries[3] = _delivery(4, at=4.6)
    evidence.journals[0].deliveries[4] = _delivery(5, connection=1, at=5.75)
    assert gaps(evidence) == {"cut": [1.25]}


def test_the_longest_silence_of_all_plain_followers_counts() -> None:
    evidence = _sound()
    later = [replace(delivery, at=delivery.at + 2) for delivery in evidence.journals[0].deliveries]
    second = replace(evidence.journals[0], name="plain-1", deliveries=later)
    slow = replace(second, kind=SLOW, deliveries=[replace(one, at=one.at + 9) for one in later])
    evidence.journals = [evidence.journals[0], second, slow]
    assert gaps(evidence) == {"cut": [2.75]}
    assert max(lateness(evidence)) == 2.25


def test_the_last_line_has_every_count() -> None:
    evidence = _sound()
    counts = "lost=0 doubled=0 reordered=0 wrong=0 text_gaps=0 text_wrong=0 longest_gap_after_cut_ms=750"
    amounts = "events=6 deliveries=6 reconnects=1 unexpected=0 problems=0"
    assert last_line(evidence, judge(evidence)) == f"chaos feed {counts} {amounts}"


def test_the_report_names_who_suffered() -> None:
    evidence = _sound()
    _drop(evidence)
    _skip_text(evidence)
    assert "plain-0: lost=1 text_gaps=1" in list(lines(evidence, judge(evidence)))
