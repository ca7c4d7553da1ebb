"""Text: its figures, its lines, its parts."""

import gzip
import io
import zipfile

import pytest
import zstandard

from agents_app.context import ToolError
from tests.large_files.conftest import Process, Write
from tests.recording import RecordingContext

STORY = "one two\nthree\n\nfour five six"


def test_lines_words_and_the_longest_line_are_counted(process: Process, write: Write) -> None:
    data = process(path=write("story.txt", STORY), operation="summary").data
    assert data["text"] == {
        "lines": 4, "bytes": 28, "words": 6, "longest_line_bytes": 13, "longest_line": 4,
    }  # fmt: skip
    assert data["nature"] == {
        "format": "text", "compression": "none", "encoding": "utf-8", "line_ends": "lf",
    }  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), [("a\nb\n", 2), ("a\nb", 2), ("\n\n", 2), ("a", 1)])
def test_a_count_is_what_a_person_sees(process: Process, write: Write, text: str, lines: int) -> None:
    assert process(path=write("x", text), operation="count").data["lines"] == lines


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32"), ("latin-1", "cp1252"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
def test_an_encoding_is_told_and_read(process: Process, write: Write, encoding: str, found: str) -> None:
    text = "Grüße aus Köln, Übermaß\n" * 40 + "Zürich\n"
    path = write("x.log", text.encode(encoding))
    result = process(path=path, operation="search", pattern="^Zürich$")
    assert result.data["nature"]["encoding"] == found
    assert [match["text"] for match in result.data["search"]["matches"]] == ["Zürich"]


def test_cyrillic_of_before_unicode_is_recognised(process: Process, write: Write) -> None:
    text = "Съешь же ещё этих мягких французских булок, да выпей чаю.\n" * 30
    result = process(path=write("x", text.encode("cp1251")), operation="search", pattern="булок")
    assert result.data["search"]["matching_lines"] == 30


def test_an_encoding_that_is_given_counts(process: Process, write: Write) -> None:
    path = write("x", "łódź\n".encode("cp1250"))
    result = process(path=path, operation="search", pattern="łódź", encoding="cp1250")
    assert result.data["search"]["matching_lines"] == 1


@pytest.mark.parametrize("encoding", ["none-such", "base64", "rot13", "hex", "undefined"])
def test_what_is_no_encoding_of_text_is_refused(process: Process, write: Write, encoding: str) -> None:
    with pytest.raises(ToolError) as error:
        process(path=write("x", "a\n"), operation="count", encoding=encoding)
    assert error.value.code == "invalid_arguments"


def test_accents_that_come_late_are_noticed(process: Process, write: Write) -> None:
    content = b"plain\n" * 200_000 + "Müller\n".encode("cp1252") + b"plain\n" * 9_000
    data = process(path=write("x", content), operation="search", pattern="Müller").data
    assert data["search"]["matching_lines"] == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_text_is_read_as_it_is_inside(process: Process, write: Write, pack: object) -> None:
    content = pack(STORY.encode()) + pack(b"\nend\n")  # type: ignore[operator]
    data = process(path=write("story.bin", content), operation="count").data
    assert data["lines"] == 5
    assert data["nature"]["compression"] in ("gzip", "zstd")


def test_matches_come_with_their_numbers_and_what_is_around(
    process: Process, write: Write, context: RecordingContext
) -> None:
    text = "".join(f"line {number}\r\n" for number in range(1, 50_001))
    data = process(
        path=write("x.log", text), operation="search", pattern="^LINE (1|30000|50000)$",
        ignore_case=True, context_lines=2,
    ).data  # fmt: skip
    assert data["search"]["matches"] == [
        {"line": 1, "text": "line 1", "before": [], "after": ["line 2", "line 3"]},
        {
            "line": 30000, "text": "line 30000",
            "before": ["line 29998", "line 29999"], "after": ["line 30001", "line 30002"],
        },
        {"line": 50000, "text": "line 50000", "before": ["line 49998", "line 49999"], "after": []},
    ]  # fmt: skip
    assert context.delivered == [("x-matches.txt", b"1:line 1\n30000:line 30000\n50000:line 50000\n")]


def test_more_matches_than_are_shown_are_counted_and_delivered(
    process: Process, write: Write, context: RecordingContext
) -> None:
    data = process(path=write("x", "hit\n" * 5000), operation="search", pattern="hit").data
    assert (data["search"]["matching_lines"], len(data["search"]["matches"])) == (5000, 50)
    assert context.delivered[0][1].count(b"\n") == 5000


@pytest.mark.parametrize("pattern", ["", "^$", "x*", "$"])
def test_a_pattern_that_matches_nothing_in_particular_ends(
    process: Process, write: Write, pattern: str
) -> None:
    data = process(path=write("x", "a\n\nb\n"), operation="filter", pattern=pattern or "^").data
    assert data["filter"]["rows"] == (1 if pattern == "^$" else 3)


def test_a_pattern_never_goes_beyond_a_line(process: Process, write: Write) -> None:
    data = process(path=write("x", "a\nb\nab\n"), operation="search", pattern=r"a\s*[^x]*b").data
    assert [match["line"] for match in data["search"]["matches"]] == [3]


def test_a_catastrophic_pattern_costs_no_more_than_another(process: Process, write: Write) -> None:
    path = write("x", "a" * 500_000 + "\n" + "a" * 100 + "b\n")
    data = process(path=path, operation="search", pattern="^(a+)+$").data
    assert data["search"]["matching_lines"] == 1


def test_nothing_found_delivers_nothing(process: Process, write: Write, context: RecordingContext) -> None:
    result = process(path=write("x", "a\n"), operation="search", pattern="b")
    assert "0 of 1 line match" in result.summary
    assert context.delivered == []


@pytest.mark.parametrize(
    ("which", "numbers"), [("first", [1, 2, 3]), ("last", [29998, 29999, 30000])]
)  # fmt: skip
def test_first_and_last_lines(process: Process, write: Write, which: str, numbers: list[int]) -> None:
    text = "".join(f"{number}\n" for number in range(1, 30_001))
    sample = process(path=write("x", text), operation="sample", which=which, rows=3).data["sample"]
    assert sample["rows"] == [[number, str(number)] for number in numbers]


def test_random_lines_are_lines_of_the_file_from_all_over(process: Process, write: Write) -> None:
    text = "".join(f"{number}\n" for number in range(1, 30_001))
    sample = process(path=write("x", text), operation="sample", which="random", rows=40).data["sample"]
    assert len(sample["rows"]) == 40
    assert all(str(number) == line for number, line in sample["rows"])
    assert sample["rows"][-1][0] - sample["rows"][0][0] > 10_000


def test_parts_together_are_the_whole(process: Process, write: Write, context: RecordingContext) -> None:
    text = "".join(f"line {number}\n" for number in range(100_000)) + "no end"
    process(path=write("x.log", text), operation="split", rows_per_part=30_000)
    assert [content.count(b"\n") for _name, content in context.delivered] == [30_000, 30_000, 30_000, 10_000]
    assert b"".join(content for _name, content in context.delivered) == text.encode()
    assert context.delivered[0][0] == "x-00001.txt"


def test_parts_by_bytes_are_no_larger(process: Process, write: Write, context: RecordingContext) -> None:
    text = "".join(f"line {number}\n" for number in range(10_000))
    process(path=write("x.log", text), operation="split", bytes_per_part=10_000)
    assert all(9_900 <= len(content) <= 10_000 for _name, content in context.delivered[:-1])
    assert b"".join(content for _name, content in context.delivered) == text.encode()


def test_many_parts_come_in_one_archive(process: Process, write: Write, context: RecordingContext) -> None:
    text = "".join(f"{number}\n" for number in range(1000))
    process(path=write("x.log", text), operation="split", rows_per_part=10)
    (name, content), = context.delivered  # fmt: skip
    assert name == "x-parts.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"".join(archive.read(part) for part in archive.namelist()) == text.encode()
        assert len(archive.namelist()) == 100


def test_text_is_written_anew_as_utf8(process: Process, write: Write, context: RecordingContext) -> None:
    path = write("x.txt", "Köln\n".encode("utf-16"))
    process(path=path, operation="convert", to="text", compression="gzip")
    (name, content), = context.delivered  # fmt: skip
    assert (name, gzip.decompress(content).decode()) == ("x.txt.gz", "Köln\n")


def test_a_line_longer_than_a_piece_is_one_line(process: Process, write: Write) -> None:
    path = write("x", b"x" * 3_000_000 + b" word\nshort\n")
    data = process(path=path, operation="summary").data
    assert data["text"] == {
        "lines": 2, "bytes": 3_000_012, "words": 3, "longest_line_bytes": 3_000_005, "longest_line": 1,
    }  # fmt: skip
    found = process(path=path, operation="search", pattern="x|short").data["search"]
    assert [match["line"] for match in found["matches"]] == [1, 2]
