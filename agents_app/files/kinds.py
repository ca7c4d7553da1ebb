"""What kind of file it is, by its first bytes; a name decides only between kinds of text."""

import mimetypes
import re
from pathlib import PurePath

HEAD_BYTES = 4096
UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
# Where it begins, with what, and what it then is; the first that fits counts.
_MARKS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_OFFICE = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".jar": "application/java-archive",
    ".whl": "application/zip",
}
_TEXTS = {
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-sh",
    "image/svg+xml",
}
_BY_SUFFIX = {".md": "text/markdown", ".csv": "text/csv", ".tsv": "text/tab-separated-values"}
_BY_SUFFIX |= {".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson", ".log": TEXT}
# Control characters that no text has; a byte that begins no UTF-8 says more.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def content_type(head: bytes, name: str) -> str:
    """Return the content type of a file that begins with `head`, its first 4096 bytes."""
    suffix = PurePath(name).suffix.lower()
    for offset, mark, kind in _MARKS:
        if head.startswith(mark, offset):
            return _OFFICE.get(suffix, kind) if kind == "application/zip" else kind
    return _of_text(suffix) if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    # The last character may be cut, if the file is longer.
    for end in range(4 if len(head) == HEAD_BYTES else 1):
        try:
            return not _CONTROLS.search(head[: len(head) - end].decode())
        except UnicodeDecodeError:
            continue
    return False


def _of_text(suffix: str) -> str:
    """Return the kind of text that a suffix tells."""
    kind = _BY_SUFFIX.get(suffix) or mimetypes.guess_type(f"name{suffix}", strict=True)[0] or TEXT
    return kind if kind.startswith("text/") or kind in _TEXTS | set(_BY_SUFFIX.values()) else TEXT
