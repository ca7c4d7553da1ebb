"""Where a run plays: an installation, its users with their sessions and tokens, Django on the same data."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.stage import join
from tests.chaos_feed.clients import Seat
from tests.chaos_feed.webs import Webs
from tests.installation import Installation

SESSIONS = 6
USERS = 3


@contextmanager
def installation(folder: Path, named_database: Mapping[str, str]) -> Iterator[Installation]:
    """Run an installation that lets its users ask as often as they like; the harness' Django joins it."""
    environment = {**named_database, "API_REQUESTS_PER_MINUTE": "10000000", "LOG_LEVEL": "WARNING"}
    with Installation(folder / "var", environment) as running:
        join(running, folder)
        yield running


@contextmanager
def web_processes(house: Installation, count: int, folder: Path) -> Iterator[Webs]:
    """Run `count` web processes, one of which is the supervisor's."""
    webs = Webs(house, count, folder / "web.log")
    webs.start()
    try:
        yield webs
    finally:
        webs.stop()


def seats(webs: Webs, clients: int) -> list[Seat]:
    """Start the sessions of some users, not more than there are clients; return a seat in each."""
    from django.contrib.auth import get_user_model

    from sessions_app import lifecycle

    users = {name: _token(name) for name in (f"feed-{number}" for number in range(USERS))}
    found = []
    for number in range(min(SESSIONS, clients)):
        name = f"feed-{number % USERS}"
        session = lifecycle.start(get_user_model().objects.get(username=name))
        found.append(Seat(urls=webs.urls, session=str(session.pk), token=users[name]))
    return found


def _token(name: str) -> str:
    """Make a user and return an API token of his."""
    from django.core.management import call_command

    call_command("create_user", name, stdout=io.StringIO())
    printed = io.StringIO()
    call_command("api_token", name, stdout=printed)
    return printed.getvalue().split()[-1]
