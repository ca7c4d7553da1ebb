"""Results and reports cut to what fits, with a mark that says so and how the whole is got."""

import json
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import ToolCallPart, ToolReturnPart, UserPromptPart

from agents_app.message_sizes import of_part
from agents_app.prompts import RESOURCE_MARK, RESULT_MARK

SHORT_TOKENS = 400
MARK_TOKENS = 120
_CALL_CHARACTERS = 200


def is_report(part: Any) -> bool:
    """Whether a prompt is a subagent's result and not a person's words."""
    is_prompt = isinstance(part, UserPromptPart) and isinstance(part.content, str)
    return is_prompt and part.content.startswith(RESULT_MARK)


def is_resource(part: Any) -> bool:
    """Whether a prompt is a resource that a message named."""
    is_prompt = isinstance(part, UserPromptPart) and isinstance(part.content, str)
    return is_prompt and part.content.startswith(RESOURCE_MARK)


def can_be_shortened(part: Any) -> bool:
    """Whether the part is a tool's result, a subagent's report or a resource."""
    # A subclass has content of a fixed form.
    return type(part) is ToolReturnPart or is_report(part) or is_resource(part)


def shortened(part: Any, limit: int, call: ToolCallPart | None = None) -> Any:
    """Return a result, report or resource in about `limit` tokens; the same one if it has no more."""
    size = of_part(part)
    if size <= limit or not can_be_shortened(part):
        return part
    share = max(limit - MARK_TOKENS, 0) / size
    if isinstance(part, ToolReturnPart):
        return replace(
            part, content=_cut(part.model_response_str(wrap_if_error=False), share, _how(part, call))
        )
    shorten = _short_resource if is_resource(part) else _short_report
    return replace(part, content=shorten(str(part.content), share))


def _cut(text: str, share: float, how: str) -> str:
    """Keep the beginning and, a third as much, the end."""
    kept = int(len(text) * share)
    head, tail = kept - kept // 4, kept // 4
    left_out = len(text) - head - tail
    mark = f"[Shortened: {left_out:,} of {len(text):,} characters are left out here. {how}]"
    return f"{text[:head]}\n{mark}\n{text[len(text) - tail :] if tail else ''}"


def _how(part: ToolReturnPart, call: ToolCallPart | None) -> str:
    arguments = call.args_as_json_str() if call else "{}"
    if len(arguments) > _CALL_CHARACTERS:
        arguments = arguments[:_CALL_CHARACTERS] + "…"
    return (
        f"It is the result of {part.tool_name}({arguments}). If you need the rest and the call changes "
        "nothing, make it again, for a smaller part if the tool can do that."
    )


def _short_resource(text: str, share: float) -> str:
    """Shorten what the frame holds and leave the frame whole."""
    opening, _, rest = text.partition(">\n")
    inside, _, closing = rest.rpartition("\n")
    return f"{opening}>\n{_cut(inside, share, 'read_resource reads it again.')}\n{closing}"


def _short_report(text: str, share: float) -> str:
    """Shorten the report and leave the facts around it whole."""
    how = "The user has the whole report in the chat."
    try:
        facts = json.loads(text.removeprefix(RESULT_MARK))
        facts["report"] = _cut(str(facts["report"]), share, how)
    except (ValueError, KeyError, TypeError):
        return f"{RESULT_MARK}\n{_cut(text.removeprefix(RESULT_MARK), share, how)}"
    return f"{RESULT_MARK}\n{json.dumps(facts, ensure_ascii=False)}"
