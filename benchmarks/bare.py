"""The baseline of admission: the statements of the verbs, through the bare driver."""

import fcntl
import json
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from django.db import connection
from django.utils import timezone

from agents_app import statements
from agents_app.models import Subagent, Worker
from benchmarks.stage import a_session
from sessions_app.models import ChatSession, Event
from sessions_app.rows import Rows, adapted

_sessions, _events, _subagents = Rows(ChatSession), Rows(Event), Rows(Subagent)
_AT = "id = %(id)s AND attempt = 1 AND state = %(state)s"
PAYLOAD = json.dumps({"text": "x" * 900})


class BareCycle:
    """One submit, start and finish; `holding` is what this process has been given."""

    def __init__(self) -> None:
        self._session = a_session()
        self._worker = adapted(Worker.objects.values_list("pk", flat=True)[0])
        self._driver: Any = _Sqlite() if connection.vendor == "sqlite" else _Postgres()
        self._subagent = self._a_row()
        self.holding: list[Any] = []

    def run(self) -> None:
        """Do it once with a slot that this process has."""
        self._submit()
        held = adapted(self.holding.pop(0))
        self._start(held)
        self._finish(held)

    def _a_row(self) -> Subagent:
        now = timezone.now()
        return Subagent(
            session=self._session,
            owner_id=self._session.owner_id,
            pool_id="tools",
            seq=1,
            agent_type="nothing",
            tool_name="nothing",
            title="Nothing",
            queued_at=now,
            queue_deadline_at=now + timedelta(hours=1),
        )

    def _submit(self) -> None:
        row = self._subagent
        row.pk, row.queued_at = uuid.uuid4(), timezone.now()
        with self._driver.transaction():
            self._take_seq(row.session_id)
            line = statements._LINE.format(columns=statements._pools.columns)
            lines = self._driver.all(line, self._moment())
            self._insert(_subagents, row)
            self._event(row.session_id)
            free = min(int(lines[0][1]), 4) > lines[0][0]
            admitted = self._claim(row.owner_id) if free else None
            if admitted is None:
                self._driver.run(statements._ENTER, {"pool": "tools", "owner": row.owner_id})
        self._driver.one(statements._CHOOSE, self._moment())

    def _start(self, key: Any) -> None:
        self._driver.one(_subagents._select, [key])
        values = {"state": "running", "worker_id": self._worker, "started_at": adapted(timezone.now())}
        values |= {"deadline_at": values["started_at"], "idle_deadline_at": values["started_at"]}
        values |= {"progress": 0, "stage": "", "estimated_seconds_left": None}
        with self._driver.transaction():
            self._take_seq(self._session.pk)
            self._update(key, "admitted", values, "1")
            self._event(self._session.pk)

    def _finish(self, key: Any) -> None:
        values = {"state": "succeeded", "finished_at": adapted(timezone.now()), "error": None}
        values |= {"estimated_seconds_left": None, "result": PAYLOAD, "report": "", "progress": 100}
        with self._driver.transaction():
            self._take_seq(self._session.pk)
            self._update(key, "running", values | {"stage": "complete"}, _subagents.columns)
            self._event(self._session.pk)
            if self._driver.one(statements._CHOOSE, self._moment()):
                self._claim(None)

    def _claim(self, entering: int | None) -> Any:
        values = self._moment() | {"entering": entering}
        if connection.vendor == "postgresql":
            self._driver.one(statements._TRY_LOCK, ["tools"])
            row = self._driver.one(statements._CLAIM_AT_ONCE, values)
        elif (row := self._driver.one(statements._CHOOSE, values)) is not None:
            values |= dict(zip(("id", "owner", "start", "admission"), row, strict=True))
            self._driver.one(statements._CLAIM_ITEM, values)
            for statement in statements._CLAIM_STEPS:
                self._driver.run(statement, values)
        if row is not None:
            self.holding.append(uuid.UUID(str(row[0])))
        return row

    def _take_seq(self, session_id: Any) -> None:
        self._driver.one(
            f"UPDATE sessions_app_chatsession SET last_seq = last_seq + 1 WHERE id = %s"
            f" RETURNING {_sessions.columns}",
            [adapted(session_id)],
        )

    def _event(self, session_id: Any) -> None:
        statement = _events._insert[1]
        moment = adapted(timezone.now())
        self._seq = getattr(self, "_seq", 10**9 + int.from_bytes(os.urandom(5))) + 1
        self._driver.run(statement, [adapted(session_id), self._seq, "bare", PAYLOAD, moment])

    def _insert(self, rows: Any, row: Any) -> None:
        fields, statement = rows._insert
        self._driver.run(
            statement, [f.get_db_prep_save(f.pre_save(row, add=True), connection) for f in fields]
        )

    def _update(self, key: Any, state: str, values: dict[str, Any], returned: str) -> None:
        statement = _subagents._update(tuple(values), _AT, returned)
        new = {f"new_{name}": value for name, value in values.items()}
        self._driver.one(statement, new | {"id": key, "state": state})

    def _moment(self) -> dict[str, Any]:
        return statements._moment("tools", timezone.now(), None)


class _Sqlite:
    """sqlite3 alone, with the gate in front that the installation has."""

    def __init__(self) -> None:
        self._file = str(connection.settings_dict["NAME"])
        self._link = sqlite3.connect(self._file, isolation_level=None, timeout=20)
        self._link.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
        )
        self._texts: dict[str, str] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the gate and a write transaction."""
        gate = os.open(f"{self._file}.gate", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            self._link.execute("BEGIN IMMEDIATE")
            yield
            self._link.execute("COMMIT")
        finally:
            os.close(gate)

    def run(self, statement: str, values: Any) -> None:
        """Run a statement."""
        self._cursor(statement, values)

    def one(self, statement: str, values: Any) -> Any:
        """Return the first row."""
        return self._cursor(statement, values).fetchone()

    def all(self, statement: str, values: Any) -> Any:
        """Return all rows."""
        return self._cursor(statement, values).fetchall()

    def _cursor(self, statement: str, values: Any) -> Any:
        if statement not in self._texts:
            places = (
                {name: f":{name}" for name in values} if isinstance(values, dict) else ("?",) * len(values)
            )
            self._texts[statement] = statement % places
        return self._link.execute(self._texts[statement], values)


class _Postgres:
    """psycopg alone, with prepared statements."""

    def __init__(self) -> None:
        self._link = psycopg.connect(**self._where(), autocommit=True, prepare_threshold=2)

    def _where(self) -> dict[str, Any]:
        known = connection.settings_dict
        return {
            "dbname": known["NAME"],
            "user": known["USER"],
            "password": known["PASSWORD"],
            "host": known["HOST"],
            "port": known["PORT"],
        }

    def transaction(self) -> Any:
        """Hold a transaction."""
        return self._link.transaction()

    def run(self, statement: str, values: Any) -> None:
        """Run a statement."""
        self._link.execute(statement, values)

    def one(self, statement: str, values: Any) -> Any:
        """Return the first row."""
        return self._link.execute(statement, values).fetchone()

    def all(self, statement: str, values: Any) -> Any:
        """Return all rows."""
        return self._link.execute(statement, values).fetchall()
