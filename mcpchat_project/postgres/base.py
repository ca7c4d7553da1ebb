"""PostgreSQL that stores what people, models and tools really say.

Its text and JSON take neither NUL characters nor halves of surrogate pairs, and both come from outside: in
the arguments of a call, a file name of a repository, the output of a model. SQLite takes them in JSON. One
such character must not cost the whole answer, so each is stored as U+FFFD, the sign for what cannot be shown.
"""

import re
from typing import Any

from django.db.backends.postgresql import base, operations
from psycopg import Connection, Cursor, IsolationLevel
from psycopg.types.string import StrDumperUnknown

_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
_CONNECTION = {
    "connect_timeout": 5,
    # A server that vanished is noticed in seconds, as leases are, and not after two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


# After so many runs in a connection the plan of a statement of `run_often` is kept.
PREPARE_AFTER = 2


class PossibleText(StrDumperUnknown):
    """Adapts a string for the server."""

    def dump(self, obj: str) -> Any:
        """Return the bytes of `obj` with what PostgreSQL cannot hold replaced."""
        return super().dump(possible(obj))


class DatabaseOperations(operations.DatabaseOperations):
    """Those of Django, with JSON that PostgreSQL can hold."""

    def adapt_json_value(self, value: Any, encoder: Any) -> Any:
        """Return `value` for a JSON column."""
        return super().adapt_json_value(possible(value), encoder)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection under READ COMMITTED, on which admission relies: each statement sees what was committed
    before it began."""

    ops_class = DatabaseOperations

    def get_connection_params(self) -> dict[str, Any]:
        """Return how to connect; what DATABASE_URL says goes first."""
        # In DATABASE_URL it is a text: `?prepare_threshold=None` is for a pooler that cannot keep plans.
        wanted = str(self.settings_dict["OPTIONS"].get("prepare_threshold", PREPARE_AFTER))
        threshold = int(wanted) if wanted.isdecimal() else None
        return _CONNECTION | super().get_connection_params() | {"prepare_threshold": threshold}

    def get_new_connection(self, conn_params: dict[str, Any]) -> "Connection[Any]":
        """Connect."""
        connection = super().get_new_connection(conn_params)
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        connection.adapters.register_dumper(str, PossibleText)
        return connection

    def run_often(self, statement: str, values: Any) -> Any:
        """Run a statement and return its cursor: the server gets the values apart and keeps the plan, which
        for an admission is most of the work."""
        return Cursor(self.connection).execute(statement, values)


def possible(value: Any) -> Any:
    """Return text, or all text inside lists and mappings, with what PostgreSQL cannot hold replaced."""
    if isinstance(value, str):
        return _IMPOSSIBLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {possible(key): possible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [possible(item) for item in value]
    return value
