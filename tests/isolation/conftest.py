"""Fixtures for the tests of isolation; none of them needs a database."""

from pathlib import Path

import pytest

from tests.recording import RecordingContext


@pytest.fixture
def context(tmp_path: Path) -> RecordingContext:
    """A context with an empty work folder."""
    workdir = tmp_path / "work"
    workdir.mkdir()
    return RecordingContext(workdir)
