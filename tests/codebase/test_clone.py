"""Cloning from a real git server, friendly and hostile ones."""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents_app.codebase.address import Address
from agents_app.codebase.git import pin
from agents_app.codebase.inventory import MAX_FILES
from agents_app.context import Stopped, ToolError
from agents_app.isolation import networks
from agents_app.registry import ToolResult
from tests.git_server import GitServer, commit_all, git
from tests.recording import RecordingContext, living_processes

Analyze = Callable[..., ToolResult]
PYTHON = "def f():\n    return 1\n"


def failure(analyze: Analyze, **arguments: Any) -> ToolError:
    """Return the error that the tool ends with."""
    with pytest.raises(ToolError) as error:
        analyze(**arguments)
    return error.value


def test_a_clone_says_what_was_cloned(server: GitServer, analyze: Analyze) -> None:
    folder = server.add("shop", {"shop.py": PYTHON})
    repository = analyze(repo_url=server.url("shop")).data["repository"]
    assert repository["commit"] == git(folder, "rev-parse", "HEAD")
    assert repository["branch"] == "main"
    assert repository["committed_at"] == git(folder, "log", "-1", "--format=%cI")
    assert repository["url"] == server.url("shop")
    assert repository["name"] == "shop"


def test_a_branch_or_tag_can_be_asked_for(
    server: GitServer, analyze: Analyze, context: RecordingContext, tmp_path: Path
) -> None:
    folder = server.add("shop", {"a.py": PYTHON})
    git(folder, "tag", "v1")
    git(folder, "switch", "--quiet", "--create", "feature/x")
    (folder / "b.py").write_text(PYTHON)
    commit_all(folder)
    branch = analyze(repo_url=server.url("shop"), ref="feature/x").data
    assert (branch["repository"]["branch"], branch["totals"]["files"]) == ("feature/x", 2)
    shutil.rmtree(context.workdir)
    context.workdir.mkdir()
    tag = analyze(repo_url=server.url("shop"), ref="v1").data
    assert (tag["repository"]["branch"], tag["repository"]["ref"], tag["totals"]["files"]) == ("", "v1", 1)


@pytest.mark.parametrize(
    ("name", "reference"), [("missing", None), ("shop", "no-such-branch"), ("locked", None)]
)
def test_what_is_not_there_or_not_open_is_not_found(
    server: GitServer, analyze: Analyze, name: str, reference: str | None
) -> None:
    server.add("shop", {"a.py": PYTHON})
    server.locked.add("locked")
    arguments = {"ref": reference} if reference else {}
    assert failure(analyze, repo_url=server.url(name), **arguments).code == "repository_not_found"


def test_an_empty_repository_has_no_source(server: GitServer, analyze: Analyze) -> None:
    folder = server.root / "empty"
    folder.mkdir()
    git(folder, "init", "--quiet")
    assert failure(analyze, repo_url=server.url("empty")).code == "no_source_found"


def test_a_commit_without_files_has_no_source(server: GitServer, analyze: Analyze) -> None:
    server.add("bare", {})
    assert failure(analyze, repo_url=server.url("bare")).code == "no_source_found"


def test_a_redirect_is_refused_and_not_followed(server: GitServer, analyze: Analyze, tmp_path: Path) -> None:
    server.add("shop", {"a.py": PYTHON})
    server.redirects["moved"] = server.url("shop")
    assert failure(analyze, repo_url=server.url("moved")).code == "repository_refused"
    assert all(path.startswith("/moved/") for path in server.requests)


def test_a_server_that_is_not_there_cannot_be_reached(analyze: Analyze, settings: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.ALLOWED_GIT_HOSTS = [f"127.0.0.1:{unused.getsockname()[1]}"]
        error = failure(analyze, repo_url=f"http://{settings.ALLOWED_GIT_HOSTS[0]}/x")
    assert error.code == "repository_unreachable"


def test_a_name_that_means_this_machine_is_refused_without_a_request(
    server: GitServer, analyze: Analyze
) -> None:
    server.add("shop", {"a.py": PYTHON})
    url = server.url("shop").replace("http://127.0.0.1", "https://localhost")
    assert failure(analyze, repo_url=url).code == "repository_refused"
    assert server.requests == []


def test_a_name_is_connected_to_at_the_address_it_was_checked_for(
    server: GitServer, analyze: Analyze, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("shop", {"a.py": PYTHON})
    port = server.host.partition(":")[2]
    settings.ALLOWED_GIT_HOSTS = ["repository.invalid"]
    address = networks.literal("127.0.0.1")
    monkeypatch.setattr(networks, "resolve", lambda *args, **kwargs: [address])
    # No resolver knows this name: the clone can succeed by the pinned address only.
    assert analyze(repo_url=f"http://repository.invalid:{port}/shop").data["totals"]["files"] == 1


@pytest.fixture
def git_daemon(tmp_path: Path) -> Iterator[int]:
    """Serve the folder `served` with git's own protocol; the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}"]
    daemon = subprocess.Popen([*command, f"--base-path={tmp_path / 'served'}"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
    yield port
    daemon.terminate()
    daemon.wait()


def test_the_git_protocol_works_by_name(
    server: GitServer, git_daemon: int, analyze: Analyze, settings: Any
) -> None:
    server.add("shop", {"a.py": PYTHON})
    settings.ALLOWED_GIT_HOSTS = [f"localhost:{git_daemon}"]
    data = analyze(repo_url=f"git://localhost:{git_daemon}/shop").data
    assert data["repository"]["url"] == f"git://localhost:{git_daemon}/shop"


def test_a_symbolic_link_leads_nowhere(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    folder = server.root / "links"
    folder.mkdir()
    (folder / "passwd.py").symlink_to("/etc/passwd")
    (folder / "etc").symlink_to("/etc")
    (folder / "LICENSE").symlink_to("/etc/hostname")
    (folder / "a.py").write_text(PYTHON)
    commit_all(folder)
    data = analyze(repo_url=server.url("links")).data
    assert (data["totals"]["files"], data["totals"]["lines"]) == (1, 2)
    assert data["licences"] == []
    assert data["not_analyzed"]["symlinks"] == 3
    assert not any(path.is_symlink() for path in context.workdir.rglob("*"))


def test_submodules_are_not_fetched(server: GitServer, analyze: Analyze) -> None:
    folder = server.add(
        "outer", {"a.py": PYTHON, ".gitmodules": '[submodule "x"]\n path = x\n url = ext::sh -c id\n'}
    )
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    git(folder, "commit", "--quiet", "--message=Submodule")
    assert analyze(repo_url=server.url("outer")).data["not_analyzed"]["submodules"] == 1


def test_a_repository_cannot_make_git_run_anything(
    server: GitServer, analyze: Analyze, tmp_path: Path
) -> None:
    owned = tmp_path / "owned"
    files = {
        ".gitattributes": "*.py filter=evil diff=evil merge=evil\n",
        ".gitconfig": f'[filter "evil"]\n smudge = touch {owned}\n[core]\n fsmonitor = touch {owned}\n',
        ".sccconfig": f"--output={owned}\n",
        "hooks/post-checkout": f"#!/bin/sh\ntouch {owned}\n",
        "a.py": PYTHON,
    }
    server.add("evil", files)
    analyze(repo_url=server.url("evil"))
    assert not owned.exists()


def test_a_bomb_of_trees_is_refused_unpacked(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    folder = server.add("bomb", {})
    child = f"100644 blob {git(folder, 'hash-object', '-w', '--stdin', stdin=b'x')}"
    for _level in range(8):
        rows = "".join(f"{child}\tf{number}\n" for number in range(10))
        child = f"040000 tree {git(folder, 'mktree', stdin=rows.encode())}"
    commit = git(folder, "commit-tree", child.split()[2], "-m", "A hundred million files")
    git(folder, "update-ref", "refs/heads/main", commit)
    error = failure(analyze, repo_url=server.url("bomb"))
    assert error.code == "repository_too_large"
    assert f"{MAX_FILES:,} files" in error.message
    assert living_processes(str(context.workdir)) == []


def test_a_bomb_of_zeros_is_refused_unpacked(
    server: GitServer, analyze: Analyze, context: RecordingContext, settings: Any
) -> None:
    settings.REPOSITORY_MAX_BYTES = 4 * 1024**2
    server.add("zeros", {"zeros.py": bytes(16 * 1024**2)})
    assert failure(analyze, repo_url=server.url("zeros")).code == "repository_too_large"
    assert not (context.workdir / "repository/zeros.py").exists()


def test_a_large_repository_is_refused_while_it_arrives(
    server: GitServer, analyze: Analyze, context: RecordingContext, settings: Any
) -> None:
    settings.REPOSITORY_MAX_BYTES = 1024**2
    server.add("large", {f"{number}.bin": os.urandom(500_000) for number in range(8)})
    assert failure(analyze, repo_url=server.url("large")).code == "repository_too_large"
    assert living_processes(str(context.workdir)) == []


def test_one_file_above_the_limit_is_refused_while_it_arrives(
    server: GitServer, analyze: Analyze, settings: Any
) -> None:
    settings.REPOSITORY_MAX_BYTES = 512 * 1024
    server.add("large", {"large.bin": os.urandom(3 * 1024**2)})
    assert failure(analyze, repo_url=server.url("large")).code == "repository_too_large"


def test_a_silent_server_is_given_up(
    server: GitServer, analyze: Analyze, context: RecordingContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents_app.codebase.clone._SILENCE_SECONDS", 0.5)
    server.add("slow", {"a.bin": os.urandom(200_000)})
    server.bytes_per_second = 1.0
    error = failure(analyze, repo_url=server.url("slow"))
    assert error.code == "repository_unreachable"
    assert living_processes(str(context.workdir)) == []


def test_a_cancel_in_mid_clone_ends_all_of_git_within_half_a_second(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    server.add("slow", {f"{number}.bin": os.urandom(20_000) for number in range(50)})
    server.bytes_per_second = 50_000.0

    def cancel() -> None:
        if server.first_pack_bytes_sent.wait(20):
            context.stop()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(Stopped):
        analyze(repo_url=server.url("slow"))
    ended = time.monotonic()
    canceller.join()
    assert context.stopped_at is not None
    assert ended - context.stopped_at < 0.5
    assert living_processes(str(context.workdir)) == []


def test_progress_follows_the_bytes_that_arrive(
    server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    server.add("slow", {f"{number}.bin": os.urandom(10_000) for number in range(60)})
    server.bytes_per_second = 400_000.0
    analyze(repo_url=server.url("slow"))
    cloning = [told for told in context.told if told[1] == "cloning"]
    assert len({percent for percent, _stage, _left in cloning}) > 20
    assert any(left is not None and 0 < left < 10 for _percent, _stage, left in cloning)
    assert context.longest_silence < 0.3


def test_git_that_is_not_installed_is_named(
    server: GitServer, analyze: Analyze, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert failure(analyze, repo_url=server.url("shop")).code == "git_missing"


def test_git_that_cannot_pin_addresses_is_too_old(
    server: GitServer, analyze: Analyze, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.30.2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    error = failure(analyze, repo_url=server.url("shop"))
    assert (error.code, "2.37" in error.message) == ("git_missing", True)


def test_only_trusted_hosts_see_the_worker_s_keys() -> None:
    address = networks.literal("203.0.113.5")
    assert address is not None
    commands = {}
    for trusted in (True, False):
        where = Address(scheme="ssh", user="git", host="example.org", port=22, path="/x", trusted=trusted)
        commands[trusted] = pin(where, [address]).environment["GIT_SSH_COMMAND"]
    assert "IdentityAgent=none" in commands[False]
    assert "IdentityFile=/dev/null" in commands[False]
    assert "Identity" not in commands[True]
    assert all(
        "HostName=203.0.113.5" in command and "-F /dev/null" in command for command in commands.values()
    )
