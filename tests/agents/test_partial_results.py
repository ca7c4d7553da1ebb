"""What there was of work that did not end well comes into the chat."""

from pathlib import Path

import pytest

from agents_app import pool, prompts
from agents_app.attempt import Attempt
from agents_app.context import ToolError
from agents_app.heard import LINES_MAX, Heard
from agents_app.models import Subagent
from agents_app.outcome import Outcome, failed, of_error
from agents_app.presentation import subagent_payload
from agents_app.registry import find_agent_type
from agents_app.tools.subagents import list_subagents
from sessions_app.models import ChatSession
from tests.agents import work
from tests.recording import RecordingContext

pytestmark = pytest.mark.django_db(transaction=True)
CANCELLED = Outcome(state=Subagent.State.CANCELLED)
LATE = failed("timeout", "It ran longer than 1 s and was stopped.")


def _kept(session: ChatSession, tmp_path: Path, report: str = "# Half") -> Subagent:
    """Return running work that kept a partial result."""
    subagent = work.running(session, safe=False)
    Attempt(subagent, find_agent_type("tool_executor"), tmp_path).keep("half of it", {"files": 2}, report)
    return subagent


@pytest.mark.parametrize(
    "ended", [LATE, of_error(ToolError("broken", "It broke."))], ids=["timed out", "failed"]
)
def test_failed_work_tells_why_and_what_there_was(
    session: ChatSession, tmp_path: Path, ended: Outcome
) -> None:
    pool.finish(_kept(session, tmp_path), ended)
    message = session.messages.get(role="subagent")
    assert ended.error
    assert message.content.startswith(f"**probe** failed: {ended.error['message']}")
    assert message.content.endswith("# Half")
    assert session.turns.count() == 1


def test_lost_work_tells_what_there_was(session: ChatSession, tmp_path: Path) -> None:
    subagent = _kept(session, tmp_path)
    pool.give_back(work.fresh(subagent))
    content = session.messages.get(role="subagent").content
    assert "`worker_lost`" in content
    assert content.endswith("# Half")


def test_cancelled_work_shows_what_there_was_and_wakes_nobody(session: ChatSession, tmp_path: Path) -> None:
    pool.finish(_kept(session, tmp_path), CANCELLED)
    message = session.messages.get(role="subagent")
    assert message.content == "**probe** was cancelled.\n\nWhat there was by then:\n\n# Half"
    assert not message.wants_answer
    assert not session.turns.exists()


def test_cancelled_work_with_a_summary_only_has_it_in_its_card_alone(
    session: ChatSession, tmp_path: Path
) -> None:
    subagent = _kept(session, tmp_path, report="")
    pool.finish(subagent, CANCELLED)
    assert not session.messages.exists()
    payload = subagent_payload(work.fresh(subagent))
    assert payload["result"] == {"summary": "half of it", "partial": True}
    assert (payload["summary_html"], payload["has_report"]) == ("<p>half of it</p>\n", False)


def test_work_that_kept_nothing_says_why_it_failed_and_no_more(session: ChatSession) -> None:
    pool.finish(work.running(session), LATE)
    content = session.messages.get(role="subagent").content
    assert content == "**probe** failed: It ran longer than 1 s and was stopped. (`timeout`)"


def test_the_model_is_told_what_there_was(session: ChatSession, tmp_path: Path) -> None:
    pool.finish(_kept(session, tmp_path), LATE)
    prompt = prompts.as_prompt(session.messages.get(role="subagent"))
    assert '"summary": "half of it"' in prompt
    assert "# Half" in prompt


def test_the_model_finds_what_there_was_of_cancelled_work(session: ChatSession, tmp_path: Path) -> None:
    pool.finish(_kept(session, tmp_path), CANCELLED)
    context = RecordingContext(tmp_path)
    context.session_id = session.pk
    (listed,) = list_subagents(context, ended=True).data["subagents"]
    assert (listed["state"], listed["summary"], listed["is_partial"]) == ("cancelled", "half of it", True)


def test_what_a_server_told_is_kept_the_last_of_it_and_each_once(tmp_path: Path) -> None:
    context = RecordingContext(tmp_path)
    heard = Heard(context)
    for step in range(LINES_MAX + 5):
        heard.take(step, f"step {step}")
    heard.take(99, "step 20")
    heard.keep()
    (kept,) = context.kept
    assert len(kept.data["told"]) == LINES_MAX
    assert kept.data["told"][0] == "5 %: step 5"
    assert kept.data["told"][-1] == "99 %: step 20"


def test_a_server_that_told_nothing_leaves_nothing(tmp_path: Path) -> None:
    context = RecordingContext(tmp_path)
    heard = Heard(context)
    heard.take(50, "")
    heard.keep()
    assert context.kept == []
