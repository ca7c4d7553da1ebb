"""Run one attempt of a subagent: claim, execute, classify, finish."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from agents_app import liveness, pool, process_groups
from agents_app.attempt import Attempt
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.models import Subagent
from agents_app.pool import Outcome
from agents_app.presentation import SUMMARY_MAX_CHARACTERS
from agents_app.registry import find_agent_type
from sessions_app.errors import Refusal
from sessions_app.events import json_bytes

logger = logging.getLogger(__name__)

RESULT_MAX_BYTES = 2 * 1024 * 1024
REPORT_MAX_CHARACTERS = 200_000
State = Subagent.State


def run(subagent_id: UUID, attempt: int) -> None:
    """Run an admitted attempt to its end; does nothing if somebody else has it or it is over."""
    subagent = pool.start(subagent_id, attempt, liveness.current_worker_id())
    if subagent is None:
        return
    kind = find_agent_type(subagent.agent_type)
    with _workdir(subagent) as workdir:
        outcome = _execute(Attempt(subagent, kind, workdir), subagent)
    # After the clean-up: whoever sees the end may rely on it that nothing is left.
    _finish(subagent, outcome)


def workdir_path(subagent_id: UUID, attempt: int) -> Path:
    """Return the folder of one attempt: no two attempts share one."""
    return Path(settings.WORK_DIR) / f"{subagent_id}-{attempt}"


def remove_workdir(subagent_id: UUID, attempt: int) -> None:
    """Remove the folder of an attempt that ended or died."""
    shutil.rmtree(workdir_path(subagent_id, attempt), ignore_errors=True)


def _execute(context: ToolContext, subagent: Subagent) -> Outcome:
    """Do the work and classify how it ended: the one place that maps exceptions to states."""
    try:
        execute = find_agent_type(subagent.agent_type).execute
        result = execute(context, subagent.tool_name, subagent.args)
    except Stopped:
        return Outcome(state=State.CANCELLED)
    except (ToolError, Refusal) as error:
        return _failed(error.code, str(error))
    except MemoryError:
        return _failed("out_of_memory", "The work needed more memory than there is.")
    except Exception as error:  # a tool's bug ends its own attempt, not the worker
        logger.exception("%s failed", subagent)
        return _failed("tool_error", f"{type(error).__name__}: {error}"[:500])
    body: dict[str, Any] = {"summary": result.summary[:SUMMARY_MAX_CHARACTERS], "data": dict(result.data)}
    if json_bytes(body) > RESULT_MAX_BYTES:
        return _failed("result_too_large", f"The result is larger than {RESULT_MAX_BYTES:,} bytes.")
    body["has_report"] = bool(result.report)
    return Outcome(state=State.SUCCEEDED, result=body, report=result.report[:REPORT_MAX_CHARACTERS])


def _finish(subagent: Subagent, outcome: Outcome) -> None:
    """Store the outcome, or let the process die: its keeper then gives the attempt back, so that a row
    never stays `running` in a worker that has gone on to something else."""
    try:
        pool.finish(subagent, outcome)
    except DatabaseError:
        logger.exception("could not store the outcome of %s", subagent)
        os._exit(70)


def _failed(code: str, message: str) -> Outcome:
    return Outcome(state=State.FAILED, error={"code": code, "message": message})


@contextmanager
def _workdir(subagent: Subagent) -> Iterator[Path]:
    folder = workdir_path(subagent.pk, subagent.attempt)
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        process_groups.kill_others()
        remove_workdir(subagent.pk, subagent.attempt)
