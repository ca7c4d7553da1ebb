"""`analyze_codebase` on a tree of more than 5,000 files, copied from what is installed beside this program,
against scc and tree-sitter run bare on the same tree, one after the other. Both take turns; the first turn of
each is not counted, so that both find the files in memory."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings

from agents_app.context import ToolContext
from agents_app.registry import ToolResult
from agents_app.tools.analyze_codebase import analyze_codebase
from benchmarks.report import figure, median, ratios

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FILES = 5_000
_SAMPLE_SECONDS = 0.05
_MIB = 1024**2


def main(_database: str) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="mcpchat-bench-") as name:
        tree = Path(name) / "tree"
        files = _copy_packages(tree)
        settings.ALLOWED_FOLDERS = [tree.resolve()]
        kinds = {"bare": _bare, "ours": _ours}
        seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
        with _Memory() as memory:
            for number in range(ROUNDS + 1):
                for kind, work in kinds.items():
                    memory.counts = kind == "ours"
                    began = time.monotonic()
                    work(tree)
                    if number:
                        seconds[kind].append(time.monotonic() - began)
    figure("analyze", "files", files)
    figure("analyze", "seconds", median(seconds["ours"]))
    figure("analyze", "bare_seconds", median(seconds["bare"]))
    figure("analyze", "RATIO", ratios(seconds["ours"], seconds["bare"]), "<=1.3")
    figure("analyze", "MEMORY_MIB", memory.peak / _MIB, "<=300")


def _copy_packages(tree: Path) -> int:
    """Copy installed packages in the order of their names until there are `FILES` files; return how many."""
    tree.mkdir()
    count = 0
    for package in sorted(Path(sysconfig.get_path("purelib")).iterdir()):
        if count >= FILES:
            break
        if package.is_dir() and package.name != "__pycache__":
            shutil.copytree(
                package, tree / package.name, ignore=shutil.ignore_patterns("__pycache__", "*.so")
            )
            count += sum(path.is_file() for path in (tree / package.name).rglob("*"))
    return count


def _bare(tree: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.bare_analysis", str(tree)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def _ours(tree: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="mcpchat-bench-") as folder:
        found: ToolResult = analyze_codebase(_Context(Path(folder)), path=str(tree))
    assert found.data["totals"]["files"] >= FILES


class _Context(ToolContext):
    """A tool's context that nobody watches."""

    def __init__(self, workdir: Path) -> None:
        self.session_id = uuid.uuid4()
        self.owner_id = 0
        self.subagent_id = None
        self.workdir = workdir

    def progress(self, percent: float, stage: str, estimated_seconds_left: float | None = None) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Go on."""

    def keep(self, summary: str, data: Mapping[str, Any] | None = None, report: str = "") -> None:
        """Keep nothing."""

    def deliver(self, path: Path, name: str, content_type: str = "") -> Any:
        """Take no files."""
        raise NotImplementedError


class _Memory:
    """Samples what this process and all below it hold (resident bytes; shared pages count for each)."""

    def __init__(self) -> None:
        self.peak = 0
        self.counts = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._over.wait(_SAMPLE_SECONDS):
            if self.counts:
                self.peak = max(self.peak, sum(_resident(it) for it in [own, *own.children(recursive=True)]))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
