"""Tables: what their columns hold, rows picked out of them, the same rows in other formats."""

import gzip
import io
import json
from typing import Any

import duckdb
import pytest
import zstandard

from agents_app.context import ToolError
from tests.large_files.conftest import Process, Write
from tests.recording import RecordingContext

PEOPLE = (
    'name,born,height,note\nAnn,1990-01-02,1.70,"likes, commas"\nBob,1985-12-31,1.85,"two\nlines"\n'
    'Cem,2001-06-15,,"a ""quote"""\n'
)
ROWS = [
    ["Ann", "1990-01-02", "1.7", "likes, commas"],
    ["Bob", "1985-12-31", "1.85", "two\nlines"],
    ["Cem", "2001-06-15", "", 'a "quote"'],
]


def parquet(tmp: Any) -> bytes:
    path = tmp / "made.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL) TO '{path}'")
    return path.read_bytes()


def delivered(context: RecordingContext) -> bytes:
    ((_name, content),) = context.delivered
    return content


def test_the_columns_of_a_table_are_profiled(process: Process, write: Write) -> None:
    data = process(path=write("people.csv", PEOPLE), operation="summary").data
    assert data["dialect"] == {"delimiter": ",", "quote": '"', "header": True}
    assert data["table"]["rows"] == 3
    assert [(c["name"], c["type"], c["empty"]) for c in data["table"]["columns"]] == [
        ("name", "VARCHAR", 0), ("born", "DATE", 0), ("height", "DOUBLE", 1), ("note", "VARCHAR", 0),
    ]  # fmt: skip
    height = data["table"]["columns"][2]
    assert (height["minimum"], height["maximum"], height["distinct"]) == ("1.7", "1.85", 2)
    assert height["average"] == pytest.approx(1.775)


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_a_delimiter_is_told_by_the_rows(process: Process, write: Write, delimiter: str) -> None:
    text = "".join(f"{n}{delimiter}word {n}\n" for n in range(100))
    data = process(path=write("x.csv", text), operation="summary").data
    assert data["nature"]["format"] == ("tsv" if delimiter == "\t" else "csv")
    assert data["dialect"]["delimiter"] == delimiter
    assert data["dialect"]["header"] is False


FORMATS: dict[str, tuple[str, bytes]] = {
    "csv": ("csv", b"a,b\n1,x\n2,\n"),
    "tsv": ("tsv", b"a\tb\n1\tx\n2\t\n"),
    "jsonl": ("jsonl", b'{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n'),
    "json": ("json", b'[\n {"a": 1, "b": "x"},\n {"a": 2, "b": null}\n]\n'),
    "one": ("json", b'{\n "a": 1\n}\n{\n "a": 2\n}'),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_a_format_is_told_by_its_content(process: Process, write: Write, name: str, pack: Any) -> None:
    kind, content = FORMATS[name]
    data = process(path=write("data.bin", pack(content)), operation="summary").data
    assert data["nature"]["format"] == kind
    assert data["table"]["rows"] == 2
    assert data["table"]["columns"][0]["maximum"] == "2"


def test_parquet_is_read(process: Process, write: Write, tmp_path: Any) -> None:
    data = process(path=write("data.csv", parquet(tmp_path)), operation="summary").data
    assert (data["nature"]["format"], data["table"]["rows"]) == ("parquet", 2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_in_another_encoding_is_read(
    process: Process, write: Write, context: RecordingContext, encoding: str
) -> None:
    path = write("x.csv", "stadt;einwohner\nKöln;1000000\nMünchen;1500000\n".encode(encoding))
    process(path=path, operation="convert", to="jsonl")
    lines = [json.loads(line) for line in delivered(context).splitlines()]
    assert lines == [{"stadt": "Köln", "einwohner": 1000000}, {"stadt": "München", "einwohner": 1500000}]


@pytest.mark.parametrize("to", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_a_table_is_converted_and_back_without_loss(
    process: Process, write: Write, context: RecordingContext, to: str
) -> None:
    process(path=write("people.csv", PEOPLE), operation="convert", to=to)
    path = write("other", context.delivered.pop()[1])
    sample = process(path=path, operation="sample", rows=10).data["sample"]
    assert sample["columns"] == ["name", "born", "height", "note"]
    assert sample["rows"] == ROWS


@pytest.mark.parametrize(("compression", "unpack"), [("gzip", gzip.decompress), ("zstd", None)])
def test_new_files_are_compressed(
    process: Process, write: Write, context: RecordingContext, compression: str, unpack: Any
) -> None:
    process(path=write("x.csv", "a,b\n1,2\n"), operation="convert", to="tsv", compression=compression)
    unpack = unpack or (
        lambda content: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read()
    )
    assert unpack(delivered(context)) == b"a\tb\n1\t2\n"


def test_nested_values_become_json_in_csv(process: Process, write: Write, context: RecordingContext) -> None:
    path = write("x.jsonl", '{"a": {"b": [1, 2]}, "c": ["x"]}\n{"a": null, "c": []}\n')
    process(path=path, operation="convert", to="csv")
    assert delivered(context) == b'a,c\n"{""b"":[1,2]}","[""x""]"\n,[]\n'


CONDITIONS: list[tuple[str, Any, list[int]]] = [
    ("=", 3, [3]), ("!=", 3, [1, 2, 4, 5]), ("<", 2, [1]), ("<=", "2", [1, 2]), (">", 4, [5]),
    (">=", 4.0, [4, 5]), ("in", [1, 5, 9], [1, 5]), ("contains", "4", [4]), ("starts_with", "5", [5]),
    ("ends_with", "2", [2]), ("matches", "^[12]$", [1, 2]), ("is_empty", None, []),
    ("is_not_empty", None, [1, 2, 3, 4, 5]),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "value", "kept"), CONDITIONS)
def test_rows_are_filtered_by_a_column(
    process: Process, write: Write, context: RecordingContext, operator: str, value: Any, kept: list[int]
) -> None:
    path = write("x.csv", "n,w\n" + "".join(f"{n},word\n" for n in range(1, 6)))
    condition = {"column": "n", "operator": operator} | ({} if value is None else {"value": value})
    result = process(path=path, operation="filter", conditions=[condition])
    assert [int(line.split(b",")[0]) for line in delivered(context).splitlines()[1:]] == kept
    assert result.data["filter"]["rows"] == len(kept)


def test_all_conditions_and_the_pattern_must_be_met(
    process: Process, write: Write, context: RecordingContext
) -> None:
    path = write("x.csv", "n,w\n1,red\n2,RED\n3,blue\n4,red\n")
    conditions = [{"column": "n", "operator": ">", "value": 1}]
    process(path=path, operation="filter", conditions=conditions, pattern="^red$", ignore_case=True)
    assert delivered(context) == b"n,w\n2,RED\n4,red\n"


def test_an_unknown_column_is_refused_with_those_there_are(process: Process, write: Write) -> None:
    condition = {"column": "m", "operator": "is_empty"}
    with pytest.raises(ToolError, match="Columns: a, b") as error:
        process(path=write("x.csv", "a,b\n1,2\n"), operation="filter", conditions=[condition])
    assert error.value.code == "unknown_column"


def test_a_value_that_is_none_of_the_column_s_type_is_refused(process: Process, write: Write) -> None:
    condition = {"column": "a", "operator": ">", "value": "many"}
    with pytest.raises(ToolError, match="no value for the column") as error:
        process(path=write("x.csv", "a,b\n1,2\n"), operation="filter", conditions=[condition])
    assert error.value.code == "invalid_arguments"


HOSTILE = '"; DROP TABLE x; --'


def test_names_and_values_that_are_sql_are_only_names_and_values(
    process: Process, write: Write, context: RecordingContext
) -> None:
    path = write("x.csv", f'"{HOSTILE.replace(chr(34), chr(34) * 2)}",b\n\' OR 1=1 --,2\nx,3\n')
    conditions = [{"column": HOSTILE, "operator": "=", "value": "' OR 1=1 --"}]
    result = process(path=path, operation="filter", conditions=conditions)
    assert result.data["filter"]["rows"] == 1
    summary = process(path=path, operation="summary").data["table"]
    assert summary["columns"][0]["name"] == HOSTILE


def test_names_that_come_twice_are_told_apart(process: Process, write: Write) -> None:
    data = process(path=write("x.csv", "a,a,A\n1,2,3\n4,5,6\n"), operation="summary").data
    assert len({column["name"].lower() for column in data["table"]["columns"]}) == 3


def test_a_type_that_only_the_end_disproves_is_corrected(process: Process, write: Write) -> None:
    path = write("x.csv", "a,b\n" + "1,2\n" * 300_000 + "x,3\n")
    table = process(path=path, operation="summary").data["table"]
    assert (table["rows"], table["columns"][0]["type"], table["rejected"]) == (300_001, "VARCHAR", [])


def test_rows_that_are_too_short_are_filled_up(process: Process, write: Write) -> None:
    text = "a,b,c\n" + "1,2,3\n" * 50 + "4,5\n" + "1,2,3\n" * 50
    table = process(path=write("x.csv", text), operation="summary").data["table"]
    assert (table["rows"], table["columns"][2]["empty"]) == (101, 1)


def test_rows_that_are_too_long_are_told(process: Process, write: Write) -> None:
    text = "a,b,c\n" + "1,2,3\n" * 50_000 + "4,5,6,7\n" + "1,2,3\n" * 50
    result = process(path=write("x.csv", text), operation="summary")
    table = result.data["table"]
    assert table["rows"] + len(table["rejected"]) == 50_051
    assert [row["line"] for row in table["rejected"]] == [50_002]
    assert "Left out" in result.report


def test_zero_bytes_in_a_table_are_kept(process: Process, write: Write) -> None:
    table = process(path=write("x.csv", b"a,b\n" + b"1,x\n" * 99 + b"2,x\0y\n"), operation="summary").data[
        "table"
    ]
    assert table["rows"] == 100


@pytest.mark.parametrize("which", ["first", "last", "random"])
def test_a_sample_of_a_table_is_rows_of_it(
    process: Process, write: Write, context: RecordingContext, which: str
) -> None:
    path = write("x.csv", "n,double\n" + "".join(f"{n},{2 * n}\n" for n in range(50_000)))
    sample = process(path=path, operation="sample", which=which, rows=30).data["sample"]
    numbers = [int(row[0]) for row in sample["rows"]]
    assert all(int(row[1]) == 2 * int(row[0]) for row in sample["rows"])
    assert len(numbers) == len(set(numbers)) == 30
    assert {"first": numbers == [*range(30)], "last": numbers == [*range(49_970, 50_000)]}.get(which, True)
    assert delivered(context).count(b"\n") == 31


def test_every_part_of_a_table_has_its_header_and_whole_rows(
    process: Process, write: Write, context: RecordingContext
) -> None:
    rows = [f'{number},"two\nlines, ""{number}"""\n' for number in range(1000)]
    process(path=write("x.csv", "n,text\n" + "".join(rows)), operation="split", rows_per_part=400)
    assert [content for _name, content in context.delivered] == [
        ("n,text\n" + "".join(rows[start : start + 400])).encode() for start in (0, 400, 800)
    ]


def test_formulas_are_left_alone_unless_a_guard_is_asked_for(
    process: Process, write: Write, context: RecordingContext
) -> None:
    path = write("x.csv", "a,b\n=1+1,-5\n@x,3\nplain,4\n")
    process(path=path, operation="convert", to="csv")
    assert context.delivered.pop()[1] == b"a,b\n=1+1,-5\n@x,3\nplain,4\n"
    process(path=path, operation="convert", to="csv", guard_formulas=True)
    assert context.delivered.pop()[1] == b"a,b\n'=1+1,-5\n'@x,3\nplain,4\n"


def test_a_wide_table_is_profiled_in_part_and_a_wider_one_refused(process: Process, write: Write) -> None:
    def wide(columns: int) -> str:
        return ",".join(f"c{n}" for n in range(columns)) + "\n" + (",".join(["1"] * columns) + "\n") * 300

    data = process(path=write("x.csv", wide(1000)), operation="summary").data["table"]
    assert (data["columns_total"], len(data["columns"])) == (1000, 200)
    with pytest.raises(ToolError) as error:
        process(path=write("y.csv", wide(20_000)), operation="summary")
    assert error.value.code in ("too_many_columns", "too_large_for_memory")


def test_a_large_array_of_json_takes_little_memory(process: Process, write: Write) -> None:
    row = json.dumps({"id": 1, "text": "x" * 60, "tags": ["a", "b"], "of": {"k": '[{\\"'}})
    path = write("x.json", "[" + ",\n".join([row] * 300_000) + "]")
    assert process(path=path, operation="summary").data["table"]["rows"] == 300_000
