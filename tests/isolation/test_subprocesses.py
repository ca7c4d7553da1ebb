"""Commands end with everything they started, whichever way they end."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from agents_app.context import Stopped
from agents_app.isolation import processes, subprocesses
from agents_app.isolation.subprocesses import Command, Limits, Lines, Tail, TooLong, run
from tests.recording import RecordingContext, living_processes

LIMITS = Limits(memory_bytes=1024**3, file_bytes=1024**2)
# A child, a grandchild, and one that left its parents and their process group altogether.
FAMILY = """
sleep 60 &
sh -c 'sleep 60 & sleep 60' &
python3 -c 'import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(1), os.close(2)
        time.sleep(60)
    os._exit(0)
os.wait()'
echo ready
sleep 60
"""


def command(script: str, environment: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> Command:
    return Command(
        arguments=["sh", "-c", script],
        folder=Path("/"),
        environment={"PATH": os.environ["PATH"], **(environment or {})},
        limits=limits,
    )


def test_output_errors_and_exit_code_are_handed_on(context: RecordingContext) -> None:
    output, errors = Tail(), Tail()
    code = run(context, command("echo out; echo wrong >&2; exit 7"), on_output=output, on_error=errors)
    assert (code, output.text(), errors.text()) == (7, "out\n", "wrong\n")


def test_output_is_handed_on_line_by_line_however_it_comes(context: RecordingContext) -> None:
    heard: list[bytes] = []
    run(
        context,
        command("printf 'o'; printf 'ne\\ntwo\\nrest'"),
        on_output=Lines(heard.append),
        on_error=Tail(),
    )
    assert heard == [b"one", b"two"]


def test_a_line_without_an_end_ends_the_command(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocesses, "LINE_MAX_BYTES", 1000)
    endless = command("while :; do printf 'xxxxxxxxxxxxxxxx'; done")
    with pytest.raises(TooLong):
        run(context, endless, on_output=Lines(lambda _line: None), on_error=Tail())


def test_nothing_of_the_worker_s_environment_is_passed_on(
    context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "secret")
    output = Tail()
    run(context, command("env"), on_output=output, on_error=Tail())
    assert "secret" not in output.text()


def test_a_stop_ends_the_whole_family(context: RecordingContext) -> None:
    mark = uuid.uuid4().hex

    def stop_when_ready(chunk: bytes) -> None:
        assert len(living_processes(mark)) >= 5
        context.stop()

    with pytest.raises(Stopped):
        run(context, command(FAMILY, {"TEST_MARK": mark}), on_output=stop_when_ready, on_error=Tail())
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5
    assert living_processes(mark) == []


def test_an_error_in_a_receiver_ends_the_whole_family(context: RecordingContext) -> None:
    mark = uuid.uuid4().hex

    def fail(chunk: bytes) -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        run(context, command(FAMILY, {"TEST_MARK": mark}), on_output=fail, on_error=Tail())
    assert living_processes(mark) == []


def test_a_family_that_keeps_forking_is_ended(context: RecordingContext) -> None:
    mark = uuid.uuid4().hex
    timer = threading.Timer(0.5, context.stop)
    timer.start()
    with pytest.raises(Stopped):
        run(
            context,
            command("while :; do sleep 60 & sleep 0.01; done", {"TEST_MARK": mark}),
            on_output=Tail(),
            on_error=Tail(),
        )
    timer.join()
    assert living_processes(mark) == []


def test_a_command_stays_in_the_process_group_of_the_worker(context: RecordingContext) -> None:
    output = Tail()
    run(context, command("ps -o pgid= -p $$"), on_output=output, on_error=Tail())
    assert int(output.text()) == os.getpgrp()


def test_a_command_that_closes_its_output_can_be_stopped(context: RecordingContext) -> None:
    timer = threading.Timer(0.2, context.stop)
    timer.start()
    with pytest.raises(Stopped):
        run(context, command("exec sleep 60 >&- 2>&-"), on_output=Tail(), on_error=Tail())
    timer.join()


def test_memory_and_file_sizes_are_limited(context: RecordingContext, tmp_path: Path) -> None:
    limits = Limits(memory_bytes=256 * 1024**2, file_bytes=4096)
    errors = Tail()
    hungry = f"{sys.executable} -c 'bytes(10**9)'; head -c 10000 /dev/zero > {tmp_path / 'file'}"
    assert run(context, command(hungry, limits=limits), on_output=Tail(), on_error=errors) != 0
    assert "MemoryError" in errors.text()
    assert (tmp_path / "file").stat().st_size == 4096


def test_ps_tells_the_same_parents_as_proc() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        assert processes.parents_by_ps()[child.pid] == os.getpid()
        assert processes.family(child, "none") == {child.pid}
    finally:
        processes.end(child, "none")
    assert child.returncode == -9
