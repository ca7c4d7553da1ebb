"""Having work done by a process of its own, which may crash, hang or be killed without harm."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from agents_app.context import ToolContext, ToolError
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Limits, Tail, python_command

_LINE_MAX_BYTES = 8 * 1024**2


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
    code = subprocesses.run(context, command, on_output=listener, on_error=errors)
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
        self._rest = b""

    def __call__(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        if len(self._rest) > _LINE_MAX_BYTES:
            raise ToolError("worker_failed", "The process that reads the file said more than it should.")

    def _take(self, told: Mapping[str, Any]) -> None:
        if "progress" in told:
            self._on_progress(float(told["progress"]))
        if "partial" in told:
            partial = dict(told["partial"])
            self._context.keep(str(partial.pop("summary")), partial)
        self.result = told.get("result", self.result)
        self.error = told.get("error", self.error)
