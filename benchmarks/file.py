"""A generated file of 1 GB through `process_large_file`, whole calls with the start of their processes: its
lines against `wc -l`, the figures of its columns against a program that has DuckDB SUMMARIZE it."""

import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from agents_app.context import ToolContext
from agents_app.tools.process_large_file import process_large_file
from benchmarks.report import figure, median, ratios
from sessions_app.payloads import FilePayload

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FILE_BYTES = int(os.environ.get("BENCH_FILE_BYTES", str(10**9)))
BLOCK_ROWS = 100_000
WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")


class Quiet(ToolContext):
    """A context that nobody listens to."""

    def __init__(self, folder: Path) -> None:
        self.session_id = uuid.uuid4()
        self.owner_id = 0
        self.subagent_id = None
        self.workdir = Path(tempfile.mkdtemp(dir=folder))

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Hear nothing."""

    def check(self) -> None:
        """Go on."""

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep nothing."""

    def deliver(self, path: Path, name: str, content_type: str = "") -> FilePayload:
        """Refuse: nothing is delivered here."""
        raise NotImplementedError


def main(database: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="mcpchat-bench-file-") as name:
        folder = Path(name)
        settings.ALLOWED_FOLDERS = [folder.resolve()]
        path = folder / "table.csv"
        _generate(path)
        ways = _ways(folder, path)
        took: dict[str, list[float]] = {way: [] for way in ways}
        peak = dict.fromkeys(ways, 0.0)
        for _ in range(ROUNDS):
            for way, run in ways.items():
                seconds, megabytes = _measured(run)
                took[way].append(seconds)
                peak[way] = max(peak[way], megabytes)
    _print(took, peak)


def _ways(folder: Path, path: Path) -> dict[str, Callable[[], object]]:
    def ours(operation: str) -> Callable[[], object]:
        return lambda: process_large_file(Quiet(folder), path=str(path), operation=operation)

    def program(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, check=True, capture_output=True)

    statement = f"SUMMARIZE FROM read_csv('{path}')"
    bare = f"import duckdb; duckdb.connect(config={{'threads': 2}}).execute({statement!r}).fetchall()"
    return {
        "wc": program("wc", "-l", str(path)),
        "count": ours("count"),
        "bare": program(sys.executable, "-c", bare),
        "summary": ours("summary"),
    }


def _print(took: Mapping[str, list[float]], peak: Mapping[str, float]) -> None:
    for way, seconds in took.items():
        figure("file", f"{way}_seconds", median(seconds))
        figure("file", f"{way}_peak_mb", peak[way])
    figure("file", "MEMORY_MB", max(peak["count"], peak["summary"]), "<=300")
    figure("file", "LINES_RATIO", ratios(took["count"], took["wc"]), "<=3")
    figure("file", "SUMMARY_RATIO", ratios(took["summary"], took["bare"]), "<=1.3")


def _generate(path: Path) -> None:
    """Write a table with numbers, times, words, quoted text and empty cells."""
    chance = random.Random(1)
    rows = []
    for number in range(BLOCK_ROWS):
        day = f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02} 12:{chance.randint(0, 59):02}:00"
        text = f'"{chance.choice(WORDS)} {chance.choice(WORDS)}, item {chance.randint(1, 1000)}"'
        flag = chance.choice(("true", "false", ""))
        score, amount = f"{chance.gauss(100, 15):.3f}", chance.randint(0, 10**6)
        rows.append(f"{number},{day},{chance.choice(WORDS)},{score},{amount},{text},{flag}\n")
    block = "".join(rows).encode()
    with path.open("wb") as file:
        file.write(b"id,at,kind,score,amount,text,flag\n")
        while file.tell() < FILE_BYTES:
            file.write(block)


def _measured(run: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call took, and the most memory of its processes (MB)."""
    over = threading.Event()
    peaks = [0.0]

    def look() -> None:
        while not over.wait(0.02):
            peaks.append(sum(map(_megabytes, psutil.Process().children(recursive=True))))

    looker = threading.Thread(target=look)
    looker.start()
    began = time.monotonic()
    run()
    seconds = time.monotonic() - began
    over.set()
    looker.join()
    return seconds, max(peaks)


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0
