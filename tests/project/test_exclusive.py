import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpchat_project.address import Address
from mcpchat_project.supervisor.errors import StartError
from mcpchat_project.supervisor.exclusive import Lock, check_port


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_refused_with_a_way_out(listener: int) -> None:
    with pytest.raises(StartError, match=rf"^Port {listener} is taken .*make run PORT={listener + 1}$"):
        check_port(Address(host="127.0.0.1", port=listener))


def test_a_port_taken_on_one_address_is_taken_for_all_addresses(listener: int) -> None:
    with pytest.raises(StartError, match="is taken"):
        check_port(Address(host="0.0.0.0", port=listener))


def test_a_free_port_is_accepted_by_address_and_by_name(listener: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    check_port(Address(host="127.0.0.1", port=free))
    check_port(Address(host="localhost", port=free))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StartError, match=r"cannot listen on 192\.0\.2\.1 port 8123"):
        check_port(Address(host="192.0.2.1", port=8123))


def test_a_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(StartError, match=r"^HOST=no\.such\.invalid is not an address"):
        check_port(Address(host="no.such.invalid", port=8123))


def test_the_lock_is_held_by_one_at_a_time_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    first.take("http://127.0.0.1:8000")
    with pytest.raises(StartError, match=r"already runs on this data \(process \d+, http://127.0.0.1:8000\)"):
        second.take("http://127.0.0.1:8001")
    first.release()
    assert not path.exists()
    second.take("http://127.0.0.1:8001")
    second.release()


def test_a_lock_file_left_by_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("1 http://127.0.0.1:8000\n" * 50)
    lock = Lock(path)
    lock.take("http://127.0.0.1:8001")
    assert path.read_text().endswith(" http://127.0.0.1:8001\n")
    assert path.read_text().count("\n") == 1
    lock.release()
