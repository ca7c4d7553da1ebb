"""Makes archives, honest and hostile ones, for tests."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping

import zstandard

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of `files` (content by name)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_of(files: Mapping[str, str | bytes], *others: tarfile.TarInfo) -> bytes:
    """Return a tar archive of `files`, then members without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for other in others:
            archive.addfile(other)
    return buffer.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a member without content."""
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


def overlapping_zip(members: int, size: int) -> bytes:
    """Return a zip archive whose members all are the same `size` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(size)) + packer.flush()
    figures = struct.pack("<III", zlib.crc32(bytes(size)), len(data), size)
    local = b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + figures + struct.pack("<HH", 1, 0) + b"a"
    central = b"".join(
        b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + figures
        + struct.pack("<HHHHHII", 6, 0, 0, 0, 0, 0, 0) + f"{number:06}".encode()
        for number in range(members)
    )  # fmt: skip
    place = len(local) + len(data)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, members, members, len(central), place, 0)
    return local + data + central + end


def quine_zip() -> bytes:
    """Return a zip archive that holds itself under `r/r.zip`, as far as its reader unpacks what it holds.

    The nest is written out three times; a reader that went on would find what it began with.
    """
    inner = zip_of({"r/r.zip": b"", "a.py": "x = 1\n"})
    for _level in range(3):
        inner = zip_of({"r/r.zip": inner, "a.py": "x = 1\n"})
    return inner
