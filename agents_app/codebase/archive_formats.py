"""The members of an archive, whatever its format, which its first bytes tell and not its name.

Runs in the unpacking process only.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import zstandard

_ZSTD_WINDOW_BYTES = 128 * 1024**2
_ZIP_ENCRYPTED = 0x1
_ZIP_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_ZIP_HEADER_BYTES = 30
_SUPPORTED = "Supported are zip, tar, tar.gz, tar.bz2, tar.xz and tar.zst."
# What the decoders raise over damaged input.
DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError,
    EOFError, OSError, ValueError, OverflowError, IndexError, KeyError, RuntimeError,
)  # fmt: skip


class Broken(Exception):
    """An archive that is not unpacked; the message is a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Member:
    """What an archive holds under a name: `kind` is `file`, `folder` or a word for what is left out."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


class Counted:
    """A file that counts the bytes read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def members(source: Counted) -> Iterator[Member]:
    """Return the members in their order. Raises `Broken` and what is in `DAMAGE`."""
    head = source.read(tarfile.BLOCKSIZE)
    source.seek(0)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_members(source)
    for magic, decompress in _DECOMPRESSORS.items():
        if head.startswith(magic):
            return _tar_members(decompress(cast(IO[bytes], source)))
    return _tar_members(cast(IO[bytes], source))


def _zstd(source: IO[bytes]) -> Any:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    return decompressor.stream_reader(source, read_across_frames=True)


_DECOMPRESSORS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda source: gzip.GzipFile(fileobj=source),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def _zip_members(source: Counted) -> Iterator[Member]:
    with zipfile.ZipFile(cast(IO[bytes], source)) as archive:
        infos = archive.infolist()
        _check_overlaps(infos)
        for info in infos:
            if info.flag_bits & _ZIP_ENCRYPTED:
                raise Broken("archive_unsupported", "The archive is encrypted. Give one without a password.")
            if info.compress_type not in _ZIP_METHODS:
                raise Broken(
                    "archive_unsupported", "The zip archive uses a compression that is not supported."
                )
            yield _zip_member(archive, info)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    # Some programs on Windows write their own separator.
    name = info.filename.replace("\\", "/")
    mode = info.external_attr >> 16
    return Member(
        name=name,
        kind="folder" if name.endswith("/") else _kind_of_mode(mode),
        size=info.file_size,
        open=lambda: archive.open(info),
    )


def _kind_of_mode(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "link"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "device or pipe"


def _check_overlaps(infos: list[zipfile.ZipInfo]) -> None:
    """Raise unless each member has bytes of its own: shared ones are how small archives become huge."""
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise Broken("archive_damaged", "The archive is damaged: its members overlap.")
        end = info.header_offset + _ZIP_HEADER_BYTES + info.compress_size


class _Header(tarfile.TarInfo):
    """A header that is broken is damage wherever it stands, and not taken for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.EmptyHeaderError, tarfile.EOFHeaderError):  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from None


def _tar_members(stream: IO[bytes]) -> Iterator[Member]:
    opened = False
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
            opened = True
            for info in archive:
                yield _tar_member(archive, info)
                # tarfile would hold on to every header.
                archive.members = []  # type: ignore[attr-defined]
    except tarfile.ReadError:
        if opened:
            raise
        raise Broken(
            "archive_unsupported", f"The file is no archive that can be read. {_SUPPORTED}"
        ) from None
    # The checksum of what was compressed is at its very end.
    while stream.read(_DRAIN_BYTES):
        pass


_DRAIN_BYTES = 1024**2


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    return Member(
        name=info.name,
        kind=_kind_of_header(info),
        size=info.size,
        open=lambda: cast(IO[bytes], archive.extractfile(info)),
    )


def _kind_of_header(info: tarfile.TarInfo) -> str:
    if info.isdir():
        return "folder"
    if info.issym() or info.islnk():
        return "link"
    return "file" if info.isreg() else "device or pipe"
