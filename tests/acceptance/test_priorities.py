"""Who comes first to the processors of an installation."""

import re
from pathlib import Path

import psutil

from tests.acceptance.house import House


def _session_niceness(pid: int) -> int:
    """Return the niceness of the process's session; 0 where the system has none."""
    path = Path(f"/proc/{pid}/autogroup")
    found = re.search(r"nice (-?\d+)", path.read_text() if path.exists() else "")
    return int(found[1]) if found else 0


def test_work_gives_way_to_pages_and_answers(house: House) -> None:
    workers = [body["pid"] for body in house.identities("agents")]
    assert workers
    for ahead in map(house.process_named, ("web", "chat", "keeper")):
        assert all(psutil.Process(pid).nice() > psutil.Process(ahead).nice() for pid in workers)
        grouped = Path(f"/proc/{ahead}/autogroup").exists()
        behind = (_session_niceness(pid) > _session_niceness(ahead) for pid in workers)
        assert not grouped or all(behind)
