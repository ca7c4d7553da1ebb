"""The tool as its callers see it: what a report has in it, of whom, and as what file it comes."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pypdf import PdfReader

from agents_app import gateway, runner
from agents_app.admission import admit
from agents_app.context import Stopped
from agents_app.files.model import StoredFile
from agents_app.models import Subagent, ToolCall
from sessions_app import lifecycle
from sessions_app.errors import Refusal
from sessions_app.models import ChatSession
from tests.agents import work
from tests.exports.round_trip import exported, imported
from tests.recording import RecordingContext
from tests.reports.conftest import EVIL

Report = Callable[..., Any]


def pdf_text(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_a_report_counts_what_was_said_done_and_spent(
    report: Report, session: ChatSession, said: Any, worked: Any
) -> None:
    said(session, "one", "two")
    worked(session, "Fine work", seconds=4)
    worked(session, "Slow work", seconds=100)
    worked(session, "Bad work", state="failed")
    result = report()
    assert "2 messages in 1 chat, 3 pieces of work, 2 of it succeeded and 1 failed" in result.summary
    assert "| Messages of people | 2 |" in result.report
    assert "| of it succeeded | 2 (67 %) |" in result.report
    assert "| Time in the queue, median and 95th percentile | 2.0 s / 2.0 s |" in result.report
    assert "| Time of work, median and 95th percentile | 10.0 s / 1 min 40 s |" in result.report
    assert "| Slow work |" in result.report
    assert "| timeout | Bad work: It took too long\\. | 1 |" in result.report
    assert "| openai\\:gpt\\-5 | 1 | 2 | 1,500 | 300 | 0 | $0.0125 |" in result.report
    assert result.data["figures"]["worked"]["p95"] == pytest.approx(100.0, abs=0.001)
    assert result.report.count("```chart") == 6


def test_nothing_of_other_users_and_of_deleted_chats_is_in_a_report(
    report: Report, session: ChatSession, bob: Any, ann: Any, said: Any, worked: Any
) -> None:
    others, deleted = lifecycle.start(bob), lifecycle.start(ann)
    for one in (others, deleted):
        said(one, "secret")
        worked(one, "Secret work", tool_name="secret_tool")
    ChatSession.objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    result = report()
    assert "ecret" not in result.report
    assert "0 pieces of work" in result.summary


def test_a_report_on_the_chat_leaves_out_the_other_chats(
    report: Report, session: ChatSession, ann: Any, worked: Any
) -> None:
    worked(lifecycle.start(ann), "Elsewhere")
    worked(session, "Here")
    assert "Elsewhere" not in report(scope="session").report
    assert "Elsewhere" in report(scope="mine").report


def test_work_before_the_period_is_left_out(report: Report, session: ChatSession, worked: Any) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    worked(session, "Old", queued_at=long_ago)
    assert "Old" not in report(period="30d").report
    assert "Old" in report(period="all").report
    day = str(long_ago.date())
    assert "Old" in report(since=day, until=day).report


def test_many_days_are_shown_by_month(report: Report, session: ChatSession, worked: Any) -> None:
    worked(session, "Old", queued_at=timezone.now() - timedelta(days=400))
    worked(session, "New")
    text = report(period="all").report
    assert f'["{timezone.now():%Y-%m}", 1, 0]' in text


def test_only_staff_see_the_whole_server(report: Report) -> None:
    with pytest.raises(Refusal) as refused:
        report(scope="server")
    assert refused.value.code == "not_staff"


def test_a_report_on_the_server_has_names_and_counts_but_no_words_of_users(
    report: Report,
    context: RecordingContext,
    session: ChatSession,
    staff_session: ChatSession,
    said: Any,
    worked: Any,
) -> None:
    said(session, "private words")
    worked(session, "private title", state="failed", error={"code": "oops", "message": "private reason"})
    ChatSession.objects.filter(pk=session.pk).update(title="private chat")
    context.owner_id, context.session_id = staff_session.owner_id, staff_session.pk
    text = report(scope="server").report
    assert "private" not in text
    assert "| ann | 1 | 1 | 10.0 s |" in text
    assert "| oops |" in text
    assert "| tools | 3 | 1 |" in text
    assert "### Maintenance" in text


def test_an_included_result_stands_below_its_heading_with_its_chart_and_files(
    report: Report, session: ChatSession, worked: Any
) -> None:
    chart = '```chart\n{"type": "bars", "title": "Code", "unit": "lines", "rows": [["Python", 5]]}\n```'
    done = worked(session, "Analysis", report=f"# Top\n\nSetext\n===\n\n{chart}\n\n```\nopen")
    StoredFile.objects.create(
        owner=session.owner,
        session=session,
        subagent=done,
        attempt=1,
        name="data.csv",
        size=12,
        received=12,
        sha256="0" * 64,
        state="ready",
        expires_at=timezone.now() + timedelta(days=1),
    )
    second = worked(session, "Second", result={"summary": "All is **well**."})
    result = report(subagent_ids=[str(done.pk), str(second.pk)], sections=["results"])
    assert "### Analysis\n\nSucceeded" in result.report
    assert "#### Top\n\n#### Setext" in result.report
    assert chart in result.report
    assert "```\nopen\n```" in result.report
    assert "| data\\.csv | 12 |" in result.report
    assert "All is **well**." in result.report
    assert "## Overview" not in result.report


def test_results_of_others_cannot_be_included(report: Report, bob: Any, worked: Any) -> None:
    others = worked(lifecycle.start(bob), "Secret")
    codes = []
    for subagent_id in (str(others.pk), str(work.NOBODY)):
        with pytest.raises(Refusal) as refused:
            report(subagent_ids=[subagent_id])
        codes.append((refused.value.code, refused.value.detail))
    assert codes[0] == codes[1]
    assert codes[0][0] == "not_found"


@pytest.mark.parametrize(
    "arguments",
    [
        {"since": "yesterday"},
        {"since": "2026-02-30"},
        {"since": "2026-03-02", "until": "2026-03-01"},
        {"until": "9999-12-31"},
        {"until": "0001-01-01"},
        {"period": "1y"},
        {"subagent_ids": ["../x"]},
        {"format": "docx"},
        {"sections": ["server"]},
        {"more": 1},
    ],
)
def test_bad_arguments_are_refused_before_anything_is_queued(
    session: ChatSession, arguments: dict[str, Any]
) -> None:
    with pytest.raises(Refusal) as refused:
        gateway.execute_tool(session, "generate_report", arguments)
    assert refused.value.code == "invalid_arguments"
    assert not Subagent.objects.exists()


def test_what_is_not_the_users_to_see_is_refused_before_anything_is_queued(
    session: ChatSession, bob: Any, worked: Any, client_of: Any, ann: Any
) -> None:
    others = worked(lifecycle.start(bob), "Secret")
    task = {"session_id": str(session.pk), "agent_type": "tool_executor"}
    for arguments, status, code in (
        ({"scope": "server"}, 403, "not_staff"),
        ({"subagent_ids": [str(others.pk)]}, 404, "not_found"),
    ):
        with pytest.raises(Refusal) as refused:
            gateway.execute_tool(session, "generate_report", arguments)
        assert (refused.value.code, refused.value.status) == (code, status)
        wish = {**task, "task": {"tool_name": "generate_report", "args": arguments}}
        answer = client_of(ann).post("/api/subagents/", wish)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Subagent.objects.count() == 1


def test_staff_may_ask_for_a_report_on_the_server(staff_session: ChatSession) -> None:
    queued = gateway.execute_tool(staff_session, "generate_report", {"scope": "server"})
    assert queued.state == "queued"


def test_calls_that_came_with_an_imported_chat_were_not_made_here(
    report: Report, session: ChatSession
) -> None:
    ToolCall.objects.create(session=session, seq=1, tool_name="word_count", state="succeeded")
    told = exported(session)
    told["messages"].append({"role": "user", "content": "Hello"})
    imported(session.owner, told)
    made = report(scope="mine")
    assert made.data["figures"]["calls"] == 1
    assert "| word\\_count | 1 | 0 |" in made.report


def test_titles_and_errors_of_strangers_are_text_in_every_format(
    report: Report, context: RecordingContext, session: ChatSession, worked: Any, said: Any
) -> None:
    ChatSession.objects.filter(pk=session.pk).update(title=EVIL)
    said(session, "one")
    worked(session, EVIL, state="failed", error={"code": EVIL, "message": EVIL}, tool_name="t")
    for form in ("markdown", "html", "pdf"):
        report(format=form, title=EVIL)
    markdown, html, pdf = (content for _, content in context.delivered)
    assert b"\n# Fake" not in markdown
    assert b"<script" not in html
    assert b'href="javascript' not in html
    assert b"&lt;script&gt;alert(1)" in html
    text = pdf_text(pdf)
    assert '#eval("3")' in text
    assert "<script>alert(1)</script>" in text
    annotations = [page.get("/Annots") for page in PdfReader(io.BytesIO(pdf)).pages]
    assert not any(annotations)


def test_the_pdf_has_the_report_on_numbered_pages(
    report: Report, context: RecordingContext, session: ChatSession, worked: Any
) -> None:
    for number in range(10):
        worked(session, f"Piece {number}", tool_name=f"tool_{number}")
    report(format="pdf", title="Weekly report")
    ((name, content),) = context.delivered
    reader = PdfReader(io.BytesIO(content))
    assert name.endswith(".pdf")
    assert reader.metadata is not None
    assert reader.metadata.title == "Weekly report"
    assert 2 <= len(reader.pages) <= 5
    assert f"1 / {len(reader.pages)}" in reader.pages[0].extract_text()
    text = pdf_text(content)
    assert all(f"Piece {number}" in text for number in range(10))
    assert "Work by day" in text


def test_what_is_written_is_kept_and_a_cancel_is_heeded(
    report: Report, context: RecordingContext, session: ChatSession, worked: Any, said: Any
) -> None:
    said(session, "one")
    worked(session)
    context.stop_when = lambda percent, stage: percent > 40
    with pytest.raises(Stopped):
        report()
    assert "## Overview" in context.kept[-1].report
    assert not context.delivered


def test_a_cancel_ends_the_typesetting(
    report: Report, context: RecordingContext, session: ChatSession, worked: Any
) -> None:
    worked(session)
    looks = iter(range(100))
    context.stop_when = lambda percent, stage: stage == "typesetting" and next(looks) > 0
    with pytest.raises(Stopped):
        report(format="pdf")
    assert not context.delivered


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_it_and_the_owner_downloads_the_file(
    session: ChatSession, registered: Any, settings: Any, tmp_path: Any, client_of: Any
) -> None:
    settings.WORK_DIR, settings.FILES_DIR = tmp_path / "work", tmp_path / "files"
    settings.FILES_DIR.mkdir()
    subagent = gateway.execute_tool(session, "generate_report", {"format": "pdf"})
    assert isinstance(subagent, Subagent)
    work.worker()
    admit("tools")
    runner.run(subagent.pk, 1)
    subagent.refresh_from_db()
    assert subagent.state == "succeeded", subagent.error
    stored = StoredFile.objects.get(subagent=subagent)
    assert stored.content_type == "application/pdf"
    assert f"/files/{stored.pk}/" in (subagent.result or {})["summary"]
