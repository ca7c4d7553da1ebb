"""Hostile files cost themselves, never the analysis."""

import os
import time
from collections.abc import Callable

import pytest

from agents_app.codebase import declarations, functions, inspecting, inspection
from agents_app.codebase.files import Listing, SourceFile
from agents_app.codebase.inspection import SYMBOLS, Answer, Task
from agents_app.codebase.source import Source
from agents_app.context import Stopped
from agents_app.isolation import subprocesses
from agents_app.stages import Stage
from tests.recording import RecordingContext

Listed = Callable[..., tuple[Source, Listing]]
PYTHON = "def f():\n    return 1\n"
# Takes tree-sitter's C++ grammar minutes and gigabytes.
TEMPLATES = "a<\n" * 200_000


def test_the_worker_and_the_inspecting_process_agree() -> None:
    assert (inspection.SYMBOLS, inspection.MANIFEST, inspection.LICENCE) == (
        inspecting.SYMBOLS,
        inspecting.MANIFEST,
        inspecting.LICENCE,
    )
    assert functions.MAX_FILE_BYTES == inspecting.SOURCE_MAX_BYTES


def test_a_file_that_breaks_the_parser_is_passed_over(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    found = functions.survey(context, stage, *listed({"a.py": PYTHON, "b.cpp": TEMPLATES, "c.py": PYTHON}))
    assert found.total("functions") == 2
    assert found.skipped == {inspection.BROKE: 1}


@pytest.mark.parametrize(
    "source",
    [
        "(\n" * 200_000,
        "if x:\n " * 50_000,
        "def f():\n" * 1000,
        "\0\n" * 1000,
        "'''" * 9999 + "\n" * 1000,
    ],
)
def test_deep_or_broken_python_does_no_harm(
    context: RecordingContext, stage: Stage, listed: Listed, source: str
) -> None:
    found = functions.survey(context, stage, *listed({"a.py": source, "b.py": PYTHON}))
    assert found.parsed_files + found.skipped.total() == 2
    assert found.total("functions") >= 1


def test_files_over_one_megabyte_and_minified_ones_are_named_as_skipped(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    files = {"big.js": "var a=1;" * 650_000, "min.js": "var a=1;" * 1000, "a.js": "function f(){}"}
    found = functions.survey(context, stage, *listed(files))
    assert found.skipped == {"larger than 1 MiB": 1, "minified": 1}
    assert found.total("functions") == 1


def test_a_file_that_became_a_link_or_a_pipe_is_not_opened(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    source, listing = listed({"a.py": PYTHON, "b.py": PYTHON, "c.py": PYTHON, "d.py": PYTHON})
    for name in ("a.py", "b.py", "c.py"):
        (source.folder / name).unlink()
    (source.folder / "a.py").symlink_to("/etc/passwd")
    os.mkfifo(source.folder / "b.py")
    found = functions.survey(context, stage, source, listing)
    assert found.parsed_files == 1
    assert found.skipped.total() == 3


def test_too_many_broken_files_end_it_with_the_rest_counted(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_RESTARTS_MAX", 1)
    found = functions.survey(context, stage, *listed({"a.cpp": TEMPLATES, "b.py": PYTHON, "c.py": PYTHON}))
    assert (found.unreached, found.skipped.total()) == (2, 1)


def test_the_time_for_all_files_is_limited(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "BUDGET_SECONDS", 0.5)
    found = functions.survey(context, stage, *listed({"a.cpp": TEMPLATES, "b.py": PYTHON}))
    assert found.unreached == 2


def test_progress_is_bytes_read_of_all(context: RecordingContext, stage: Stage, listed: Listed) -> None:
    functions.survey(context, stage, *listed({"a.py": "#" * 7_000 + "\n" * 500, "b.py": "#\n" * 750}))
    told = [percent for percent, name, _left in context.told if name == "testing"]
    assert told == [80.0, 100.0, 100.0]


def test_inspecting_ends_within_half_a_second_of_a_cancel_in_native_code(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    source, listing = listed({"a.py": PYTHON, "b.cpp": TEMPLATES})
    context.stop_when = lambda percent, name: name == "testing" and percent > 0
    with pytest.raises(Stopped):
        functions.survey(context, stage, source, listing)
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5


def test_a_process_that_prints_without_end_is_given_up(
    context: RecordingContext, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocesses, "LINE_MAX_BYTES", 10)
    answers: list[Answer] = []
    task = Task(SYMBOLS, SourceFile("none.py", 1))
    inspection.inspect(context, stage, context.workdir, [task], lambda _task, answer: answers.append(answer))
    assert answers == [{"failed": inspection.BROKE}]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("package.json", '{"dependencies": {"a": "1"', "not JSON"),
        ("package.json", "[" * 200_000, "not JSON"),
        ("package.json", "[]", "not a JSON object"),
        ("package.json", b"\xff\xfe{}", "not UTF-8"),
        ("package.json", "{" + " " * 600_000 + "}", "larger than 512 KiB"),
        ("pyproject.toml", "[project\n", "not TOML"),
        ("pyproject.toml", "a = " + "[" * 100_000, "not TOML"),
        # Takes Python's TOML parser time that grows with the square of the length.
        ("pyproject.toml", "a." * 150_000 + "b = 1", inspection.BROKE),
        ("Cargo.toml", "x", "not TOML"),
        ("pom.xml", "<project><a></project>", "not XML"),
        ("pom.xml", "<a>" * 1000, "too deeply nested"),
        ("go.mod", "hello", "no module named"),
        ("setup.cfg", "x\n", "not a settings file"),
        ("composer.json", "", "not JSON"),
    ],
)
def test_a_malformed_manifest_is_listed_as_unreadable(
    context: RecordingContext, stage: Stage, listed: Listed, name: str, content: str | bytes, words: str
) -> None:
    found = declarations.scan(context, stage, *listed({name: content, "x/requirements.txt": "django"}))
    assert found.unreadable == [(name, words)]
    assert [dependency.name for dependency in found.dependencies] == ["django"]


def test_a_billion_laughs_are_not_laughed(context: RecordingContext, stage: Stage, listed: Listed) -> None:
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10)
    )
    pom = f'<?xml version="1.0"?><!DOCTYPE project [{entities}]><project><version>&a9;</version></project>'
    found = declarations.scan(context, stage, *listed({"pom.xml": pom}))
    assert found.unreadable == [("pom.xml", "it declares a document type")]


def test_a_manifest_s_dependencies_are_bounded(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    lines = "".join(f"package{number}==1\n" for number in range(5_000))
    found = declarations.scan(context, stage, *listed({"requirements.txt": lines}))
    assert (found.total, len(found.dependencies)) == (2_000, declarations.MAX_DEPENDENCIES)


def test_manifests_near_the_root_are_read_first(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declarations, "MAX_MANIFESTS", 1)
    files = {"a/b/requirements.txt": "deep", "requirements.txt": "shallow"}
    found = declarations.scan(context, stage, *listed(files))
    assert [dependency.name for dependency in found.dependencies] == ["shallow"]
    assert found.unread_manifests == 1


def test_many_files_are_read_side_by_side_and_told_in_their_order(
    context: RecordingContext, stage: Stage, listed: Listed
) -> None:
    names = [f"{number:03}.py" for number in range(300)]
    source, listing = listed(dict.fromkeys(names, PYTHON))
    told: list[str] = []
    tasks = [Task(SYMBOLS, file) for file in sorted(listing.files, key=lambda file: file.path)]
    unreached = inspection.inspect(
        context, stage, source.folder, tasks, lambda task, answer: told.append(task.file.path)
    )
    assert (unreached, told) == (0, names)


@pytest.mark.skipif(inspection.LANES < 2, reason="there is one processor")
def test_a_process_that_breaks_takes_nothing_from_the_one_beside_it(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_TASKS_A_LANE", 1)
    files = {"a.cpp": TEMPLATES, "b.py": PYTHON, "c.py": PYTHON, "d.py": PYTHON, "e.cpp": TEMPLATES}
    found = functions.survey(context, stage, *listed(files))
    assert found.total("functions") == 3
    assert (found.skipped, found.unreached) == ({inspection.BROKE: 2}, 0)


@pytest.mark.skipif(inspection.LANES < 2, reason="there is one processor")
def test_what_was_read_beside_a_file_that_took_all_the_time_counts(
    context: RecordingContext, stage: Stage, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_TASKS_A_LANE", 1)
    monkeypatch.setattr(inspection, "BUDGET_SECONDS", 1.5)
    found = functions.survey(context, stage, *listed({"a.cpp": TEMPLATES, "b.py": PYTHON, "c.py": PYTHON}))
    assert (found.total("functions"), found.unreached) == (1, 2)
