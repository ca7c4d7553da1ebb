"""Opening a file: compression is taken off, other encodings become UTF-8, all of it as a stream."""

import codecs
import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import zstandard

from agents_app.context import ToolError
from agents_app.large_files.telling import Told

BLOCK_BYTES = 256 * 1024
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_WINDOW_BYTES = 128 * 1024**2
UTF_8 = ("utf-8", "ascii")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A regular file that is open: `size` in bytes, `compression` is none, gzip or zstd by its content."""

    file: IO[bytes]
    size: int
    compression: str

    @property
    def place(self) -> str:
        """A path to exactly this open file, whatever its name stands for by now."""
        return f"/dev/fd/{self.file.fileno()}"


def open_file(path: str) -> Opened:
    """Open a regular file. Raises `ToolError` (`file_not_found`, `nested_compression`)."""
    with suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - it is open as long as the process
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return Opened(
                file=file, size=status.st_size, compression=_compression(os.pread(descriptor, 4, 0))
            )
    raise ToolError("file_not_found", "There is no such file.")


def _compression(head: bytes) -> str:
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else "none"


def read_bytes(opened: Opened, told: Told, max_bytes: int) -> Iterator[bytes]:
    """Yield the content uncompressed, at most `BLOCK_BYTES` at a time; progress is told in bytes of the file.

    Raises `ToolError`: `file_damaged`, and `file_too_large` when a compressed file has more than `max_bytes`.
    """
    opened.file.seek(0)
    read, source = 0, _uncompressed(opened)
    with suppress_damage():
        while block := source.read(BLOCK_BYTES):
            read += len(block)
            if opened.compression != "none" and read > max_bytes:
                raise ToolError("file_too_large", f"Unpacked, the file has more than {max_bytes:,} bytes.")
            yield block
            told.progress(min(1.0, opened.file.tell() / (opened.size or 1)))


def read_text(opened: Opened, encoding: str, told: Told, max_bytes: int) -> Iterator[bytes]:
    """Yield the content as UTF-8 without a byte order mark; what cannot be decoded becomes U+FFFD.

    What is UTF-8 already is passed on as it is. Raises as `read_bytes` does.
    """
    blocks = read_bytes(opened, told, max_bytes)
    if encoding in UTF_8:
        return blocks
    return decoded(blocks, encoding)


def decoded(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text of any encoding as UTF-8; what cannot be decoded becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).encode(errors="replace")
    yield decoder.decode(b"", final=True).encode(errors="replace")


def _uncompressed(opened: Opened) -> Any:
    if opened.compression == "gzip":
        return gzip.GzipFile(fileobj=opened.file)
    if opened.compression == "zstd":
        unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        return unpacker.stream_reader(
            opened.file, read_size=BLOCK_BYTES, read_across_frames=True, closefd=False
        )
    return opened.file


class suppress_damage:  # noqa: N801 - it is used like `contextlib.suppress`
    """Make a `ToolError` (`file_damaged`) of what the libraries say about broken compression."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise `ToolError` for an error of gzip or zstd."""
        if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error | zstandard.ZstdError):
            raise ToolError("file_damaged", "The compressed file is damaged or ends too early.") from None
