"""Until when this host's leases hold: a stamp in `RUN_DIR` that the keeper writes and its workers read.

Other hosts judge by the rows. The stamp says the same to the processes of this host without the database, so
that one which is cut off ends its work before others run it again.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from django.conf import settings

# Goes on while a laptop sleeps; elsewhere than on Linux the monotonic clock has to do.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True)
class Lease:
    """A moment by both clocks: seconds since boot, and of wall time.

    Other hosts go by wall time; if it is set back, the boot clock still tells. In a virtual machine that is
    paused the boot clock may stand still, and wall time tells when it goes on.
    """

    boot: float
    wall: float

    @classmethod
    def from_now(cls, seconds: float | None = None) -> Self:
        """Return the end of some seconds that begin now, by default those of a lease."""
        seconds = settings.LEASE_SECONDS if seconds is None else seconds
        return cls(_boot() + seconds, time.time() + seconds)

    @property
    def expires_at(self) -> datetime:
        """Its end as rows have it."""
        return datetime.fromtimestamp(self.wall, UTC)

    def or_later(self, other: "Lease | None") -> "Lease":
        """Return the later end of the two."""
        if other is None:
            return self
        return Lease(max(self.boot, other.boot), max(self.wall, other.wall))

    def is_over(self) -> bool:
        """Whether it has ended by either clock."""
        return _boot() >= self.boot or time.time() >= self.wall


def stamp(lease: Lease) -> None:
    """Tell this host's workers that their leases hold until then. It appears complete or not at all."""
    path = _path()
    draft = path.with_suffix(".draft")
    draft.write_text(f"{lease.boot!r} {lease.wall!r}")
    draft.replace(path)


def stamped() -> Lease | None:
    """Return the last stamp, or None if there is none that can be read."""
    try:
        boot, wall = _path().read_text().split()
        return Lease(float(boot), float(wall))
    except (OSError, ValueError):
        return None


def _boot() -> float:
    return time.clock_gettime(_BOOT_CLOCK)


def _path() -> Path:
    return Path(settings.RUN_DIR) / "lease"
