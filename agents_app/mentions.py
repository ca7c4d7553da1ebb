"""Resources that a user's message names as `@server:uri`: found in its text, read, put before the model.

Only the names of servers that the user has count. An address that the server offers is taken as it stands,
blanks and all; any other up to the next blank, without the punctuation behind it, if it has a scheme.
"""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from agents_app.mcp_servers.model import McpServer
from agents_app.models import ToolCall
from agents_app.prompts import RESOURCE_MARK
from sessions_app.errors import Refusal
from sessions_app.models import Message

MENTIONS_MAX = 5
LOOKED_AT_MAX = 100
URI_MAX_CHARACTERS = 2000
TEXT_MAX_CHARACTERS = 20_000
# The name of a server, at the beginning of a word: no address of mail or git is one.
_BEGINNING = re.compile(r"(?<![^\s(\[{<\"'«„“‘])@([a-z][a-z0-9_-]{0,31}):")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_BEHIND = ".,;:!?)]}>\"'»”’*_`"
# Blanks and the like in between would let a text close the frame in the eyes of a model.
_FRAME = re.compile(r"<(?=\W{0,8}resource\b)", re.IGNORECASE)

Offered = Mapping[str, Sequence[str]]
# The texts that stand behind each message, by its id.
Named = Mapping[UUID, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A resource that a message names."""

    server: str
    uri: str

    @property
    def arguments(self) -> dict[str, str]:
        """What `read_resource` is called with."""
        return asdict(self)


Read = Callable[[str, Mention], Awaitable[ToolCall | Refusal]]


def of(messages: Iterable[Message], owner_id: Any) -> dict[UUID, list[Mention]]:
    """Return what each message of the user names; subagents name nothing."""
    texts = {one.pk: one.content for one in messages if one.role == Message.Role.USER}
    names = {name for text in texts.values() for name in _BEGINNING.findall(text)}
    offered = _offered(owner_id, names) if names else {}
    found = {pk: found_in(text, offered) for pk, text in texts.items()} if offered else {}
    return {pk: named for pk, named in found.items() if named}


def found_in(text: str, offered: Offered) -> list[Mention]:
    """Return the first distinct resources that a text names, of servers with what they offer."""
    found: dict[Mention, None] = {}
    for match in islice(_BEGINNING.finditer(text), LOOKED_AT_MAX):
        if len(found) == MENTIONS_MAX:
            break
        server, rest = match[1], text[match.end() : match.end() + URI_MAX_CHARACTERS + 1]
        uri = _address(rest, offered[server]) if server in offered else ""
        if uri and len(uri) <= URI_MAX_CHARACTERS:
            found[Mention(server=server, uri=uri)] = None
    return list(found)


async def read(found: Mapping[UUID, Sequence[Mention]], how: Read) -> Named:
    """Have what was found read and return it as the model is told it.

    `how(key, mention)` makes the call; the key is the same in each attempt of a turn.
    """

    async def told(message_id: UUID, mention: Mention) -> str:
        return as_told(mention, await how(f"{message_id} {mention.server}:{mention.uri}", mention))

    return {
        message_id: await asyncio.gather(*(told(message_id, mention) for mention in named))
        for message_id, named in found.items()
    }


def as_told(mention: Mention, done: ToolCall | Refusal) -> str:
    """Return a resource, or why it could not be read, in a frame that its text cannot close."""
    error: Any = done.as_error() if isinstance(done, Refusal) else done.error
    if error:
        return _framed(mention, f"It could not be read: {error.get('message', '')}", error=error.get("code"))
    data = (done.result or {}).get("data", {}) if isinstance(done, ToolCall) else {}
    blocks = data.get("content", [])
    kinds = " ".join(sorted({block.get("mime_type") or "" for block in blocks} - {""}))
    return _framed(mention, _bounded("\n".join(map(_text, blocks))), mime_type=kinds)


def _offered(owner_id: Any, names: Iterable[str]) -> dict[str, list[str]]:
    """Return the addresses that the user's servers of these names offer; paused ones are known too."""
    rows = McpServer.objects.known_to(owner_id).filter(name__in=names).only("name", "catalogue")
    offered: dict[str, list[str]] = {}
    for row in rows:
        uris = [entry["uri"] for entry in row.catalogue.get("resources", [])]
        offered.setdefault(row.name, []).extend(uris)
    return offered


def _address(rest: str, offered: Sequence[str]) -> str:
    """Return the address that a text begins with; empty if it begins with none."""
    known = [uri for uri in offered if rest.startswith(uri) and _ends_word(rest[len(uri) :])]
    if known:
        return max(known, key=len)
    match = _ADDRESS.match(rest)
    return match[0].rstrip(_BEHIND) if match else ""


def _ends_word(behind: str) -> bool:
    return not behind.lstrip(_BEHIND)[:1].strip()


def _text(block: Mapping[str, Any]) -> str:
    if "text" in block:
        return str(block["text"])
    return f"(No text: {block.get('mime_type') or 'of unknown type'}, {block.get('bytes', 0):,} bytes.)"


def _bounded(text: str) -> str:
    if len(text) <= TEXT_MAX_CHARACTERS:
        return text or "(It is empty.)"
    mark = f"[Cut: these are the first {TEXT_MAX_CHARACTERS:,} of {len(text):,} characters.]"
    return f"{text[:TEXT_MAX_CHARACTERS]}\n{mark}"


def _framed(mention: Mention, text: str, **facts: Any) -> str:
    said = {"server": mention.server, "uri": mention.uri, **facts}
    attributes = " ".join(f'{name}="{_attribute(str(value))}"' for name, value in said.items() if value)
    return f"{RESOURCE_MARK}\n<resource {attributes}>\n{_FRAME.sub('&lt;', text)}\n</resource>"


def _attribute(value: str) -> str:
    return html.escape(" ".join(value.split()))
