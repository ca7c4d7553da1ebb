"""Fixtures for the tests of large files; only those of stored files need a database."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.registry import ToolResult
from agents_app.tools.process_large_file import process_large_file
from tests.recording import RecordingContext

Process = Callable[..., ToolResult]
Write = Callable[[str, str | bytes], str]


@pytest.fixture
def context(tmp_path: Path) -> RecordingContext:
    """A context with an empty work folder."""
    workdir = tmp_path / "work"
    workdir.mkdir()
    return RecordingContext(workdir)


@pytest.fixture
def write(tmp_path: Path, settings: Any) -> Write:
    """Write a file into the allowed folder and return its path."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    settings.ALLOWED_FOLDERS = [folder]

    def write_file(name: str, content: str | bytes) -> str:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return str(folder / name)

    return write_file


@pytest.fixture
def process(context: RecordingContext, tmp_path: Path) -> Process:
    """Run the tool with the context, in an empty work folder each time."""

    def run(**arguments: Any) -> ToolResult:
        context.workdir = tmp_path / f"work-{uuid.uuid4()}"
        context.workdir.mkdir()
        return process_large_file(context, **arguments)

    return run
