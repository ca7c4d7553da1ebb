"""Downloading a file: addresses looked up once, checked and pinned, at each redirect anew."""

from pathlib import Path
from urllib.parse import urljoin

from django.conf import settings

from agents_app.context import ToolContext, ToolError
from agents_app.isolation import networks
from agents_app.isolation.networks import IPAddress
from agents_app.large_files import child
from agents_app.large_files.address import Address, check, parse
from agents_app.stages import Remaining, Stage
from sessions_app.errors import Refusal

_REDIRECTS_MAX = 5
_MEMORY_BYTES = 512 * 1024**2


def fetch(context: ToolContext, stage: Stage, address: Address, max_bytes: int) -> Path:
    """Download `address` into `context.workdir` and return the file.

    Raises `Stopped` and `ToolError`: `url_refused` (also for what a redirect points to), `url_unreachable`,
    `url_failed` (the server answers with an error), `file_too_large`.
    """
    for _redirect in range(_REDIRECTS_MAX + 1):
        answer = _ask(context, stage, address, max_bytes)
        if not answer:
            return context.workdir / "download"
        address = _follow(address, answer)
    raise ToolError("url_refused", "The address is redirected too often.")


def _ask(context: ToolContext, stage: Stage, address: Address, max_bytes: int) -> str:
    """Download, or return where the server sends us."""
    job = {
        "scheme": address.scheme,
        "host": address.host,
        "port": address.port,
        "target": address.target,
        "addresses": [str(found) for found in _resolve(context, address)],
        "to": str(context.workdir / "download"),
        "max_bytes": max_bytes,
    }
    remaining = Remaining()
    answer = child.run(
        context,
        "agents_app.large_files.downloading",
        job,
        memory_bytes=_MEMORY_BYTES,
        file_bytes=max_bytes,
        on_progress=lambda done: stage.at(done, remaining.seconds(done)),
    )
    return str(answer.get("redirect", ""))


def _resolve(context: ToolContext, address: Address) -> list[IPAddress]:
    trusted = address.trusted(settings.ALLOWED_FILE_HOSTS)
    try:
        check(address, settings.ALLOWED_FILE_HOSTS)
        return networks.resolve(context, address.host, address.port, trusted=trusted)
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from None
    except ToolError as error:
        code = "url_refused" if error.code == "repository_refused" else "url_unreachable"
        raise ToolError(code, error.message) from None


def _follow(address: Address, location: str) -> Address:
    base = f"{address.scheme}://{networks.bracketed(address.host)}:{address.port}{address.target}"
    try:
        return parse(urljoin(base, location))
    except (Refusal, ValueError):
        raise ToolError("url_refused", "The address is redirected to one that is not taken.") from None
