"""Workers with their keeper, as one command for one host or container:

    python -m mcpchat_project.worker tools,maintenance=4
    python -m mcpchat_project.worker exports=2
    python -m mcpchat_project.worker chat=16
    python -m mcpchat_project.worker beat

Each argument is a worker: the queues that it serves and how much it does at once. The keeper comes along,
because without one nobody renews this host's leases and other hosts take its work away. When one of the
processes ends all are stopped and the exit code is 1: a restart policy then begins anew. SIGTERM stops them
within five seconds, what is unfinished is given back, and the exit code is 0.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from mcpchat_project.supervisor.processes import Process, agents, beat, chat, keeper
from mcpchat_project.supervisor.signals import Signals
from mcpchat_project.supervisor.supervisor import Supervisor
from mcpchat_project.supervisor.terminal import say

ROOT = Path(__file__).resolve().parent.parent
QUEUES = ("tools", "exports", "maintenance")
USAGE = (
    "Name the workers to run: beat, chat=NUMBER, or queues and a number, as in tools,maintenance=4 "
    f"(queues: {', '.join(QUEUES)})."
)


def main(arguments: Sequence[str]) -> int:
    """Run the workers that the arguments name, until a signal or until one of them ends.

    Returns the exit code: 0 after a signal, 1 after an end, 2 if the arguments make no sense.
    """
    try:
        wanted = [parse(argument) for argument in arguments]
        if not wanted:
            raise ValueError("Nothing to run.")
    except ValueError as error:
        print(error, USAGE, file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mcpchat_project.settings")
    return _run([*wanted, keeper()])


def parse(argument: str) -> Process:
    """Return the process that an argument names. Raises `ValueError` with a sentence."""
    if argument == "beat":
        return beat()
    names, _, number = argument.partition("=")
    if not (number.isascii() and number.isdigit() and int(number) >= 1):
        raise ValueError(f"{argument!r} needs a number of at least 1 behind =.")
    if names == "chat":
        return chat(int(number))
    queues = tuple(names.split(","))
    if unknown := [queue for queue in queues if queue not in QUEUES]:
        raise ValueError(f"There is no queue {unknown[0]!r}.")
    return agents("-".join(queues), queues, int(number))


def _run(wanted: Sequence[Process]) -> int:
    with ExitStack() as cleanup:
        signals = Signals()
        supervisor = Supervisor(folder=ROOT, log_folder=None, signals=signals, say=say, restart=False)
        cleanup.callback(supervisor.stop)
        for process in wanted:
            supervisor.start(process)
        while not signals.stop_requests and not supervisor.broken:
            supervisor.tend(60.0)
        return int(supervisor.broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
