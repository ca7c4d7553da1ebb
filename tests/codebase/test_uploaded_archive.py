"""The tool on a file that its user uploaded."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from agents_app.codebase.result import Analysis
from agents_app.context import ToolError
from agents_app.models import StoredFile
from agents_app.registry import ToolResult, find_tool
from sessions_app.errors import Refusal
from tests.codebase.archives import tar_of, zip_of
from tests.files.conftest import store, uploaded
from tests.recording import RecordingContext

__all__ = ["store"]

pytestmark = pytest.mark.django_db(transaction=True)
Analyze = Callable[..., ToolResult]
PYTHON = "def f():\n    return 1\n" + "# as it is everywhere\n" * 5
CODE: dict[str, str | bytes] = {"shop/a.py": PYTHON, "shop/lib/b.py": PYTHON, "shop/LICENSE": "x"}


@pytest.fixture
def upload(django_user_model: type[User], context: RecordingContext) -> Callable[..., StoredFile]:
    """Upload as the user who asks for the work, or as another."""

    def upload_file(content: bytes, *, other: bool = False) -> StoredFile:
        user = django_user_model.objects.create_user(uuid.uuid4().hex)
        context.owner_id = context.owner_id if other else user.pk
        return uploaded(user.pk, content, "shop.tar")

    return upload_file


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_it_is_analysed_like_a_repository(
    upload: Callable[..., StoredFile], analyze: Analyze, make: Callable[..., bytes], context: RecordingContext
) -> None:
    found = analyze(file=str(upload(make(CODE)).pk))
    assert found.data["totals"]["files"] == 3
    assert found.data["symbols"]["functions"] == 2
    assert (found.data["repository"]["name"], found.data["repository"]["file"]) == ("shop", "shop.tar")
    assert list(dict.fromkeys(stage for _percent, stage, _left in context.told)) == [
        "cloning", "analyzing", "scanning_dependencies", "generating_report", "complete",
    ]  # fmt: skip


def test_a_subfolder_of_it_too(upload: Callable[..., StoredFile], analyze: Analyze) -> None:
    file_id = str(upload(zip_of(CODE)).pk)
    assert analyze(file=file_id, subfolder="lib").data["totals"]["files"] == 1


def test_what_was_left_out_is_told(upload: Callable[..., StoredFile], analyze: Analyze) -> None:
    data = analyze(file=str(upload(zip_of(CODE | {"../x": "owned"})).pk)).data
    assert data["not_analyzed"]["archive_members"] == {"path leads out or is too long": 1}


def test_another_user_s_file_is_not_found(
    upload: Callable[..., StoredFile], analyze: Analyze, context: RecordingContext
) -> None:
    upload(zip_of(CODE))
    theirs = upload(zip_of(CODE), other=True)
    for file_id in (str(theirs.pk), str(uuid.uuid4()), "../../etc/passwd"):
        with pytest.raises(ToolError) as error:
            analyze(file=file_id)
        assert error.value.code == "file_not_found"


def test_what_is_no_archive_says_so(upload: Callable[..., StoredFile], analyze: Analyze) -> None:
    with pytest.raises(ToolError) as error:
        analyze(file=str(upload(b"hello\n" * 200).pk))
    assert error.value.code == "archive_unsupported"


def test_an_empty_archive_has_no_source(upload: Callable[..., StoredFile], analyze: Analyze) -> None:
    with pytest.raises(ToolError) as error:
        analyze(file=str(upload(zip_of({})).pk))
    assert error.value.code == "no_source_found"


def test_the_limit_of_repositories_holds(
    upload: Callable[..., StoredFile], analyze: Analyze, settings: Any, tmp_path: Path
) -> None:
    settings.REPOSITORY_MAX_BYTES = 1024
    with pytest.raises(ToolError) as error:
        analyze(file=str(upload(zip_of({"a.py": "x = 1\n" * 500})).pk))
    assert error.value.code == "archive_too_large"
    assert list((tmp_path / "media/files").iterdir())


def test_duplicates_and_history_are_part_of_the_analysis(
    upload: Callable[..., StoredFile], analyze: Analyze, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Analysis] = []

    def summary(analysis: Analysis) -> str:
        seen.append(analysis)
        return ""

    monkeypatch.setattr("agents_app.tools.analyze_codebase.report.summary", summary)
    analyze(file=str(upload(zip_of(CODE)).pk))
    assert seen[0].duplicates is not None
    assert seen[0].duplicates.groups == 1
    assert seen[0].activity is None


@pytest.mark.parametrize(
    "arguments", [{"file": "x", "path": "/x"}, {"file": "x", "ref": "main"}, {"file": "x" * 101}]
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        find_tool("analyze_codebase").validate(arguments)
    assert refusal.value.code == "invalid_arguments"
