"""Whether this process ran without a pause, so that it may judge others by the time."""

from agents_app.lease import Lease

# How long after a lease its work is taken for dead: for clocks that differ, and for the fence to do its work.
LAPSE_SECONDS = 2.0


class Pulse:
    """Notices that this process stood still, by both clocks of a lease."""

    def __init__(self) -> None:
        self._next = Lease.from_now(LAPSE_SECONDS)
        self._steady_from = Lease.from_now(0)

    def beat(self) -> None:
        """Take note of the time."""
        if self._next.is_over():
            self._steady_from = Lease.from_now()
        self._next = Lease.from_now(LAPSE_SECONDS)

    def is_steady(self) -> bool:
        """Whether there was no pause during the last lease."""
        self.beat()
        return self._steady_from.is_over()
