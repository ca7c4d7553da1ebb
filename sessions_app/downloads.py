"""Files as attachments: sent piece by piece, or a part of one to who goes on with a broken download."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags

from sessions_app.errors import Refusal
from sessions_app.problems import as_response

CHUNK_BYTES = 256 * 1024
_THREADS = ThreadPoolExecutor(32, thread_name_prefix="downloads")
"""Of downloads alone: a bucket that says nothing is not to hold up the uploads, too."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file to be sent; `open` is called by whoever reads it, and `name` may be the user's text."""

    open: Callable[[], IO[bytes]]
    name: str
    content_type: str
    size: int
    sha256: str


def send(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """Return the file, the part of it that `Range` asks for (206), or 416 if it has no such part.

    Several ranges, and one that is not understood, are answered with the whole file, as HTTP allows; who has
    the file already (`If-None-Match`) gets 304.
    """
    if _has_it(request, attachment):
        return HttpResponseNotModified(headers={"ETag": _tag(attachment)})
    part = _part(request, attachment)
    return _no_part(attachment) if part is not None and not part else _sent(attachment, part)


def _sent(attachment: Attachment, part: range | None) -> HttpResponseBase:
    size = attachment.size
    whole = range(size) if part is None else part
    response: HttpResponseBase = StreamingHttpResponse(
        _chunks(attachment, whole), content_type=attachment.content_type
    )
    if part is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    response["Content-Length"] = str(len(whole))
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = _tag(attachment)
    response["Content-Disposition"] = content_disposition_header(True, attachment.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _no_part(attachment: Attachment) -> HttpResponseBase:
    size = attachment.size
    refusal = Refusal(
        "range_not_satisfiable", f"The file has {size:,} bytes, none of them in that range.", 416
    )
    response = as_response(refusal)
    response["Content-Range"] = f"bytes */{size}"
    return response


def _has_it(request: HttpRequest, attachment: Attachment) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or _tag(attachment) in (tag.removeprefix("W/") for tag in known)


def _part(request: HttpRequest, attachment: Attachment) -> range | None:
    """Return which bytes are asked for: empty if there are none of them, None for the whole file.

    Of a HEAD they are not asked for: HTTP knows parts of a GET alone.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    is_same = request.headers.get("If-Range", _tag(attachment)) == _tag(attachment)
    if request.method != "GET" or not match or not any(match.groups()) or not is_same:
        return None
    size, (first, last) = attachment.size, match.groups()
    if not first:
        return range(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def _tag(attachment: Attachment) -> str:
    return f'"{attachment.sha256}"'


async def _chunks(attachment: Attachment, part: range) -> AsyncIterator[bytes]:
    """Yield a part of the file piece by piece: under ASGI a plain iterator would be read into memory whole.

    It is opened by whoever reads it: a HEAD reads nothing, and would leave an open file behind.
    """
    left = len(part)
    file = await _in_thread(attachment.open)
    try:
        await _in_thread(file.seek, part.start)
        while left and (chunk := await _in_thread(file.read, min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    finally:
        # Of who breaks off a download a read may be under way, which closing waits for.
        await _in_thread(file.close)


async def _in_thread(do: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, do, *arguments)
