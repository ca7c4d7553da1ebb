"""Without metadata every format has the same: words, results and errors, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from pypdf import PdfReader

from agents_app.files.model import StoredFile
from agents_app.models import Subagent
from sessions_app.models import ChatSession

pytestmark = pytest.mark.usefixtures("worked")
FORMATS = ["json", "markdown", "html", "pdf"]
SHA256 = "ab" * 32
TOLD = ("A small fly.", "It took too long.", "look_up", "succeeded", "failed")
METADATA = ("depth", "#panic", "UTC", "1 min 5 s", "2.0 s")


@pytest.fixture
def delivered(worked: None, session: ChatSession) -> Subagent:
    """The subagent, with a file that it delivered."""
    subagent = Subagent.objects.get(session=session)
    StoredFile.objects.create(
        owner=session.owner,
        session=session,
        subagent=subagent,
        attempt=subagent.attempt,
        name="flies.csv",
        size=1234,
        received=1234,
        sha256=SHA256,
        content_type="text/csv",
        state=StoredFile.State.READY,
        expires_at=timezone.now(),
    )
    return subagent


def _shown(path: Path) -> str:
    if path.suffix != ".pdf":
        return path.read_text()
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


@pytest.mark.parametrize("file_format", FORMATS)
def test_bare_work_has_its_outcome_and_nothing_of_what_it_was_given(
    written: Callable[..., Path], delivered: Subagent, file_format: str
) -> None:
    shown = _shown(written(file_format, include_metadata=False))
    assert [part for part in TOLD if part not in shown] == []
    assert [part for part in (*METADATA, SHA256[:8], str(delivered.pk)) if part in shown] == []


@pytest.mark.parametrize("file_format", FORMATS)
def test_with_metadata_all_of_it_is_there(
    written: Callable[..., Path], delivered: Subagent, file_format: str
) -> None:
    shown = _shown(written(file_format))
    assert [part for part in (*TOLD, "depth", "#panic", SHA256[:8]) if part not in shown] == []


@pytest.mark.parametrize("file_format", FORMATS[1:])
def test_the_names_of_files_are_words(
    written: Callable[..., Path], delivered: Subagent, file_format: str
) -> None:
    shown = _shown(written(file_format, include_metadata=False))
    assert "flies.csv" in shown
    assert "1,234 bytes" in shown
