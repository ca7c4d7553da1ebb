"""A broker that is gone or hangs delays messages; it never holds up whoever sends them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.environment import free_port

SEND = """
import time
import django
django.setup()
from agents_app import admission
from sessions_app.events import publish
began = time.monotonic()
{call}
print(f"took {{time.monotonic() - began:.2f}}")
"""
CALLS = [
    "admission.send_task('agents_app.tasks.run_subagent', 'tools', 'x', 1)",
    "publish('mcpchat:session:x', ['{}'])",
]


@pytest.fixture(params=["gone", "hanging"])
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a broker that refuses connections, or takes them and never answers."""
    if request.param == "gone":
        yield f"redis://127.0.0.1:{free_port()}/0"
        return
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield f"redis://127.0.0.1:{silent.getsockname()[1]}/0"


@pytest.mark.parametrize("call", CALLS, ids=["task", "event"])
def test_sending_gives_up_within_four_seconds_and_raises_nothing(broker_url: str, call: str) -> None:
    environment = os.environ | {"REDIS_URL": broker_url, "DJANGO_SETTINGS_MODULE": "mcpchat_project.settings"}
    command = [sys.executable, "-c", SEND.format(call=call)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=8)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.partition("took ")[2]) < 4
