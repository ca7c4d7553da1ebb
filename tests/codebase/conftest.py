"""Fixtures for the tests of the code analysis; none of them needs a database."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from agents_app.codebase.dependencies.registries import REGISTRIES
from agents_app.codebase.files import Listing, list_files
from agents_app.codebase.source import Source
from agents_app.registry import ToolResult
from agents_app.stages import Stage
from agents_app.tools.analyze_codebase import analyze_codebase
from tests.codebase.registry import RegistryServer
from tests.git_server import GitServer
from tests.recording import RecordingContext


@pytest.fixture
def context(tmp_path: Path) -> RecordingContext:
    """A context with an empty work folder."""
    workdir = tmp_path / "work"
    workdir.mkdir()
    return RecordingContext(workdir)


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[GitServer]:
    """A git server whose host is allowed."""
    root = tmp_path / "served"
    root.mkdir()
    with GitServer(root) as running:
        settings.ALLOWED_GIT_HOSTS = [running.host]
        yield running


@pytest.fixture
def analyze(context: RecordingContext) -> Callable[..., ToolResult]:
    """Run the tool with the context."""
    return lambda **arguments: analyze_codebase(context, **arguments)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Write files (content by path) into a folder and return it."""

    def write_files(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        for path, content in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write_files


@pytest.fixture
def stage(context: RecordingContext) -> Stage:
    """A stage from 0 to 100 percent."""
    return Stage(context, "testing", 0.0, 100.0)


@pytest.fixture
def listed(write: Callable[..., Path], stage: Stage) -> Callable[..., tuple[Source, Listing]]:
    """Write files and list them as a source."""

    def write_and_list(files: Mapping[str, str | bytes]) -> tuple[Source, Listing]:
        folder = write(files)
        source = Source(folder=folder, name="code", origin={})
        return source, list_files(Stage(stage.context, "listing", 0.0, 0.0), source)

    return write_and_list


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """A registry that has no packages yet; what earlier ones said is forgotten."""
    cache.clear()
    with RegistryServer() as server:
        yield server
    cache.clear()


@pytest.fixture
def everywhere(registry: RegistryServer) -> dict[str, str]:
    """The same address for all ecosystems."""
    return dict.fromkeys(REGISTRIES, registry.url)
