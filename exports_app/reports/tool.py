"""The tool `generate_report`: what was said, done and spent, as a document to read and to keep."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from agents_app.context import ToolContext
from agents_app.files import names
from agents_app.registry import ToolResult, tool
from agents_app.wording.tables import amount
from exports_app.reports import document, period, scope
from exports_app.reports.period import Period
from exports_app.reports.scope import Scope
from exports_app.reports.sections import overview, results
from exports_app.typesetting import page, pdf
from sessions_app.errors import Refusal
from sessions_app.payloads import FilePayload

_SUFFIXES = {"markdown": ".md", "html": ".html", "pdf": ".pdf"}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "scope": {
            "enum": [scope.SESSION, scope.MINE, scope.SERVER],
            "description": "session: this chat; mine: its user's chats (default); server: all, staff only.",
        },
        "period": {
            "enum": [*period.DAYS, "all"],
            "description": "How far back, today included; 7d if nothing is given. since and until win.",
        },
        "since": {
            "type": "string",
            "maxLength": 10,
            "description": "Instead of period: the first day, as 2026-01-31.",
        },
        "until": {
            "type": "string",
            "maxLength": 10,
            "description": "The last day; today if it is not given.",
        },
        "sections": {
            "type": "array",
            "items": {"enum": list(document.SECTIONS)},
            "minItems": 1,
            "uniqueItems": True,
            "description": "Only these; without it all that have content.",
        },
        "subagent_ids": {
            "type": "array",
            "items": {"type": "string", "format": "uuid", "maxLength": 36},
            "maxItems": 20,
            "description": "Earlier results of subagents to include, such as an analysis of a code base.",
        },
        "format": {
            "enum": list(_SUFFIXES),
            "description": "Of the file; markdown if it is not given. The chat shows the report in any case.",
        },
        "title": {"type": "string", "maxLength": 200, "description": "A title; without it one is made."},
    },
}
_WRITTEN_PERCENT, _TYPESET_PERCENT = 75.0, 95.0


def check(**wish: Any) -> None:
    """Raise `Refusal` (`invalid_arguments`)."""
    _period(wish)
    if not all(map(_is_id, wish.get("subagent_ids", ()))):
        raise Refusal("invalid_arguments", "generate_report: subagent_ids are the ids of subagents.")


def permit(owner_id: int, **wish: Any) -> None:
    """Raise `Refusal` for what is not the user's to see: `not_staff`, `not_found`."""
    scope.permit(owner_id, wish.get("scope", scope.MINE))
    results.chosen(owner_id, wish.get("subagent_ids", ()))


@tool(
    name="generate_report",
    title="Report",
    description=(
        "Make a report on what was said, done and spent: this chat, all chats of its user or (for staff) the "
        "whole server, over some days. It has figures, charts and tables, can include earlier results, and "
        "comes as a file in Markdown, HTML or PDF. Every argument is optional."
    ),
    input_schema=_SCHEMA,
    check=check,
    permit=permit,
    heavy=True,
    safe_to_repeat=True,
)
def generate_report(context: ToolContext, **wish: Any) -> ToolResult:
    """Write a report and deliver it as a file.

    Stages: `collecting` to 75 percent, by section; `typesetting` to 95; `storing`. What is written is kept
    after each section.

    Raises `Stopped`; `ToolError`: `pdf_failed`, `pdf_too_large`, those of `ToolContext.deliver`; `Refusal` as
    `permit` does, for what was the user's when it was queued.
    """
    what = scope.open_scope(context, wish.get("scope", scope.MINE), _period(wish))
    ids = results.chosen(context.owner_id, wish.get("subagent_ids", ()))
    title = document.title(wish.get("title", ""), what)
    context.progress(0.0, "collecting")
    figures = overview.measure(what)
    sections = wish.get("sections") or document.SECTIONS
    text = _write(context, document.Plan(title, what, sections, ids, figures))
    file = _deliver(context, wish.get("format", "markdown"), title, text, what)
    data = {
        "scope": what.kind,
        "since": str(what.period.first or ""),
        "until": str(what.period.last),
        "figures": figures,
        "included": [str(pk) for pk in ids],
        "file": dict(file),
    }
    link = names.as_link(file["name"], file["file_id"])
    return ToolResult(summary=f"{_summary(figures, what)} {link}", data=data, report=text)


def _period(wish: Mapping[str, Any]) -> Period:
    name = wish.get("period", "7d")
    return period.parse(name, wish.get("since"), wish.get("until"), datetime.now(UTC).date())


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _write(context: ToolContext, plan: document.Plan) -> str:
    """Return the report, and keep what there is of it after each section."""
    written: list[str] = []
    kept = 0.0
    for share, block in document.blocks(plan):
        if share > kept:
            kept = share
            context.keep(f"The report was {100 * share:.0f} % written.", {}, _joined(written))
        if block:
            written.append(block)
        context.progress(_WRITTEN_PERCENT * share, "collecting")
    return _joined(written)


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _deliver(context: ToolContext, form: str, title: str, text: str, what: Scope) -> FilePayload:
    """Make the file and hand it over."""
    path = context.workdir / f"report{_SUFFIXES[form]}"
    made = f"{title} · MCP Chat, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    context.progress(_WRITTEN_PERCENT, "typesetting")
    if form == "pdf":
        pdf.write(context, text, path, title=title, made=made, watch=_alive(context))
    else:
        whole = page.html(text, title=title, made=made) if form == "html" else text
        path.write_text(whole, encoding="utf-8")
    context.progress(_TYPESET_PERCENT, "storing")
    return context.deliver(path, _file_name(what) + _SUFFIXES[form])


def _alive(context: ToolContext) -> Callable[[], None]:
    """Return what says that the work goes on: typst does not tell how far it is."""
    return lambda: context.progress(_WRITTEN_PERCENT, "typesetting")


def _file_name(what: Scope) -> str:
    first = f"{what.period.first}-to-" if what.period.first else "until-"
    return f"report-{what.kind}-{first}{what.period.last}"


def _summary(figures: Mapping[str, Any], what: Scope) -> str:
    states = figures["states"]
    return (
        f"Report on {scope.TITLES[what.kind]}, {what.period}: {figures['messages']:,} messages in "
        f"{amount(figures['chats'], 'chat')}, {amount(figures['work'], 'piece')} of work, "
        f"{states.get('succeeded', 0):,} of it succeeded and {states.get('failed', 0):,} failed."
    )
