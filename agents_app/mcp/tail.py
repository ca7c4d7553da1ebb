"""What a server leaves behind: the last of its standard error, and its exit code."""

import asyncio

from sessions_app import plain

LIMIT_BYTES = 8 * 1024
_CHUNK_BYTES = 64 * 1024
# A server that writes without end is read at about 1 MB a second, so that it costs the loop little.
_PAUSE_SECONDS = 0.05


class Tail:
    """Keeps the last bytes of a stream that is read to its end."""

    def __init__(self) -> None:
        self._kept = b""
        self.exit_code: int | None = None

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read the stream until it ends."""
        while chunk := await stream.read(_CHUNK_BYTES):
            self._kept = (self._kept + chunk)[-LIMIT_BYTES:]
            if len(chunk) == _CHUNK_BYTES:
                await asyncio.sleep(_PAUSE_SECONDS)

    def lines(self, count: int = 5, limit: int = 600) -> str:
        """Return the last lines that are not blank, in one line of `limit` characters at most."""
        text = plain.text(self._kept.decode(errors="replace"))
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " / ".join(lines[-count:])[-limit:]
