"""The demo model: needs no key and no network, says so, and drives the real tools on plain requests.

It stands behind the same interface as every other model, so all that happens around it is the real thing.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, RetryPromptPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from agents_app.large_files import plain_requests
from agents_app.model_providers import Endpoint
from agents_app.prompts import RESOURCE_MARK, RESULT_MARK

WORD_SECONDS = 0.012

_ADDRESS = re.compile(
    r"(?:https?|ssh|git|file|ext)::?/?/?[^\s<>]+|[\w.-]+@[\w.-]+:[^\s<>]+|(?<!\S)[/~][^\s<>]+"
)
_FILE = re.compile(r"/files/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?(?![\w/-])", re.IGNORECASE)
_SUBFOLDER = re.compile(r"\bsubfolder\s+([\w./-]*[\w/-])", re.IGNORECASE)
_REF = re.compile(r"\b(?:branch|tag|ref)\s+([\w./-]*[\w/-])", re.IGNORECASE)
_FORMATS = (
    re.compile(r"\b(?:as|to|in)\s+(?:an?\s+)?(?!file\b|an?\b)(\w+)", re.IGNORECASE),
    re.compile(r"\bexport\s+(?!this\b|it\b|that\b)(\w+)\W*$", re.IGNORECASE),
)
_ALL_CHATS = re.compile(
    r"\b(?:all|every|each)\s+(?:of\s+)?(?:(?:my|the)\s+)?(?:chats?|sessions?|conversations?)\b", re.IGNORECASE
)

_ABOUT_WORK = (
    (r"\b(cancel|abort)\b", "cancel_subagent"),
    (r"\b(running|status|progress|queue)\b", "list_subagents"),
)
_REPORT_WORDS = (
    (
        "scope",
        "mine",
        ((r"\bserver\b", "server"), (r"\b(this|the) (chat|session|conversation)\b", "session")),
    ),
    ("period", "7d", ((r"\btoday\b", "today"), (r"\bmonth\b", "30d"), (r"\b(all|ever|everything)\b", "all"))),
    ("format", "markdown", ((r"\bpdf\b", "pdf"), (r"\bhtml\b", "html"))),
)

_CONFIGURE = """\
No language model is configured, so I only understand a few plain requests. To talk to a real one, stop the
server and start it again with a model and its key, for example
`MCPCHAT_MODEL=openai:gpt-5 OPENAI_API_KEY=… make run` (also `anthropic:…` and `google:…`; `OPENAI_BASE_URL`
points to any server with an OpenAI-compatible API)."""

_REQUESTS = """\
- **analyze** *https://host/owner/repository* (or an allow-listed folder, or an archive that you upload): a
  subagent fetches it, counts, parses and reports, with live progress
- **summarize** or **search** *a file* **for** *a pattern*: of any size, uploaded, in an allow-listed folder
  or at an https address
- **report on this week as pdf** (or **today**, **this month**, **this chat**, **the server**; **html**):
  what was said, done and spent, with figures and charts
- **what is running**: the subagents of this session
- **cancel it**: stops the newest of them
- **export as pdf**, **html**, **markdown** or **json**: a file to download; **export all chats as pdf**: a
  zip with a file for each
- **what can you do**: this list"""


def build(model_name: str, endpoint: Endpoint) -> Model:
    """Return the demo model; it has no variants and is nowhere but here."""
    return FunctionModel(stream_function=_answer, model_name="demo")


async def list_models(endpoint: Endpoint) -> list[str]:
    """Return its only name."""
    return ["demo"]


async def _answer(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    """Stream the answer to the newest request: text in words, then the tool calls that it takes."""
    newest = next(message for message in reversed(messages) if isinstance(message, ModelRequest))
    texts, calls = _plan(newest, f"{len(messages)}")
    for word in re.findall(r"\S+\s*|\s+", "\n\n".join(texts)):
        yield word
        await asyncio.sleep(WORD_SECONDS)
    if calls:
        yield dict(enumerate(calls))


def _plan(request: ModelRequest, step: str) -> tuple[list[str], list[DeltaToolCall]]:
    texts: list[str] = []
    calls: list[DeltaToolCall] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart):
            texts.append(_tell_return(part))
        elif isinstance(part, RetryPromptPart):
            texts.append(f"That did not work: {part.content}")
        elif isinstance(part, UserPromptPart) and not _is_resource(part):
            said, wanted = _understand(str(part.content))
            texts.append(said)
            calls += [_call(name, arguments, f"{step}-{len(calls)}") for name, arguments in wanted]
    return [text for text in texts if text], calls


def _is_resource(part: UserPromptPart) -> bool:
    """Whether it is a resource: its card shows what it holds."""
    return str(part.content).startswith(RESOURCE_MARK)


def _understand(prompt: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Return what to say to a prompt and which tools to call for it."""
    facts = _facts(prompt)
    if facts is not None:
        return _tell_result(facts), []
    of_file = plain_requests.understand(prompt)
    if of_file is not None:
        return "I hand this to a subagent.", [of_file]
    lower = prompt.lower()
    about_analysis = re.search(r"\banaly[sz]", lower)
    source = _understand_source(prompt) if about_analysis else {}
    if source:
        return "I hand this to a subagent.", [("analyze_codebase", source | _understand_part(prompt))]
    about_work = next((name for pattern, name in _ABOUT_WORK if re.search(pattern, lower)), "")
    if about_work:
        return "", [(about_work, {})]
    if re.search(r"\breport\b", lower):
        return "", [("generate_report", _understand_report(prompt))]
    if about_analysis:
        return "Tell me what to analyze: a repository's address, an uploaded archive or a folder here.", []
    if "export" in lower:
        return "", [("export_session", _understand_export(prompt))]
    return _introduce(lower), []


def _introduce(prompt: str) -> str:
    if re.search(r"\b(help|what can you|who are you|how do)\b", prompt):
        return f"I am the demo agent of MCP Chat. I understand:\n\n{_REQUESTS}\n\n{_CONFIGURE}"
    return f"{_CONFIGURE}\n\nWhat I do understand:\n\n{_REQUESTS}"


def _understand_export(prompt: str) -> dict[str, Any]:
    every = {"all_chats": True} if _ALL_CHATS.search(prompt) else {}
    return {"format": _understand_format(prompt)} | every


def _understand_format(prompt: str) -> str:
    wanted = next((found for pattern in _FORMATS if (found := pattern.search(prompt))), None)
    name = wanted[1].lower() if wanted else "markdown"
    return {"md": "markdown", "htm": "html"}.get(name, name)


def _understand_report(prompt: str) -> dict[str, Any]:
    lower = prompt.lower()
    return {
        name: next((value for pattern, value in choices if re.search(pattern, lower)), default)
        for name, default, choices in _REPORT_WORDS
    }


def _understand_source(prompt: str) -> dict[str, str]:
    """Return the arguments that say what to analyze; none if the prompt does not."""
    uploaded = _FILE.search(prompt)
    if uploaded:
        return {"file": uploaded[1]}
    address = _ADDRESS.search(prompt)
    if not address:
        return {}
    target = address[0].rstrip(".,;!?)'\"`")
    ref = _REF.search(prompt)
    return {"path" if target[0] in "/~" else "repo_url": target} | ({"ref": ref[1]} if ref else {})


def _understand_part(prompt: str) -> dict[str, str]:
    part = _SUBFOLDER.search(prompt)
    return {"subfolder": part[1]} if part else {}


def _tell_return(part: ToolReturnPart) -> str:
    """Put a tool's answer into words."""
    answer = part.content if isinstance(part.content, dict) else {}
    error = answer.get("error")
    if error:
        return f"That was refused: {error['message']} (`{error['code']}`)"
    if "subagent_id" in answer:
        place = answer.get("queue_position")
        waits = f" It is number {place} in the queue." if place else ""
        return (
            f"**{_plain(answer['title'])}** is under way.{waits} You can go on chatting; "
            "its report appears here. *What is running* shows how far it is, *cancel it* stops it."
        )
    if part.tool_name == "list_subagents":
        return "\n".join([str(answer.get("summary", "")), "", *_tell_list(answer.get("data", {}))])
    return str(answer.get("summary", ""))


def _tell_list(data: dict[str, Any]) -> Iterator[str]:
    for row in data.get("subagents", []):
        place = f", number {row['queue_position']} in the queue" if row.get("queue_position") else ""
        stage = f", {row['stage'].replace('_', ' ')}" if row.get("stage") else ""
        yield f"- **{_plain(row['title'])}**: {row['state']}, {row['progress']:.0f} %{stage}{place}"


def _facts(prompt: str) -> dict[str, Any] | None:
    """Return what a result says; None for a prompt that is none, whatever it begins with."""
    if not prompt.startswith(RESULT_MARK):
        return None
    try:
        facts = json.loads(prompt.removeprefix(RESULT_MARK))
    except ValueError:
        return None
    return facts if isinstance(facts, dict) else None


def _tell_result(facts: dict[str, Any]) -> str:
    if facts.get("state") == "succeeded":
        return f"Finished. {facts.get('summary', '')}\n\nSay *export as markdown* to keep this conversation."
    error = facts.get("error")
    reason = error.get("message") if isinstance(error, dict) else "no reason was given"
    return f"This did not work: {reason} Try again with *Retry* on its card."


def _plain(title: str) -> str:
    """Return a title without what Markdown would take for markup."""
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", title)


def _call(name: str, arguments: dict[str, Any], key: str) -> DeltaToolCall:
    return DeltaToolCall(name=name, json_args=json.dumps(arguments), tool_call_id=f"demo-{key}")
