"""Keeps processes running and ends them all."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from mcpchat_project.supervisor.child import Child
from mcpchat_project.supervisor.linux import adopt_orphans, descendants
from mcpchat_project.supervisor.processes import Process
from mcpchat_project.supervisor.signals import Signals

# Everything is gone within 5 s of the request. These are the seconds at which each stage ends at the latest:
# processes finish, what is left is killed, orphans are killed, the broker finishes, all else is killed.
FINISHED, KILLED, ORPHANS_KILLED, BROKER_FINISHED, ALL_KILLED = 3.8, 4.1, 4.3, 4.6, 4.8
BROKER = "broker"
FAILURES_TO_POINT_AT_THE_LOG = 3


class Supervisor:
    """Owns the child processes of this process: nothing else here may wait for a child of its own.

    `folder` is where they run; their output goes to logs in `log_folder`, or to our own output if that is
    None; `say` takes one line for people. Without `restart` nothing is started again: `broken` then tells
    that a process ended, and whoever started us decides.
    """

    def __init__(
        self,
        *,
        folder: Path,
        log_folder: Path | None,
        signals: Signals,
        say: Callable[[str], None],
        restart: bool = True,
    ) -> None:
        self.signals = signals
        self.broken = False
        self._restart = restart
        self._folder = folder
        self._log_folder = log_folder
        self._say = say
        self._children: list[Child] = []
        adopt_orphans()

    def start(self, process: Process, *, forked: bool = False) -> None:
        """Start a process and keep it running until `stop`.

        A `forked` one begins as a copy of this process, in which `Forked` is raised; a new interpreter would
        spend a second on what is loaded here already. So it begins again after its death, unless it dies
        again soon: then the copy may be at fault, and it starts as a new program.
        """
        child = Child(process, self._log_folder, forked=forked)
        self._children.append(child)
        self._attempt(child)

    def tend(self, seconds: float) -> None:
        """For at most `seconds`, or until the next signal: wait, then start again what ended and is due."""
        due = [child.due_at - time.monotonic() for child in self._children if child.pid is None]
        self.signals.wait(min([seconds, *due]))
        self._reap(self._announce)
        if self.broken:
            return
        for child in self._children:
            if child.pid is None and child.due_at <= time.monotonic() and not self.signals.stop_requests:
                self._attempt(child)

    def log_of(self, name: str) -> Path:
        """Return the log of the process called `name`."""
        return (self._log_folder or self._folder) / f"{name}.log"

    def stop(self) -> None:
        """End every process, the broker last so that workers can give back what they hold.

        A further request to stop ends the waiting. Takes five seconds at most.
        """
        begun = time.monotonic()
        broker = [child for child in self._children if child.process.name == BROKER]
        others = [child for child in self._children if child not in broker]
        self._end(others, begun + FINISHED, begun + KILLED)
        self._kill_orphans(begun + ORPHANS_KILLED, spared=broker)
        self._end(broker, begun + BROKER_FINISHED, begun + ALL_KILLED)
        self._kill_orphans(begun + ALL_KILLED, spared=[])

    def _attempt(self, child: Child) -> None:
        try:
            if child.forked and child.backoff.failures <= 1:
                child.fork(self._folder, self.signals)
            else:
                child.start(self._folder)
        except OSError as error:
            if not self._restart:
                raise
            self._say(f"{child.process.name} cannot be started ({error}); next try in {child.delay():g} s")

    def _reap(self, note: Callable[[Child, int], object]) -> None:
        """Take in the exit codes of all children that ended, adopted ones too."""
        by_pid = {child.pid: child for child in self._children}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in by_pid:
                note(by_pid[pid], os.waitstatus_to_exitcode(status))

    def _announce(self, child: Child, exit_code: int) -> None:
        delay = child.ended(exit_code)
        if not self._restart:
            self.broken = True
            self._say(f"{child.process.name} {how(exit_code)}; stopping")
            return
        pointer = f"; see {child.log}" if child.backoff.failures >= FAILURES_TO_POINT_AT_THE_LOG else ""
        self._say(f"{child.process.name} {how(exit_code)}; starting it again in {delay:g} s{pointer}")

    def _end(self, children: list[Child], finished_by: float, killed_by: float) -> None:
        asked = self.signals.stop_requests
        for child in children:
            child.ask_to_stop()
        self._wait_for(children, finished_by, lambda: self.signals.stop_requests > asked)
        for child in children:
            child.kill()
        self._wait_for(children, killed_by, lambda: False)

    def _wait_for(self, children: list[Child], deadline: float, impatient: Callable[[], bool]) -> None:
        while not impatient():
            self._reap(Child.ended)
            left = deadline - time.monotonic()
            if left <= 0 or all(child.pid is None for child in children):
                return
            self.signals.wait(left)

    def _kill_orphans(self, deadline: float, spared: list[Child]) -> None:
        """End what lost its parent, in whatever session: we adopted it. Its own children come to us too."""
        keep = {child.pid for child in spared}
        while (found := descendants(os.getpid()) - keep) and time.monotonic() < deadline:
            for pid in found:
                _kill(pid)
            self.signals.wait(0.02)
            self._reap(Child.ended)


def how(exit_code: int) -> str:
    """Say how a process ended; a negative exit code is the signal that killed it."""
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
