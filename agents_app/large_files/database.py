"""DuckDB, shut in: it sees one file and one folder, no network, no extensions, and little memory."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from agents_app.large_files.telling import Told

MEMORY = "160MB"
THREADS = 2
_LOOK_SECONDS = 0.1
_CLOSED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


def connect(place: str, folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that may read `place` and write into `folder`."""
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    connection = duckdb.connect(
        config={
            "threads": THREADS,
            "memory_limit": MEMORY,
            "temp_directory": str(spill),
            "extension_directory": str(spill),
            "preserve_insertion_order": "true",
        }
    )
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    connection.execute(f"SET allowed_paths = [{literal(place)}]")
    connection.execute(f"SET allowed_directories = [{literal(str(folder) + '/')}]")
    for name, value in _CLOSED.items():
        connection.execute(f"SET {name} = {value}")
    connection.execute("SET lock_configuration = true")
    return connection


def query(
    connection: duckdb.DuckDBPyConnection, statement: str, values: Sequence[Any], told: Told
) -> list[tuple[Any, ...]]:
    """Run a statement and return all its rows; progress is what DuckDB says. Raises `duckdb.Error`."""
    with _telling(connection, told):
        return connection.execute(statement, list(values)).fetchall()


@contextmanager
def _telling(connection: duckdb.DuckDBPyConnection, told: Told) -> Iterator[None]:
    over = threading.Event()

    def tell() -> None:
        while not over.wait(_LOOK_SECONDS):
            percent = connection.query_progress()
            if percent >= 0:
                told.progress(min(1.0, percent / 100))

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def literal(text: str) -> str:
    """Return `text` as a string in SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(text: str) -> str:
    """Return `text` as a name in SQL."""
    return '"' + text.replace('"', '""') + '"'
