"""Files with the same content."""

import os
from collections.abc import Callable

import pytest

from agents_app.codebase import duplicates
from agents_app.codebase.duplicates import MIN_BYTES, Duplicates
from agents_app.codebase.files import Listing
from agents_app.codebase.source import Source
from agents_app.context import Stopped
from agents_app.stages import Stage
from tests.recording import RecordingContext

Listed = Callable[..., tuple[Source, Listing]]
TEXT = "x = 1\n" * 20


@pytest.fixture
def find(listed: Listed, stage: Stage) -> Callable[..., Duplicates]:
    """Write files and compare them."""
    return lambda files: duplicates.find(stage, *listed(files))


def test_groups_are_files_of_one_content_the_most_wasteful_first(find: Callable[..., Duplicates]) -> None:
    found = find({
        "a.py": TEXT, "lib/a.py": TEXT, "lib/b.py": TEXT.replace("1", "2"),
        "big/1": TEXT * 9, "big/2": TEXT * 9, "big/3": TEXT * 9, "alone": TEXT * 5,
    })  # fmt: skip
    assert (found.groups, found.files, found.bytes) == (2, 5, 120 + 2 * 1080)
    assert [group.paths for group in found.largest] == [["big/1", "big/2", "big/3"], ["a.py", "lib/a.py"]]
    assert [group.bytes for group in found.largest] == [2160, 120]


def test_empty_and_tiny_files_are_no_duplicates(find: Callable[..., Duplicates]) -> None:
    tiny = "x" * (MIN_BYTES - 1)
    found = find({"a/__init__.py": "", "b/__init__.py": "", "a/x": tiny, "b/x": tiny})
    assert found == Duplicates()


def test_of_many_groups_and_many_copies_the_first_are_named(find: Callable[..., Duplicates]) -> None:
    files = {f"{group}/{copy}": f"{group:04}" * 30 for group in range(25) for copy in range(12)}
    found = find(files)
    assert (found.groups, found.files, len(found.largest)) == (25, 300, 20)
    assert {(len(group.paths), group.files) for group in found.largest} == {(10, 12)}


def test_a_file_that_became_a_link_or_a_pipe_is_not_followed(listed: Listed, stage: Stage) -> None:
    source, listing = listed({"a": TEXT, "b": TEXT, "c": TEXT, "d": TEXT})
    for name in ("a", "b", "c"):
        (source.folder / name).unlink()
    (source.folder / "a").symlink_to("d")
    os.mkfifo(source.folder / "b")
    found = duplicates.find(stage, source, listing)
    assert (found.groups, found.unreadable) == (0, 3)


def test_when_the_time_is_over_the_rest_is_told(
    listed: Listed, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "BUDGET_SECONDS", -1.0)
    found = duplicates.find(stage, *listed({"a": TEXT, "b": TEXT}))
    assert (found.groups, found.unreached) == (0, 2)


def test_progress_is_bytes_and_a_cancel_ends_in_the_midst_of_a_file(
    listed: Listed, stage: Stage, context: RecordingContext
) -> None:
    listed_files = listed({"a": bytes(4 * 1024**2), "b": bytes(4 * 1024**2)})
    duplicates.find(stage, *listed_files)
    assert len({percent for percent, name, _left in context.told if name == "testing"}) > 30
    context.stop_when = lambda percent, _name: percent > 10
    with pytest.raises(Stopped):
        duplicates.find(Stage(context, "again", 0.0, 100.0), *listed_files)
    assert max(percent for percent, name, _left in context.told if name == "again") < 15
