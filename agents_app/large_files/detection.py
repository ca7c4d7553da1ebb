"""What a file is, told by its content: text or not, its encoding, its format, the delimiter of a table."""

import codecs
import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import charset_normalizer

from agents_app.context import ToolError
from agents_app.large_files.opening import BLOCK_BYTES, Opened, read_bytes
from agents_app.large_files.telling import Told

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PARQUET = b"PAR1"
# What stands at the beginning of things that are often named as if they were text.
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive (such as an Excel workbook)",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x7fELF": "a program",
    b"SQLite format 3": "an SQLite database",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b")) + b"\x7f"
_CONTROLS_MAX = 0.02
_GUESSED_BYTES = 32 * 1024
_SLICES, _SLICE_BYTES = 16, 64 * 1024
_DELIMITERS = ",\t;|"
_TABLE_ROWS = 100
_ALIKE = 0.9
_TABULAR_NAMES = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}
TABLES = ("csv", "tsv", "json", "jsonl", "parquet")


@dataclass(frozen=True, kw_only=True)
class Nature:
    """What a file is. `delimiter` is for csv and tsv; an array of JSON has the `layout` array."""

    format: str
    compression: str
    encoding: str = ""
    line_ends: str = ""
    delimiter: str = ""
    layout: str = ""

    def document(self) -> dict[str, Any]:
        """Return the facts that there are."""
        return {name: value for name, value in asdict(self).items() if value}


def detect(opened: Opened, name: str, format: str, encoding: str, max_bytes: int) -> Nature:
    """Return what the file is; `format` and `encoding` override what its content says, `name` only hints.

    Raises `ToolError`: `not_text`, `format_mismatch`, `file_empty`, `file_damaged`, `invalid_arguments`.
    """
    head = _head(opened, max_bytes)
    if not head:
        raise ToolError("file_empty", "The file is empty.")
    if head.startswith(_PARQUET) or format == "parquet":
        return _parquet(opened, head, format)
    encoding = _known(encoding) if encoding else _encoding(head, opened)
    text = _decode(head, encoding)
    _refuse_binary(head, text, format)
    kind, layout = _format_of_text(text, name, len(head) < BLOCK_BYTES)
    kind = _override(kind, layout, format)
    return Nature(
        format=kind,
        compression=opened.compression,
        encoding=encoding,
        line_ends=_line_ends(text),
        delimiter=_delimiter(text, kind) if kind in ("csv", "tsv") else "",
        layout=layout if kind == "json" else "",
    )


def _head(opened: Opened, max_bytes: int) -> bytes:
    blocks = read_bytes(opened, Told(), max(max_bytes, BLOCK_BYTES))
    head = b""
    while len(head) < BLOCK_BYTES and (block := next(blocks, b"")):
        head += block
    return head[:BLOCK_BYTES]


def _parquet(opened: Opened, head: bytes, format: str) -> Nature:
    tail = os.pread(opened.file.fileno(), 4, max(0, opened.size - 4))
    if format not in ("", "parquet") or not head.startswith(_PARQUET):
        raise ToolError("format_mismatch", f"The content of the file is not {format}.")
    if opened.compression != "none":
        raise ToolError("format_mismatch", "A Parquet file that is compressed as a whole cannot be read.")
    if tail != _PARQUET:
        raise ToolError("file_damaged", "The Parquet file is damaged or ends too early.")
    return Nature(format="parquet", compression="none")


def _known(encoding: str) -> str:
    """Return the usual name of an encoding of text. Raises `ToolError` (`invalid_arguments`) for all else."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses codecs of other things, such as base64
        codecs.getincrementaldecoder(encoding)().decode(b"")
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise ToolError("invalid_arguments", f"There is no encoding {encoding!r}.") from None


def _encoding(head: bytes, opened: Opened) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if wide := _wide_without_mark(head):
        return wide
    samples = [head, *_slices(opened)]
    if all(_is_utf8(sample) for sample in samples):
        return "utf-8"
    return _guess(next(sample for sample in samples if not _is_utf8(sample)))


def _wide_without_mark(head: bytes) -> str:
    """Return utf-16-le or utf-16-be for text of mostly Western letters: every second byte is zero."""
    even, odd = head[0::2], head[1::2]
    half = max(1, len(even))
    if odd.count(0) > 0.7 * half and even.count(0) < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.7 * half and odd.count(0) < 0.1 * half else ""


def _slices(opened: Opened) -> Iterator[bytes]:
    """Yield pieces from all over a file that is not compressed: many are plain ASCII for a long time."""
    if opened.compression != "none" or opened.size <= BLOCK_BYTES:
        return
    for number in range(1, _SLICES + 1):
        place = max(0, opened.size * number // _SLICES - _SLICE_BYTES)
        piece = os.pread(opened.file.fileno(), _SLICE_BYTES, place)
        # A piece may begin amid a character.
        yield piece[next((i for i in range(min(4, len(piece))) if piece[i] & 0xC0 != 0x80), 0) :]


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _guess(sample: bytes) -> str:
    """Return the likeliest of the older encodings; where none stands out, the commonest in the West."""
    first = next((place for place, byte in enumerate(sample) if byte > 127), 0)
    piece = sample[max(0, first - _GUESSED_BYTES // 2) :][:_GUESSED_BYTES]
    best = charset_normalizer.from_bytes(piece).best()
    if best is None or best.encoding in ("ascii", "utf_8") or _is_western(piece):
        return "cp1252"
    return codecs.lookup(best.encoding).name


def _is_western(piece: bytes) -> bool:
    """Whether bytes above 127 are few and read as accented letters or signs of cp1252."""
    try:
        high = [char for char in piece.decode("cp1252") if char > "\x7f"]
    except UnicodeDecodeError:
        return False
    usual = sum(char in "äöüÄÖÜßéèêëàâçñóíáúôîïûùœæøåÅØÆÉ€–—‘’“”…°§«»©®£" for char in high)
    return len(high) < 0.25 * len(piece) and usual >= 0.8 * len(high)


def _decode(head: bytes, encoding: str) -> str:
    return codecs.getincrementaldecoder(encoding)(errors="replace").decode(head)


def _refuse_binary(head: bytes, text: str, format: str) -> None:
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            code = "format_mismatch" if format else "not_text"
            raise ToolError(code, f"The file is {what}, not text or a table, whatever its name says.")
    # The text after decoding: UTF-16 is full of zeros before.
    content = text.encode(errors="replace")
    strange = len(content) - len(content.translate(None, _CONTROLS)) + text.count("\N{REPLACEMENT CHARACTER}")
    if strange > _CONTROLS_MAX * len(text):
        code = "format_mismatch" if format else "not_text"
        raise ToolError(code, "The file is not text: it has too many characters that no text has.")


def _format_of_text(text: str, name: str, whole: bool) -> tuple[str, str]:
    """Return format and layout; `whole` says that `text` is all there is."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "[") and (found := _json_format(start, whole)):
        return found
    if kind := _table_format(text, name):
        return kind, ""
    return "text", ""


def _json_format(text: str, whole: bool) -> tuple[str, str] | None:
    line, _end, rest = text.partition("\n")
    if _is_json(line):
        following = rest.lstrip().partition("\n")[0]
        if following[:1] in ("{", "[") and (_is_json(following) or not whole):
            return "jsonl", ""
        if text[0] == "{" and not following:
            return "jsonl", ""
    if text[0] == "[" and _begins_array(text):
        return "json", "array"
    return ("json", "values") if text[0] == "{" and _begins_object(text, whole) else None


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False


def _begins_array(text: str) -> bool:
    """Whether the first element of the array is JSON, or begins like it and is longer than what was read."""
    rest = text[1:].lstrip()
    if rest[:1] == "]":
        return not rest[1:].strip()
    try:
        _element, end = json.JSONDecoder().raw_decode(rest)
    except RecursionError:
        return True
    except ValueError:
        return rest[:1] in ("{", "[") and len(rest) > BLOCK_BYTES // 2
    return rest[end:].lstrip()[:1] in (",", "]", "")


def _begins_object(text: str, whole: bool) -> bool:
    """Whether an object comes first and only another may follow it; one may be longer than what was read."""
    try:
        _value, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return True
    except ValueError:
        return not whole and text[1:].lstrip()[:1] == '"'
    return text[end:].lstrip()[:1] in ("{", "")


def _table_format(text: str, name: str) -> str:
    stem = name.lower().removesuffix(".gz").removesuffix(".zst")
    hint = next((kind for suffix, kind in _TABULAR_NAMES.items() if stem.endswith(suffix)), "")
    delimiter = _consistent_delimiter(text)
    if not delimiter:
        return hint
    return "tsv" if delimiter == "\t" else "csv"


def _consistent_delimiter(text: str) -> str:
    """Return the delimiter that gives most rows one number of cells, above one; or nothing."""
    best, most = "", 1
    for delimiter in _DELIMITERS:
        widths = _widths(text, delimiter)
        usual = max(set(widths), key=widths.count, default=1)
        if len(widths) > 1 and usual > most and widths.count(usual) >= _ALIKE * len(widths):
            best, most = delimiter, usual
    return best


def _widths(text: str, delimiter: str) -> list[int]:
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    # The last line may be cut off.
    rows = csv.reader(iter(lines[:-1] or lines), delimiter=delimiter)
    widths: list[int] = []
    try:
        for row in rows:
            widths += [len(row)] if row else []
            if len(widths) == _TABLE_ROWS:
                break
    except csv.Error:
        pass
    return widths


def _delimiter(text: str, kind: str) -> str:
    if kind == "tsv":
        return "\t"
    found = _consistent_delimiter(text)
    if found:
        return found
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _override(kind: str, layout: str, format: str) -> str:
    """Return the format that was asked for. Raises `ToolError` (`format_mismatch`) where it cannot be."""
    if not format or format == kind:
        return kind
    is_json = kind in ("json", "jsonl")
    if format in ("json", "jsonl") and not is_json:
        raise ToolError("format_mismatch", f"The content of the file is not {format}.")
    return "json" if format == "jsonl" and layout == "array" else format


def _line_ends(text: str) -> str:
    if "\r\n" in text:
        return "crlf"
    return "lf" if "\n" in text or "\r" not in text else "cr"
