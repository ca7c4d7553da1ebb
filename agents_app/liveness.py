"""Who is alive: each working process holds a lock on a file of its own and has a `Worker` row.

The lock is a POSIX record lock: it ends with the process and its children do not inherit it. It can be
probed only from another process (a process sees its own lock as free), so only the keeper probes.
"""

import fcntl
import json
import logging
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from agents_app import process_groups
from agents_app.lease import Lease
from agents_app.models import Worker

logger = logging.getLogger(__name__)

LOST_EXIT_CODE = 75


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
# What the lock files say, by name and inode: they appear whole and never change.
_known: dict[tuple[str, int], Identity] = {}


def register(kind: str, queues: tuple[str, ...] = ()) -> Identity:
    """Make this process known: lock its file first, so that a row is never there without its lock."""
    pid = os.getpid()
    identity = Identity(uuid.uuid4(), kind, pid, process_groups.start_ticks(pid) or 0)
    _own.pid, _own.identity, _own.queues = pid, identity, queues
    _own.descriptor = _locked_file(identity)
    _insert(identity, queues)
    return identity


def own_worker_id() -> uuid.UUID:
    """Return the id of this process's row, whether it is still there or not.

    Raises `RuntimeError` in a process that never registered.
    """
    if _own.identity is None or _own.pid != os.getpid():
        raise RuntimeError("this process is not registered as a worker")
    return _own.identity.worker_id


def current_worker_id() -> uuid.UUID:
    """Return the id of this process's row, under which it may begin work now.

    Where several hosts share the database a process that is declared lost, or is about to be, ends here: what
    it had may be running elsewhere, and its row must not come back while a thread of it still works on that.
    With one host the row is put back. Raises `RuntimeError` in a process that never registered.
    """
    worker_id = own_worker_id()
    own = Worker.objects.filter(pk=worker_id)
    if settings.SEVERAL_HOSTS and not own.alive(timezone.now()).exists():
        logger.critical("this process was declared lost: it ends and is started anew")
        os._exit(LOST_EXIT_CODE)
    if not settings.SEVERAL_HOSTS and not own.exists() and _own.identity is not None:
        _insert(_own.identity, _own.queues)
    return worker_id


def lock_path(worker_id: uuid.UUID) -> Path:
    """Return the lock file of a worker."""
    return Path(settings.LOCK_DIR) / f"{worker_id}.lock"


def identities() -> list[Identity]:
    """Return every process of this host that has a lock file, alive or dead."""
    global _known
    with os.scandir(settings.LOCK_DIR) as entries:
        keys = [(entry.path, entry.inode()) for entry in entries if entry.name.endswith(".lock")]
    found = {key: identity for key in keys if (identity := _known.get(key) or _read(Path(key[0])))}
    _known = found  # two threads look: each leaves a whole answer
    return list(found.values())


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


def age_seconds(identity: Identity) -> float:
    """Return how long ago the process locked its file; 0 if the file is gone."""
    try:
        return time.time() - lock_path(identity.worker_id).stat().st_mtime
    except FileNotFoundError:
        return 0.0


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
    lease = Lease.from_now()
    values: dict[str, Any] = {
        "kind": identity.kind,
        "host": settings.HOST_ID,
        "pid": identity.pid,
        "started_ticks": identity.started_ticks,
        "queues": f" {' '.join(queues)} ",
        "lease_expires_at": lease.expires_at,
    }
    with transaction.atomic():
        Worker.objects.update_or_create(pk=identity.worker_id, defaults=values)


def _read(path: Path) -> Identity | None:
    try:
        body = json.loads(path.read_text())
        return Identity(uuid.UUID(path.stem), body["kind"], body["pid"], body["started_ticks"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
