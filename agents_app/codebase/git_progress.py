"""Reading what git says on its standard error while it clones."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents_app.stages import Remaining, Stage

_LINE_MAX_BYTES = 4096
# The part of the work that each phase stands for; the first three are the server's word for its own work.
FETCHING = {
    "remote: Enumerating objects": (0.0, 0.05),
    "remote: Counting objects": (0.05, 0.1),
    "remote: Compressing objects": (0.1, 0.2),
    "Receiving objects": (0.2, 0.9),
    "Resolving deltas": (0.9, 1.0),
}
CHECKING_OUT = {"Updating files": (0.0, 1.0)}
_PERCENT = re.compile(
    r"(?P<phase>(?:remote: )?[A-Z][a-z]+ [a-z]+): +(?P<percent>\d{1,3})% \(\d+/\d+\)(?P<rest>.*)"
)
_RECEIVED = re.compile(r", (?P<amount>\d+(?:\.\d+)?) (?P<unit>bytes|KiB|MiB|GiB)\b")
_UNITS = {"bytes": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


@dataclass
class Progress:
    """Turns git's progress lines into progress of `stage` and keeps its other lines as messages.

    `received_bytes` is how much git says it has fetched. A server can write lines of its own only behind
    `remote: `, so it cannot speak for the phases that git itself reports.
    """

    stage: Stage
    phases: Mapping[str, tuple[float, float]]
    received_bytes: int = 0
    messages: list[str] = field(default_factory=list)
    _rest: bytes = b""
    _phase: str = ""
    _remaining: Remaining = field(default_factory=Remaining)

    def __call__(self, chunk: bytes) -> None:
        """Take what git wrote; raises `Stopped`."""
        *lines, rest = (self._rest + chunk).replace(b"\r", b"\n").split(b"\n")
        self._rest = rest[-_LINE_MAX_BYTES:]
        for line in lines:
            self._read(line[:_LINE_MAX_BYTES].decode(errors="replace").rstrip())

    def close(self) -> None:
        """Take the last line, which may have no end."""
        self(b"\n")

    def _read(self, line: str) -> None:
        match = _PERCENT.match(line)
        if match is None or match["phase"] not in self.phases:
            self.messages = [*self.messages, line][-40:] if line else self.messages
            return
        self._tell(match["phase"], min(int(match["percent"]), 100) / 100)
        received = _RECEIVED.match(match["rest"])
        if received and match["phase"] == "Receiving objects":
            self.received_bytes = int(float(received["amount"]) * _UNITS[received["unit"]])

    def _tell(self, phase: str, done: float) -> None:
        if phase != self._phase:
            self._phase, self._remaining = phase, Remaining()
        first, last = self.phases[phase]
        self.stage.at(first + (last - first) * done, self._remaining.seconds(done))
