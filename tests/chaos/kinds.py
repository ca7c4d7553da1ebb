"""The kinds of work that a chaos run mixes, and how each may end."""

from dataclasses import dataclass

CANCELLED = "cancelled"
SUCCEEDED = "succeeded"
WORKER_LOST = "worker_lost"
REFUSED = "chaos_refused"
TOOLS_AGENT = "chaos_tools"
EXPORTS_AGENT = "chaos_exports"
TOOL_EXECUTOR = "tool_executor"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of work.

    Of `weight` in all weights' sum; takes from `least_seconds` to `most_seconds`. `ends` are the ways in
    which it may end if nothing is killed: `succeeded`, `cancelled` or a code of failure. A `told` kind goes
    through the ordinary tool executor, whose results the chat is told. `cancel_within_seconds` after it was
    queued it is cancelled; with `cancel_when_running` once it runs.
    """

    name: str
    weight: float
    least_seconds: float
    most_seconds: float
    ends: frozenset[str] = frozenset({SUCCEEDED})
    safe: bool = True
    told: bool = False
    starts_child: bool = False
    timeout_seconds: float = 60
    cancel_within_seconds: float = 0
    cancel_when_running: bool = False

    @property
    def ends_by_force(self) -> bool:
        """Whether the keeper has to kill it."""
        return self.cancel_when_running or bool(self.ends & {"timeout", "idle_timeout"})


_KINDS = (
    Kind(name="short", weight=64, least_seconds=0.01, most_seconds=0.06),
    Kind(name="once", weight=16, least_seconds=0.01, most_seconds=0.06, safe=False),
    Kind(name="long", weight=3, least_seconds=1, most_seconds=5),
    Kind(name="long_once", weight=2, least_seconds=0.5, most_seconds=2, safe=False),
    Kind(name="family", weight=3, least_seconds=0.2, most_seconds=1, starts_child=True),
    Kind(name="failing", weight=5, least_seconds=0.01, most_seconds=0.06, ends=frozenset({REFUSED})),
    Kind(
        name="cancelled",
        weight=3,
        least_seconds=0.5,
        most_seconds=3,
        ends=frozenset({SUCCEEDED, CANCELLED}),
        cancel_within_seconds=3,
    ),
    Kind(
        name="deaf",
        weight=0.4,
        least_seconds=20,
        most_seconds=20,
        ends=frozenset({CANCELLED}),
        starts_child=True,
        cancel_when_running=True,
    ),
    Kind(
        name="overtime",
        weight=0.6,
        least_seconds=20,
        most_seconds=20,
        ends=frozenset({"timeout"}),
        starts_child=True,
        timeout_seconds=1,
    ),
    Kind(name="idle", weight=0.3, least_seconds=30, most_seconds=30, ends=frozenset({"idle_timeout"})),
    # Comes in bursts only, so that every slot is taken at once whatever a start costs.
    Kind(name="burst", weight=0, least_seconds=0.7, most_seconds=1),
    Kind(name="told", weight=2, least_seconds=0.01, most_seconds=0.06, told=True),
    Kind(name="told_once", weight=0.5, least_seconds=0.5, most_seconds=1.5, told=True, safe=False),
)
KINDS = {kind.name: kind for kind in _KINDS}
IDLE_TIMEOUT_SECONDS = 6
MAX_ATTEMPTS = 3
