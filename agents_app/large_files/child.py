"""Having work done by a process of its own, which may crash, hang or be killed without harm."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from agents_app.context import ToolContext, ToolError
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Limits, Lines, Tail, TooLong, python_command


def run(
    context: ToolContext,
    module: str,
    job: Mapping[str, Any],
    *,
    memory_bytes: int,
    file_bytes: int,
    on_progress: Callable[[float], None],
) -> Mapping[str, Any]:
    """Run `module` on `job` and return its result; partial results are kept on the way.

    Raises `Stopped`, after which nothing of it is left, and `ToolError`: its own, or `worker_failed` when it
    ended without a word.
    """
    stdin = context.workdir / "job.json"
    stdin.write_text(json.dumps(job))
    limits = Limits(memory_bytes=memory_bytes, file_bytes=file_bytes)
    listener, errors = _Listener(context, on_progress), Tail()
    command = python_command(module, limits=limits, stdin=stdin)
    try:
        code = subprocesses.run(context, command, on_output=Lines(listener.take), on_error=errors)
    except TooLong:
        raise ToolError(
            "worker_failed", "The process that reads the file said more than it should."
        ) from None
    if listener.error is not None:
        raise ToolError(str(listener.error["code"]), str(listener.error["message"]))
    if listener.result is None:
        raise _failure(code, errors.text())
    return listener.result


def _failure(code: int, errors: str) -> ToolError:
    if "MemoryError" in errors or "bad_alloc" in errors:
        return ToolError("too_large_for_memory", "The file needs more memory than one file may take.")
    return ToolError("worker_failed", f"The process that reads the file ended with code {code}.")


class _Listener:
    """Takes what the process prints, line by line."""

    def __init__(self, context: ToolContext, on_progress: Callable[[float], None]) -> None:
        self.result: Mapping[str, Any] | None = None
        self.error: Mapping[str, Any] | None = None
        self._context = context
        self._on_progress = on_progress

    def take(self, line: bytes) -> None:
        told = json.loads(line)
        if "progress" in told:
            self._on_progress(float(told["progress"]))
        if "partial" in told:
            partial = dict(told["partial"])
            self._context.keep(str(partial.pop("summary")), partial)
        self.result = told.get("result", self.result)
        self.error = told.get("error", self.error)
