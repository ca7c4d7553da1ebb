"""Run one attempt of a subagent: claim, execute, classify, finish."""

import logging
import os
import time
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from agents_app import admission, liveness, outcome, pool, process_groups
from agents_app.attempt import Attempt, remove_workdir, workdir_path
from agents_app.context import Stopped, ToolContext, ToolError
from agents_app.models import Subagent
from agents_app.outcome import Outcome
from agents_app.registry import AgentType, find_agent_type
from agents_app.statements import Admitted
from sessions_app.errors import Refusal

logger = logging.getLogger(__name__)

TAKING_SECONDS = 1.0


def run(subagent_id: UUID, attempt: int) -> None:
    """Run an admitted attempt to its end; does nothing if somebody else has it or it is over.

    Short work is followed by what gets its slot, without a message in between, for a second at most: then a
    worker that was told to stop has stopped taking.
    """
    until = time.monotonic() + TAKING_SECONDS
    subagent = _start(subagent_id, attempt)
    while subagent is not None:
        # Stored after the clean-up: whoever sees the end may rely on it that nothing is left.
        end = _run_and_clean_up(subagent)
        taken = _finish(subagent, end, take=time.monotonic() < until)
        if taken and taken.queue:  # it cannot be run here
            admission.send(subagent.pool_id, taken)
            taken = None
        subagent = _start(taken.subagent_id, taken.attempt) if taken else None


def _start(subagent_id: UUID, attempt: int) -> Subagent | None:
    try:
        subagent = pool.start(subagent_id, attempt, liveness.own_worker_id())
    except (OperationalError, InterfaceError):  # the connection was kept, and the database has been away
        connection.close()
        subagent = None
    # Else it is mostly a message that came twice. It may be this process that is not known any more.
    return subagent or pool.start(subagent_id, attempt, liveness.current_worker_id())


def _run_and_clean_up(subagent: Subagent) -> Outcome:
    kind = find_agent_type(subagent.agent_type)
    context = Attempt(subagent, kind, workdir_path(subagent.pk, subagent.attempt))
    try:
        return _execute(context, kind, subagent)
    finally:
        _end_progress(context)
        process_groups.kill_others()
        process_groups.reap()
        remove_workdir(subagent.pk, subagent.attempt)


def _end_progress(context: Attempt) -> None:
    try:
        context.end()
    except DatabaseError:  # the outcome, which comes next, is what counts
        logger.exception("the last progress of a subagent could not be stored")


def _execute(context: ToolContext, kind: AgentType, subagent: Subagent) -> Outcome:
    try:
        return outcome.of_result(kind.execute(context, subagent.tool_name, subagent.args))
    except BaseException as error:  # a tool's bug ends its own attempt, not the worker
        if _is_shutdown(error):
            raise
        if not isinstance(error, Stopped | ToolError | Refusal):
            logger.exception("%s failed", subagent)
        return outcome.of_error(error)


def _is_shutdown(error: BaseException) -> bool:
    """Whether this is the signal that ends a worker's child: billiard raises SystemExit(signal - 256) for it.

    The attempt then dies with its process, and the keeper gives it back.
    """
    return isinstance(error, SystemExit) and isinstance(error.code, int) and error.code < 0


def _finish(subagent: Subagent, end: Outcome, *, take: bool) -> Admitted | None:
    """Store the outcome; return what is to be run next, if that is to be taken.

    If it cannot be stored the process dies: its keeper then gives the attempt back, so that a row never stays
    `running` in a worker that has gone on to something else.
    """
    try:
        if take:
            return pool.finish_and_take(subagent, end)
        pool.finish(subagent, end)
    except DatabaseError:
        logger.exception("could not store the outcome of %s", subagent)
        os._exit(70)
    return None
