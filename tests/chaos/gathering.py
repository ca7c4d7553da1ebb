"""Gathers the evidence when a run is over: everything that is counted, and nothing that counts."""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agents_app.models import Subagent, Turn, Worker
from sessions_app.models import ChatSession, Event, Message
from tests.chaos import ledger
from tests.chaos.evidence import Evidence, Line, Record, Row, Sample, Told
from tests.chaos.ledger import CHILD_MARK, FOLDER
from tests.chaos.load import SUBMISSIONS
from tests.chaos.stage import CAPS
from tests.installation import Installation, all_pids, command_line, environment_of


def clock_offset() -> float:
    """Return how many seconds the wall clock is ahead of the monotonic one."""
    return time.time() - time.monotonic()


def gather(
    house: Installation, folder: Path, record: Record, problems: list[str], offset_before: float
) -> Evidence:
    """Return what is known; `offset_before` is the clocks' offset when the run began.

    The installation still runs, so that its own dead can be told from its living.
    """
    observations = ledger.read(folder / ledger.OBSERVATIONS)
    samples = [note for note in observations if note["what"] == "sample"]
    return Evidence(
        submitted={note["subagent"]: note["kind"] for note in ledger.read(folder / SUBMISSIONS)},
        rows=_rows(),
        told=_told(),
        seqs=_seqs(),
        last_seqs=_last_seqs(),
        results_told=_results_told(),
        lines=[_line(note) for note in ledger.read(folder / ledger.LEDGER)],
        samples=[_sample(note) for note in samples],
        last_held=_last_held(observations) | _still_held(folder),
        kills=record.kills,
        initial_caps=CAPS,
        caps=record.caps,
        leftovers=leftovers(house, folder),
        turns_stuck=Turn.objects.all().unfinished().count(),
        problems=problems,
        clock_drift_seconds=abs(clock_offset() - offset_before),
        back_seconds=record.back_seconds,
        pace={name: samples[-1][name] for name in ("samples", "longest_gap")} if samples else {},
    )


def leftovers(house: Installation, folder: Path) -> list[str]:
    """Return what no unfinished work accounts for: children of work, folders, traces of dead workers."""
    children = [f"process {pid}" for pid in all_pids() if _is_child_of_work(pid, folder)]
    folders = [f"folder {name}" for name in house.work_folders()]
    dead = {body["pid"] for body in house.locks() if not command_line(body["pid"])}
    locks = [f"lock of dead process {pid}" for pid in dead]
    known = {body["pid"] for body in house.locks()}
    unknown = set(Worker.objects.values_list("pid", flat=True)) - known
    return [*children, *folders, *locks, *(f"row of worker {pid}" for pid in unknown)]


def processes_of(folder: Path) -> list[int]:
    """Return the processes of the machine that were started with this run's folder in their environment."""
    mark = f"{FOLDER}={folder}"
    return [pid for pid in all_pids() if pid != os.getpid() and mark in environment_of(pid).split(" ")]


def _is_child_of_work(pid: int, folder: Path) -> bool:
    words = environment_of(pid).split(" ")
    return f"{FOLDER}={folder}" in words and any(word.startswith(f"{CHILD_MARK}=") for word in words)


def _rows() -> list[Row]:
    found = Subagent.objects.order_by("queued_at").iterator()
    return [_row(subagent) for subagent in found]


def _row(subagent: Subagent) -> Row:
    data = (subagent.result or {}).get("data") or {}
    return Row(
        subagent=str(subagent.pk),
        state=subagent.state,
        code=(subagent.error or {}).get("code", ""),
        attempt=subagent.attempt,
        lost_attempts=tuple(entry["attempt"] for entry in subagent.attempts),
        result_attempt=data.get("attempt"),
        finished_at=_monotonic(subagent.finished_at) if subagent.finished_at else None,
        cancel_requested=subagent.cancel_requested_at is not None,
    )


def _told() -> list[Told]:
    events = Event.objects.filter(kind__startswith="subagent.").order_by("session_id", "seq")
    columns = events.values_list("seq", "kind", "payload", "created_at")
    return [
        Told(
            subagent=payload["subagent_id"],
            seq=seq,
            kind=kind,
            attempt=payload["attempt"],
            at=_monotonic(created_at),
        )
        for seq, kind, payload, created_at in columns.iterator()
    ]


def _seqs() -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    columns = ("session_id", "seq")
    for session_id, seq in Event.objects.order_by(*columns).values_list(*columns).iterator():
        found[str(session_id)].append(seq)
    return dict(found)


def _last_seqs() -> dict[str, int]:
    return {str(pk): seq for pk, seq in ChatSession.objects.values_list("pk", "last_seq")}


def _results_told() -> dict[str, int]:
    told = Message.objects.filter(role=Message.Role.SUBAGENT).values_list("subagent_id", flat=True)
    return dict(Counter(str(subagent_id) for subagent_id in told))


def _line(note: dict[str, Any]) -> Line:
    return Line(**note)


def _sample(note: dict[str, Any]) -> Sample:
    return Sample(at=note["at"], counts=note["counts"], twice=tuple(note["twice"]))


def _last_held(observations: list[dict[str, Any]]) -> dict[tuple[str, int], float]:
    return dict(_held_until(observations))


def _still_held(folder: Path) -> dict[tuple[str, int], float]:
    """Return what holds its lock although everything has ended: nobody noted until when."""
    now = time.monotonic()
    return {(running.subagent, running.attempt): now for running in ledger.running_now(folder)}


def _held_until(observations: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, int], float]]:
    for note in observations:
        if note["what"] == "gone" and note["last_held"] is not None:
            yield (note["subagent"], note["attempt"]), note["last_held"]


def _monotonic(moment: datetime) -> float:
    """Return a moment of the wall clock in monotonic seconds: the ledgers' clock."""
    return moment.timestamp() - clock_offset()
