"""Values that are told at a bounded rate, the latest always."""

import time
from itertools import pairwise

from agents_app.progress import LatestWins
from tests.project.waiting import until


def test_values_come_at_most_once_in_the_time_and_in_order() -> None:
    told: list[tuple[float, int]] = []
    latest = LatestWins[int](0.05, lambda value: told.append((time.monotonic(), value)))
    for value in range(300):
        latest.offer(value)
        time.sleep(0.001)
    latest.end()
    values = [value for _, value in told]
    assert values == sorted(values)
    assert values[-1] == 299
    times = [moment for moment, _ in told[:-1]]
    assert all(later - earlier >= 0.045 for earlier, later in pairwise(times))


def test_the_first_is_told_at_once_and_the_last_when_its_time_comes() -> None:
    told: list[int] = []
    latest = LatestWins[int](0.2, told.append)
    latest.offer(1)
    assert told == [1]
    latest.offer(2)
    latest.offer(3)
    assert told == [1]
    until(lambda: told == [1, 3], 2)
    latest.end()
    assert told == [1, 3]


def test_what_is_asked_for_at_once_is_told_at_once_and_only_once() -> None:
    told: list[int] = []
    latest = LatestWins[int](10, told.append)
    latest.offer(1)
    latest.offer(2)
    latest.offer(3, at_once=True)
    latest.end()
    assert told == [1, 3]


def test_a_failure_of_one_late_value_does_not_end_the_telling() -> None:
    told: list[int] = []

    def tell(value: int) -> None:
        if value == 2:
            raise RuntimeError
        told.append(value)

    latest = LatestWins[int](0.05, tell)
    latest.offer(1)
    latest.offer(2)
    until(lambda: latest._waiting is None, 2)
    latest.offer(3)
    until(lambda: told == [1, 3], 2)
    latest.end()


def test_after_the_end_no_thread_is_left() -> None:
    latest = LatestWins[int](10, lambda _: None)
    latest.offer(1)
    assert latest._thread is None
    latest.offer(2)
    thread = latest._thread
    assert thread is not None
    latest.end()
    until(lambda: not thread.is_alive(), 2)
