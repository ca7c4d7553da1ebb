"""Beat, of which any number may run: the one that holds the post sends, another takes over within 5 s."""

import uuid
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler

from agents_app.reachable import wait_for_the_database
from agents_app.singletons import Post

LOOK_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 1.0  # a part of the time after which the post is renewed


class OneOfAll(DatabaseScheduler):
    """Sends what is due only while it holds the post `beat`.

    What was sent is stored before anything else is (`CELERY_BEAT_SYNC_EVERY`), and whoever takes over reads
    the schedule anew: it sends what its predecessor did not live to send. One that dies between sending and
    storing leaves that one job to be sent twice; jobs here have a slot that only one run can take.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._post = Post("beat", str(uuid.uuid4()))
        self._is_sending = False
        wait_for_the_database()
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, if this is the one; return the seconds until the next look."""
        before, self._is_sending = self._is_sending, self._post.is_mine()
        if not self._is_sending:
            return LOOK_SECONDS
        if not before:
            self._read_anew()
        return min(super().tick(*args, **kwargs), LONGEST_WAIT_SECONDS)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send one; not if this process stood still since it looked, and another has the post by now."""
        if self._post.is_mine():
            super().apply_entry(entry, producer)

    def close(self) -> None:
        """Leave the post at an orderly end."""
        super().close()
        self._post.give_up()

    def _read_anew(self) -> None:
        """Forget what this process knew of earlier runs: another has sent since."""
        self._dirty.clear()
        self._initial_read = True
        self._heap = None
