import time
from pathlib import Path

import pytest

from mcpchat_project.supervisor import child
from mcpchat_project.supervisor.child import Backoff, Child
from mcpchat_project.supervisor.processes import Process


def test_delays_double_from_a_tenth_of_a_second_to_ten_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(9)] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])


def test_the_delay_stays_at_ten_seconds_for_ever() -> None:
    backoff = Backoff()
    assert [backoff.after(0) for _ in range(5000)][-1] == 10


def test_five_healthy_seconds_begin_anew() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(1)
    assert backoff.after(5) == pytest.approx(0.1)
    assert backoff.after(1) == pytest.approx(0.2)


def test_a_program_that_cannot_be_started_is_due_again_later(tmp_path: Path) -> None:
    one = Child(Process(name="web", command=("/nonexistent/program",)), tmp_path)
    with pytest.raises(FileNotFoundError):
        one.start(tmp_path)
    assert one.delay() == pytest.approx(child.FIRST_DELAY_SECONDS)
    assert one.due_at > time.monotonic()
    assert one.pid is None
