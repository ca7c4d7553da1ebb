"""Fixtures of the tests of files."""

from pathlib import Path
from typing import Any

import pytest

from agents_app.attempt import Attempt
from agents_app.files import receiving
from agents_app.models import StoredFile, Subagent
from agents_app.registry import find_agent_type
from tests.agents.conftest import declare

__all__ = ["declare"]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> Path:
    """The folder that the bytes of files are in."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FILES_DIR = tmp_path / "media" / "files"
    settings.FILES_DIR.mkdir(parents=True)
    settings.WORK_DIR = tmp_path / "work"
    return Path(settings.FILES_DIR)


def attempt_of(subagent: Subagent, folder: Path) -> Attempt:
    """Return what a running subagent's tool sees."""
    return Attempt(subagent, find_agent_type(subagent.agent_type), folder / f"attempt-{subagent.attempt}")


def written(context: Attempt, name: str = "out.csv", content: bytes = b"a,b\n1,2\n") -> Path:
    """Write a file into the work folder."""
    path = context.workdir / name
    path.write_bytes(content)
    return path


def uploaded(owner_id: int, content: bytes, name: str = "file.txt", **how: Any) -> StoredFile:
    """Upload a file."""
    stored = receiving.announce(owner_id, name, len(content), **how)
    with receiving.opened(owner_id, stored.pk, 0) as reception:
        reception.write(content)
        return reception.store()
