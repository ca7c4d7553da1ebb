"""Who is alive: each working process holds a lock on a file of its own and has a `Worker` row.

The lock is a POSIX record lock: it ends with the process and its children do not inherit it. It can be
probed only from another process (a process sees its own lock as free), so only the keeper probes.
"""

import fcntl
import json
import os
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app import process_groups
from agents_app.models import Worker


@dataclass(frozen=True)
class Identity:
    """A process as its lock file names it."""

    worker_id: uuid.UUID
    kind: str
    pid: int
    started_ticks: int


@dataclass
class _Own:
    pid: int = 0
    identity: Identity | None = None
    queues: tuple[str, ...] = ()
    descriptor: int = -1


_own = _Own()


def register(kind: str, queues: tuple[str, ...] = ()) -> Identity:
    """Make this process known: lock its file first, so that a row is never there without its lock."""
    pid = os.getpid()
    identity = Identity(uuid.uuid4(), kind, pid, process_groups.start_ticks(pid) or 0)
    _own.pid, _own.identity, _own.queues = pid, identity, queues
    _own.descriptor = _locked_file(identity)
    _insert(identity, queues)
    return identity


def current_worker_id() -> uuid.UUID:
    """Return the id of this process's row, which is put back if somebody else declared it lost.

    Raises `RuntimeError` in a process that never registered.
    """
    if _own.identity is None or _own.pid != os.getpid():
        raise RuntimeError("this process is not registered as a worker")
    if not Worker.objects.filter(pk=_own.identity.worker_id).exists():
        _insert(_own.identity, _own.queues)
    return _own.identity.worker_id


def lock_path(worker_id: uuid.UUID) -> Path:
    """Return the lock file of a worker."""
    return Path(settings.LOCK_DIR) / f"{worker_id}.lock"


def identities() -> list[Identity]:
    """Return every process of this host that has a lock file, alive or dead."""
    found = (_read(path) for path in Path(settings.LOCK_DIR).glob("*.lock"))
    return [identity for identity in found if identity is not None]


def is_alive(identity: Identity) -> bool:
    """Whether the process still holds its lock. Never ask about this process itself."""
    try:
        descriptor = os.open(lock_path(identity.worker_id), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def forget(identity: Identity) -> None:
    """Remove the traces of a process whose work has been dealt with."""
    with transaction.atomic():
        Worker.objects.filter(pk=identity.worker_id).delete()
    lock_path(identity.worker_id).unlink(missing_ok=True)


def _locked_file(identity: Identity) -> int:
    """Create the file under a draft name, lock it, then give it its name: it is never seen unlocked."""
    path = lock_path(identity.worker_id)
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    body = {"kind": identity.kind, "pid": identity.pid, "started_ticks": identity.started_ticks}
    os.write(descriptor, json.dumps(body).encode())
    draft.rename(path)
    return descriptor


def _insert(identity: Identity, queues: tuple[str, ...]) -> None:
    lease = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    values: dict[str, Any] = {
        "kind": identity.kind,
        "host": settings.HOST_ID,
        "pid": identity.pid,
        "started_ticks": identity.started_ticks,
        "queues": f" {' '.join(queues)} ",
        "lease_expires_at": lease,
    }
    with transaction.atomic():
        Worker.objects.update_or_create(pk=identity.worker_id, defaults=values)


def _read(path: Path) -> Identity | None:
    try:
        body = json.loads(path.read_text())
        return Identity(uuid.UUID(path.stem), body["kind"], body["pid"], body["started_ticks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
