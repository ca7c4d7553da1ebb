"""What git's history tells, and what a hostile repository cannot do with it."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents_app.codebase import activity, address, folder, history
from agents_app.codebase.activity import Activity, Author, Month
from agents_app.codebase.clone import clone
from agents_app.codebase.source import Source
from agents_app.codebase.subfolder import enter
from agents_app.context import Stopped
from agents_app.isolation.subprocesses import run
from agents_app.stages import Stage
from tests.git_server import GitServer, git
from tests.recording import RecordingContext, child_processes, living_processes

DAY = 86_400
JANUARY = 1_767_225_600  # 2026-01-01


def stream(commits: list[tuple[str, str, int, dict[str, str]]]) -> bytes:
    """Return commits (name, address, seconds, files) as `git fast-import` reads them."""
    parts = []
    for name, email, seconds, files in commits:
        who = f"{name} <{email}> {seconds} +0000"
        parts.append(f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata 1\nx\n")
        parts += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
    return "".join(parts).encode(errors="surrogateescape")


def repository(where: Path, commits: list[tuple[str, str, int, dict[str, str]]]) -> Path:
    """Make a checkout with `commits`."""
    where.mkdir(parents=True, exist_ok=True)
    git(where, "init", "--quiet", "--initial-branch=main")
    git(where, "fast-import", "--quiet", stdin=stream(commits))
    git(where, "reset", "--quiet", "--hard")
    return where


SHOP = [
    ("Ada", "ada@example.org", JANUARY, {"a.py": "1\n2\n3\n"}),
    ("Bob", "bob@example.org", JANUARY + DAY, {"src/b.py": "1\n2\n"}),
    ("Ada L.", "ADA@example.org", JANUARY + 40 * DAY, {"a.py": "1\nx\n3\n4\n"}),
]


@pytest.fixture
def read(stage: Stage, tmp_path: Path) -> Callable[..., Activity]:
    """Read the history of an allowed folder."""

    def read_folder(path: Path, subfolder: str = "") -> Activity:
        source = enter(folder.source(str(path), [tmp_path]), subfolder)
        found = activity.survey(stage.context, stage, source)
        assert found is not None
        return found

    return read_folder


@pytest.fixture
def cloned(server: GitServer, stage: Stage) -> Callable[[str], Source]:
    """Clone a repository of the server."""

    def clone_it(name: str) -> Source:
        where = address.parse(server.url(name), [server.host])
        return clone(stage.context, stage.part(0, 0), where, "", 1024**3)

    return clone_it


def survey(stage: Stage, source: Source) -> Activity:
    found = activity.survey(stage.context, stage, source)
    assert found is not None
    return found


def test_commits_authors_and_lines_are_counted_by_month(
    tmp_path: Path, read: Callable[..., Activity]
) -> None:
    found = read(repository(tmp_path / "shop", SHOP))
    assert found == Activity(
        commits=3,
        authors=2,
        first_at="2026-01-01T00:00:00+00:00",
        last_at="2026-02-10T00:00:00+00:00",
        shallow=False,
        months=[
            Month(month="2026-01", commits=2, authors=2, added=5, removed=0),
            Month(month="2026-02", commits=1, authors=1, added=2, removed=1),
        ],
        top_authors=[
            Author(name="Ada L.", commits=2, added=5, removed=1),
            Author(name="Bob", commits=1, added=2, removed=0),
        ],
    )


def test_a_clone_tells_the_same(
    server: GitServer, cloned: Callable[[str], Source], stage: Stage, read: Callable[..., Activity]
) -> None:
    path = repository(server.root / "shop", SHOP)
    assert survey(stage, cloned("shop")) == read(path)


def test_of_a_subfolder_only_what_touches_it(tmp_path: Path, read: Callable[..., Activity]) -> None:
    commits = [*SHOP, ("Eve", "eve@example.org", JANUARY, {":(top)x/c": "1\n"})]
    path = repository(tmp_path / "shop", commits)
    assert [author.name for author in read(path, "src").top_authors] == ["Bob"]


def test_a_long_history_is_cut_and_said_to_be(
    server: GitServer, cloned: Callable[[str], Source], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "DEPTHS", (3, 5))
    old = {"old.py": "x\n" * 1000}
    commits = [("Ada", "a", JANUARY + day * DAY, {f"{day}": "x\n"} | old) for day in range(20)]
    repository(server.root / "long", commits)
    found = survey(stage, cloned("long"))
    assert (found.commits, found.shallow) == (5, True)
    # The oldest of the five did not write the 1,000 lines that were there before.
    assert sum(month.added for month in found.months) == 4


def test_a_history_that_is_too_large_stays_as_far_as_it_came(
    server: GitServer, cloned: Callable[[str], Source], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "DEPTHS", (3, 30))
    monkeypatch.setattr(history, "MAX_BYTES", 100_000)
    commits = [("Ada", "a", JANUARY + day * DAY, {"f": os.urandom(20).hex()}) for day in range(30)]
    commits[4][3]["big"] = os.urandom(1_000_000).hex()
    commits[5][3]["big"] = ""
    repository(server.root / "large", commits)
    server.bytes_per_second = 2_000_000.0
    found = survey(stage, cloned("large"))
    assert (found.commits, found.shallow, found.problem) == (3, True, "")
    assert living_processes(str(stage.context.workdir)) == []


def test_a_server_that_gives_no_more_costs_only_the_history(
    server: GitServer, cloned: Callable[[str], Source], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(server.root / "shop", SHOP)

    def refuse(*arguments: Any, **options: Any) -> int:
        server.locked.add("shop")
        return run(*arguments, **options)

    monkeypatch.setattr(history, "run", refuse)
    found = survey(stage, cloned("shop"))
    assert (found.commits, found.shallow) == (1, True)


def test_a_redirect_that_comes_after_the_clone_is_not_followed(
    server: GitServer, cloned: Callable[[str], Source], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(server.root / "shop", SHOP)
    repository(server.root / "inside", SHOP)

    def redirect(*arguments: Any, **options: Any) -> int:
        server.redirects["shop"] = server.url("inside")
        return run(*arguments, **options)

    monkeypatch.setattr(history, "run", redirect)
    assert survey(stage, cloned("shop")).commits == 1
    assert all(path.startswith("/shop/") for path in server.requests)


def test_merges_are_commits_without_lines(tmp_path: Path, read: Callable[..., Activity]) -> None:
    path = repository(tmp_path / "shop", SHOP)
    git(path, "checkout", "--quiet", "-b", "side", "HEAD~1")
    (path / "side.py").write_text("1\n")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message=Side")
    git(path, "merge", "--quiet", "--no-edit", "main")
    found = read(path)
    assert (found.commits, sum(month.added for month in found.months)) == (5, 8)


def test_what_a_folder_s_settings_name_is_never_run(tmp_path: Path, read: Callable[..., Activity]) -> None:
    owned = tmp_path / "owned"
    path = repository(tmp_path / "evil", [*SHOP, ("Eve", "e", JANUARY, {".gitattributes": "* diff=evil\n"})])
    program = tmp_path / "evil/run"
    program.write_text(f"#!/bin/sh\ntouch {owned}\n")
    program.chmod(0o755)
    (tmp_path / "evil/included").write_text(f"[core]\n\tfsmonitor = {program}\n")
    settings = {
        "core.fsmonitor": program, "core.pager": program, "core.hooksPath": tmp_path / "evil",
        "core.sshCommand": program, "diff.external": program, "diff.evil.textconv": program,
        "diff.evil.command": program, "log.showSignature": "true", "gpg.program": program,
        "include.path": "../included", "includeIf.gitdir:/.path": "../included", "pager.log": program,
        "core.alternateRefsCommand": program, "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::{program}", "protocol.ext.allow": "always", "core.worktree": "/",
        "uploadpack.packObjectsHook": program, "alias.log": f"!{program}", "alias.rev-list": f"!{program}",
        "filter.evil.smudge": program, "core.gitProxy": program,
    }  # fmt: skip
    for name, value in settings.items():
        git(path, "config", name, str(value))
    (path / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "run"):
        (path / ".git/hooks" / hook).write_bytes(program.read_bytes())
    found = read(path)
    assert (found.commits, found.problem) == (4, "")
    assert not owned.exists()


def test_objects_that_lie_elsewhere_are_not_read(tmp_path: Path, read: Callable[..., Activity]) -> None:
    secret = repository(tmp_path / "secret", SHOP)
    head = git(secret, "rev-parse", "HEAD")
    ways: dict[str, Callable[[Path], object]] = {
        "borrowed": lambda store: (store / "objects/info/alternates").write_text(f"{secret}/.git/objects\n"),
        "linked": lambda store: _replace(store / "objects", secret / ".git/objects"),
        "pack": lambda store: _replace(store / "objects/pack", secret / ".git/objects/pack"),
    }
    for name, way in ways.items():
        path = tmp_path / name
        path.mkdir()
        git(path, "init", "--quiet", "--initial-branch=main")
        (path / ".git/objects/info").mkdir(exist_ok=True)
        way(path / ".git")
        (path / ".git/refs/heads/main").write_text(f"{head}\n")
        found = read(path)
        assert (found.commits, bool(found.problem)) == (0, True)


def _replace(path: Path, target: Path) -> None:
    subprocess.run(["rm", "-r", str(path)], check=True)
    path.symlink_to(target)


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_repository_elsewhere_is_not_followed(
    tmp_path: Path, read: Callable[..., Activity], kind: str
) -> None:
    secret = repository(tmp_path / "secret", SHOP)
    path = tmp_path / "code"
    path.mkdir()
    if kind == "link":
        (path / ".git").symlink_to(secret / ".git")
    else:
        (path / ".git").write_text(f"gitdir: {secret}/.git\n")
    found = read(path)
    assert (found.commits, found.authors, bool(found.problem)) == (0, 0, True)


def test_a_folder_without_a_repository_has_no_activity(tmp_path: Path, stage: Stage) -> None:
    (tmp_path / "code").mkdir()
    source = folder.source(str(tmp_path / "code"), [tmp_path])
    assert activity.survey(stage.context, stage, source) is None


def test_a_shallow_folder_says_so(tmp_path: Path, read: Callable[..., Activity]) -> None:
    path = repository(tmp_path / "shop", SHOP)
    git(tmp_path, "clone", "--quiet", "--depth=2", f"file://{path}", "cut")
    found = read(tmp_path / "cut")
    assert (found.commits, found.shallow, found.problem) == (2, True, "")


def test_missing_objects_end_the_history_there(tmp_path: Path, read: Callable[..., Activity]) -> None:
    path = repository(tmp_path / "shop", SHOP)
    first = git(path, "rev-list", "--max-parents=0", "HEAD")
    pack = next((path / ".git/objects/pack").glob("*.pack"), None)
    if pack is not None:
        data = pack.read_bytes()
        for file in (path / ".git/objects/pack").iterdir():
            file.unlink()
        git(path, "unpack-objects", "-q", stdin=data)
    (path / ".git/objects" / first[:2] / first[2:]).unlink()
    found = read(path)
    assert (found.shallow, bool(found.problem)) == (True, True)


def test_names_of_authors_are_only_names(tmp_path: Path, read: Callable[..., Activity]) -> None:
    names = ["<b>", "\u202eevil", "a\tb", "x" * 5000, "", "\udcff", "`|[x](y)"]
    commits = [
        (name.replace("<", "").replace(">", ""), f"{number}@x", JANUARY, {"f": str(number)})
        for number, name in enumerate(names)
    ]
    found = read(repository(tmp_path / "names", commits))
    assert (found.commits, found.authors) == (7, 7)
    for author in found.top_authors:
        assert 0 < len(author.name) <= 80
        assert author.name.isprintable()
        author.name.encode()


def test_dates_that_cannot_be_are_in_no_month(tmp_path: Path, read: Callable[..., Activity]) -> None:
    commits = [("A", "a", seconds, {"f": str(seconds)}) for seconds in (JANUARY, 0, 2**62, 4_000_000_000)]
    found = read(repository(tmp_path / "dates", commits))
    assert found.commits == 4
    assert found.months[0].month in ("2026-01", "1970-01")
    assert all(len(month.month) == 7 for month in found.months)


def test_when_the_time_is_over_what_was_read_is_told(
    tmp_path: Path, read: Callable[..., Activity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "BUDGET_SECONDS", -1.0)
    found = read(repository(tmp_path / "shop", SHOP))
    assert (found.shallow, "seconds" in found.problem) == (True, True)


def test_progress_is_commits_and_a_cancel_ends_within_half_a_second(
    tmp_path: Path, stage: Stage, context: RecordingContext
) -> None:
    text = "x\n" * 300
    commits = [
        ("A", "a", JANUARY + n, {f"{n % 40}": f"{n}\n{text}", f"b{n % 40}": text * 2 + str(n)})
        for n in range(4000)
    ]
    source = folder.source(str(repository(tmp_path / "long", commits)), [tmp_path])
    assert survey(stage, source).commits == 4000
    assert len({percent for percent, _stage, _left in context.told}) > 10
    subprocess.run(["rm", "-r", str(context.workdir / "history")], check=True)
    context.stop_when = lambda percent, name: name == "again" and percent > 20
    before = child_processes()
    with pytest.raises(Stopped):
        survey(Stage(context, "again", 0.0, 100.0), source)
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5
    assert child_processes() == before
