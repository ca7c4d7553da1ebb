"""Lines by language, counted by scc over hostile files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agents_app.codebase import languages
from agents_app.codebase.files import Listing
from agents_app.codebase.source import Source
from agents_app.context import Stopped
from agents_app.stages import Stage
from tests.recording import RecordingContext

Listed = Callable[..., tuple[Source, Listing]]
PYTHON = "# comment\n\nif True:\n    a = 1\n"


def count(context: RecordingContext, stage: Stage, listed: tuple[Source, Listing]) -> languages.Counts:
    source, listing = listed
    return languages.count(context, stage, source.folder, listing)


def test_lines_are_counted_by_language(context: RecordingContext, stage: Stage, listed: Listed) -> None:
    counts = count(context, stage, listed({"a.py": PYTHON, "sub/b.py": PYTHON, "c.go": "package c\n"}))
    python = counts.languages["Python"]
    assert (python.files, python.lines, python.code, python.comments, python.blanks) == (2, 8, 4, 2, 2)
    assert python.complexity == 2
    assert [language.name for language in counts.by_code()] == ["Python", "Go"]
    assert counts.total().files == 3
    assert counts.most_complex.items()[0].path == "a.py"
    assert counts.problem == ""


def test_ignore_and_settings_files_of_the_code_hide_nothing(
    context: RecordingContext, stage: Stage, listed: Listed, tmp_path: Path
) -> None:
    ignoring = dict.fromkeys([".gitignore", ".ignore", ".sccignore"], "*.py\n")
    settings = {".sccconfig": f"--output={tmp_path / 'owned'}\n--exclude-ext=py\n"}
    counts = count(context, stage, listed({**ignoring, **settings, "a.py": PYTHON}))
    assert counts.languages["Python"].files == 1
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "name", ["-o.py", "--format=csv.py", "a\nb.py", "a b.py", "a|b`c<script>.py", "日本.py"]
)
def test_files_of_any_name_are_counted(
    context: RecordingContext, stage: Stage, listed: Listed, name: str
) -> None:
    counts = count(context, stage, listed({name: PYTHON}))
    assert [file.path for file in counts.largest.items()] == [name]


def test_a_name_that_is_not_utf8_is_counted(context: RecordingContext, stage: Stage, listed: Listed) -> None:
    counts = count(context, stage, listed({os.fsdecode(b"b\xff.py"): PYTHON}))
    assert counts.languages["Python"].lines == 4


def test_one_line_of_five_megabytes_is_one_minified_line(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    counts = count(context, stage, listed({"app.js": "var a=1;" * 650_000}))
    assert counts.languages["JavaScript (min)"].lines == 1


def test_files_above_ten_megabytes_are_left_out_and_said_so(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    counts = count(context, stage, listed({"data.json": b"1\n" * 6 * 1024**2, "a.py": PYTHON}))
    assert (counts.too_large_files, list(counts.languages)) == (1, ["Python"])


def test_a_missing_scc_is_said_and_not_hidden(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    counts = count(context, stage, listed({"a.py": PYTHON}))
    assert (
        counts.problem
        == "Lines were counted in 0 of 1 files: the program scc is not installed on the worker."
    )
    assert stage.highest == 1.0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "failed with code 3"),
        ("echo not json", "not JSON"),
        ("exec cat /dev/zero", "more than it should"),
        ("printf '%0100000d' 0 | tr 0 '['", "not JSON"),
    ],
)
def test_a_failing_scc_is_said_and_not_hidden(
    context: RecordingContext,
    stage: Stage,
    listed: Listed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    script: str,
    words: str,
) -> None:
    program = tmp_path / "scc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    assert words in count(context, stage, listed({"a.py": PYTHON})).problem


def test_what_scc_prints_in_another_shape_counts_as_nothing() -> None:
    counts = languages.Counts()
    rows: list[object] = [5, {"Name": 7, "Lines": "x", "Files": {}}]
    documents: list[object] = [[], None, {"languageSummary": 5}, {"languageSummary": rows}]
    for document in documents:
        languages._add(counts, document)
    assert counts.total().lines == 0


def test_progress_counts_files_batch_by_batch(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    count(context, stage, listed({f"{number}.py": PYTHON for number in range(4000)}))
    assert [percent for percent, name, _left in context.told if name == "testing"] == [
        25.0,
        50.0,
        75.0,
        100.0,
        100.0,
    ]


def test_counting_can_be_stopped(context: RecordingContext, stage: Stage, listed: Listed) -> None:
    found = listed({"a.py": PYTHON})
    context.stop()
    with pytest.raises(Stopped):
        count(context, stage, found)
