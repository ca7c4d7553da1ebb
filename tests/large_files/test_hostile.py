"""Files and requests that mean harm get a clear error, or an answer in little memory."""

import gzip
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import zstandard

from agents_app.context import Stopped, ToolError
from agents_app.large_files import arguments
from agents_app.registry import find_tool
from sessions_app.errors import Refusal
from tests.large_files.conftest import Process, Write
from tests.recording import RecordingContext, child_processes

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises((ToolError, Refusal)) as error:
        call()
    assert isinstance(error.value, ToolError | Refusal)
    return error.value.code


@pytest.mark.parametrize(
    ("content", "given", "code"),
    [
        (PNG, {}, "not_text"),
        (PNG, {"format": "csv"}, "format_mismatch"),
        (os.urandom(10_000), {}, "not_text"),
        (b"PK\x03\x04rest", {}, "not_text"),
        (b"", {}, "file_empty"),
        (b"a,b\n1,2\n", {"format": "parquet"}, "format_mismatch"),
        (b"a,b\n1,2\n", {"format": "json"}, "format_mismatch"),
        (b"PAR1" + b"x" * 100, {}, "file_damaged"),
        (b"PAR1" + b"x" * 100 + b"PAR1", {}, "file_damaged"),
        (gzip.compress(b"a,b\n" * 9999)[:-20], {}, "file_damaged"),
        (zstandard.compress(os.urandom(99_999))[:-20], {}, "not_text"),
        (b'[{"a": 1}, {"a": ', {}, "file_damaged"),
        (b'[{"a": 1}] x', {"format": "json"}, "file_damaged"),
        (b"[" * 200_000 + b"]" * 200_000, {}, "nested_too_deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, "nested_too_deeply"),
        (b'{"a": 1}\n' * 30_000 + b'{"a": ' + b"[" * 9999 + b"]" * 9999 + b"}\n", {}, "file_damaged"),
        (b'[{"a": "' + b"x" * 5_000_000 + b'"}]', {}, "row_too_large"),
        (b"a,b\n1,2\n" * 50_000 + b"1," + b"x" * 9_000_000 + b"\n", {}, "row_too_large"),
    ],
)
def test_what_is_broken_or_something_else_is_refused(
    process: Process, write: Write, content: bytes, given: dict[str, Any], code: str
) -> None:
    path = write("data.csv", content)
    assert code_of(lambda: process(path=path, operation="summary", **given)) == code


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("operation", ["count", "summary"])
def test_a_bomb_ends_at_the_limit(
    process: Process, write: Write, settings: Any, pack: Callable[[bytes], bytes], operation: str
) -> None:
    settings.LARGE_FILE_MAX_BYTES = 20_000_000
    path = write("bomb", pack(b"a,b\n1,2\n" * 10_000_000))
    assert code_of(lambda: process(path=path, operation=operation)) == "file_too_large"


def test_a_single_line_of_a_whole_file_takes_little_memory(write: Write, context: RecordingContext) -> None:
    path = write("line.txt", b"word " * 40_000_000)
    found = find_tool("process_large_file")
    peak = _Peak()
    with peak:
        text = found.run(context, path=path, operation="summary").data["text"]
    assert (text["lines"], text["words"], text["longest_line_bytes"]) == (1, 40_000_000, 200_000_000)
    assert peak.megabytes < 300


def readers(path: str) -> list[int]:
    """Return the processes that have the file open."""
    found = []
    for process in psutil.process_iter():
        try:
            found += [process.pid for file in process.open_files() if file.path == path]
        except psutil.Error:
            continue
    return found


class _Peak:
    """The most memory that children of this process take together, looked at all the time."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_reason: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    if "large_files" in " ".join(child.cmdline()):
                        total += child.memory_info().rss
                except psutil.Error:
                    continue
            self.megabytes = max(self.megabytes, total / 1e6)


def test_links_out_of_the_folder_devices_and_folders_are_refused_alike(
    process: Process, write: Write, tmp_path: Path
) -> None:
    folder = Path(write("inside", "a\n")).parent
    (tmp_path / "secret").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "in").symlink_to(folder / "inside")
    os.mkfifo(folder / "pipe")
    paths = [folder / "out", folder / "pipe", folder, folder / "missing", folder / "../secret", "/dev/zero"]
    for path in paths:
        assert code_of(partial(process, path=str(path), operation="count")) == "file_not_allowed"
    assert process(path=str(folder / "in"), operation="count").data["lines"] == 1


def test_a_name_that_is_a_pattern_or_sql_is_only_a_name(process: Process, write: Write) -> None:
    write("other.csv", "a,b\n5,6\n")
    for name in ("*.csv", "x'); DROP TABLE t; --.csv", "[o]ther.csv"):
        table = process(path=write(name, "a,b\n1,2\n"), operation="summary").data["table"]
        assert (table["rows"], table["columns"][0]["maximum"]) == (1, "1")


def test_a_report_shows_hostile_text_literally(process: Process, write: Write) -> None:
    hostile = "```\n# Title <script> [x](javascript:1) \x1b[31m\n" * 3
    report = process(path=write("x<b>.log", hostile), operation="search", pattern=".").report
    assert "\x1b" not in report
    assert "````text" in report
    assert report.startswith("# x\\<b\\>\\.log")
    table = process(path=write("x.csv", "<script>,b|c\n`x`,![y](z)\n"), operation="sample").report
    assert "| `<script>` | b\\|c |" in table


GIVEN: list[dict[str, Any]] = [
    {},
    {"path": "/a", "url": "https://example.org/x"},
    {"path": "/a", "operation": "search"},
    {"path": "/a", "operation": "search", "pattern": "(a"},
    {"path": "/a", "operation": "search", "pattern": r"(a)\1"},
    {"path": "/a", "pattern": "a"},
    {"path": "/a", "operation": "convert"},
    {"path": "/a", "operation": "split"},
    {"path": "/a", "operation": "split", "rows_per_part": 1, "bytes_per_part": 2000},
    {"path": "/a", "operation": "filter"},
    {"path": "/a", "operation": "filter", "conditions": [{"column": "a", "operator": "="}]},
    {"path": "/a", "operation": "filter", "conditions": [{"column": "a", "operator": "in", "value": 1}]},
    {"path": "/a", "operation": "filter", "conditions": [{"column": "a", "operator": "OR 1=1", "value": 1}]},
    {
        "path": "/a",
        "operation": "filter",
        "conditions": [{"column": "a", "operator": "contains", "value": 1}],
    },
    {"path": "/a", "operation": "convert", "to": "parquet", "guard_formulas": True},
    {"path": "/a", "operation": "drop"},
]


@pytest.mark.parametrize("given", GIVEN)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_queued(given: dict[str, Any]) -> None:
    tool = find_tool("process_large_file")
    assert code_of(lambda: tool.validate({"operation": "summary", **given})) == "invalid_arguments"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"path": "/etc/passwd"}, "file_not_allowed"),
        ({"path": "relative"}, "file_not_allowed"),
        ({"url": "https://10.0.0.1/x"}, "url_refused"),
        ({"url": "https://[::1]/x"}, "url_refused"),
        ({"url": "http://example.org/x"}, "url_refused"),
    ],
)
def test_places_that_no_tool_may_read_are_refused_before_anything_is_queued(
    given: dict[str, Any], code: str
) -> None:
    tool = find_tool("process_large_file")
    assert code_of(lambda: tool.validate({"operation": "count", **given})) == code


@pytest.mark.parametrize("operation", [*arguments._OF_OPERATION])
def test_a_cancel_ends_every_operation_and_leaves_no_process(
    process: Process, write: Write, context: RecordingContext, operation: str
) -> None:
    path = write("x.csv", "n,word,number\n" + '12345,"some words",1.5\n' * 3_000_000)
    of_operation: dict[str, dict[str, Any]] = {
        "search": {"pattern": "word"}, "filter": {"pattern": "s.*d"}, "convert": {"to": "json"},
        "split": {"rows_per_part": 1000}, "sample": {"which": "last"},
    }  # fmt: skip
    before = child_processes()
    timer = threading.Timer(0.5, context.stop)
    if operation == "count":  # it would be over before
        context.stop_when = lambda percent, stage: stage == "reading"
    else:
        timer.start()
    with pytest.raises(Stopped):
        process(path=path, operation=operation, **of_operation.get(operation, {}))
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 2
    assert readers(path) == []
    assert child_processes() == before


def test_what_was_found_before_a_cancel_is_kept(
    process: Process, write: Write, context: RecordingContext
) -> None:
    path = write("x.log", "a hit\n" * 5_000_000)
    context.stop_when = lambda percent, stage: bool(context.kept)
    with pytest.raises(Stopped):
        process(path=path, operation="search", pattern="hit")
    assert context.kept[-1].data["matching_lines"] > 0
    assert "so far" in context.kept[-1].summary


def test_a_process_that_is_killed_fails_the_work_with_a_sentence(
    process: Process, write: Write, context: RecordingContext
) -> None:
    path = write("x.csv", "n,word\n" + "12345,some words\n" * 3_000_000)
    before = child_processes()

    def kill(percent: float, stage: str) -> bool:
        for child in child_processes() - before:
            os.kill(child, signal.SIGKILL)
        return False

    context.stop_when = kill
    assert code_of(lambda: process(path=path, operation="convert", to="parquet")) == "worker_failed"


def test_progress_never_falls_and_ends_near_the_end(
    process: Process, write: Write, context: RecordingContext
) -> None:
    process(path=write("x.csv", "n,word\n" + "12345,some words\n" * 8_000_000), operation="summary")
    percents = [percent for percent, _stage, _left in context.told]
    assert percents == sorted(percents)
    assert len(percents) > 3


def test_it_may_run_again_after_a_death() -> None:
    tool = find_tool("process_large_file")
    assert (tool.heavy, tool.safe_to_repeat) == (True, True)
