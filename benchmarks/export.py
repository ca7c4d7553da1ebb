"""Exports of chats of 100, 1,000 and 10,000 messages (`benchmarks/conversation.py`), each in a fresh process
like a worker's child: seconds, those of the processors, memory of all its processes, bytes; PDF against
typst bare on the same programs. Then what a visitor waits for while the longest is exported. BENCH_ROUNDS=1
is for a quick look.
"""

import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.conversation import converse
from benchmarks.exporting import meanwhile, peak
from benchmarks.exporting.meanwhile import Visited
from benchmarks.report import figure, median, percentile, ratios
from exports_app.formats import FORMATS

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
COUNTS = (100, 1_000, 10_000)
LARGEST = COUNTS[-1]
GOALS = {
    f"json_seconds_at_{LARGEST}": "<=2",
    f"markdown_seconds_at_{LARGEST}": "<=2",
    f"html_seconds_at_{LARGEST}": "<=2",
    f"json_peak_mb_at_{LARGEST}": "<=150",
    f"markdown_peak_mb_at_{LARGEST}": "<=150",
    f"html_peak_mb_at_{LARGEST}": "<=150",
    f"pdf_peak_mb_at_{LARGEST}": "<=300",
}
VISIT_GOALS = {"page": "<=1.5", "chat": "<=1.5"}
Figures = dict[str, list[float]]


def main(_database: str) -> None:
    """Measure and print."""
    figures: Figures = defaultdict(list)
    longest = converse(LARGEST)
    sessions = {count: str(converse(count).pk) for count in COUNTS[:-1]} | {LARGEST: str(longest.pk)}
    with tempfile.TemporaryDirectory(prefix="mcpchat-bench-export-") as folder:
        programs = {
            count: _programs(session, Path(folder, str(count))) for count, session in sessions.items()
        }
        _warm_up(sessions[COUNTS[0]])
        for _ in range(ROUNDS):
            for count, session in sessions.items():
                _round(figures, count, session, programs[count])
    _show(figures)
    _show_visits(meanwhile.visit(longest, ROUNDS))


def _programs(session: str, folder: Path) -> list[Path]:
    """Return the typst programs of the parts of a session's PDF."""
    folder.mkdir()
    peak.run("benchmarks.exporting.once", session, "pdf", str(folder))
    return sorted(folder.iterdir())


def _warm_up(session: str) -> None:
    """Have everything read from the disk once; the first PDFs are made for their programs."""
    for name in sorted(FORMATS):
        peak.run("benchmarks.exporting.once", session, name)


def _round(figures: Figures, count: int, session: str, programs: list[Path]) -> None:
    for name in sorted(FORMATS):
        ran = peak.run("benchmarks.exporting.once", session, name)
        _keep(figures, name, count, {**json.loads(ran.output), "peak_mb": ran.peak_mb})
    _keep(figures, "bare_pdf", count, _bare(programs))


def _keep(figures: Figures, name: str, count: int, told: Mapping[str, float]) -> None:
    for what, value in told.items():
        figures[f"{name}_{what}_at_{count}"].append(value)


def _bare(programs: list[Path]) -> Mapping[str, float]:
    """Set all programs one after the other, starts of processes included; the memory is that of one."""
    began, cpu_before, most = time.monotonic(), _children_cpu_seconds(), 0.0
    for program in programs:
        ran = peak.run("benchmarks.exporting.bare", str(program), str(program.with_suffix(".pdf")))
        most = max(most, ran.peak_mb)
    cpu = _children_cpu_seconds() - cpu_before
    return {"seconds": time.monotonic() - began, "cpu_seconds": cpu, "peak_mb": most}


def _children_cpu_seconds() -> float:
    return sum(os.times()[2:4])


def _show(figures: Mapping[str, list[float]]) -> None:
    for name, values in figures.items():
        figure("export", name, max(values) if "_peak_mb_" in name else median(values), GOALS.get(name, ""))
    for count in COUNTS:
        name, goal = ("PDF_RATIO", "<=1.15") if count == LARGEST else (f"pdf_ratio_at_{count}", "")
        figure("export", name, _ratio(figures, f"seconds_at_{count}"), goal)
        figure("export", f"pdf_cpu_ratio_at_{count}", _ratio(figures, f"cpu_seconds_at_{count}"))


def _ratio(figures: Mapping[str, list[float]], what: str) -> float:
    return ratios(figures[f"pdf_{what}"], figures[f"bare_pdf_{what}"])


def _show_visits(rounds: Sequence[Visited]) -> None:
    for kind in rounds[0].idle:
        idle = median(percentile(visited.idle[kind], 95) for visited in rounds)
        figure("export", f"{kind}_p95_ms_idle", idle)
    for name in meanwhile.FORMATS:
        figure("export", f"{name}_seconds_visited", median(visited.seconds[name] for visited in rounds))
        for kind in rounds[0].idle:
            busy = median(percentile(visited.busy[name][kind], 95) for visited in rounds)
            figure("export", f"{kind}_p95_ms_with_{name}", busy)
            ratio = median(visited.ratio(name, kind) for visited in rounds)
            figure("export", f"{kind}_p95_ratio_with_{name}", ratio, VISIT_GOALS.get(kind, ""))
