"""Branches: what was said anew stands in the place of what was said before, which stays readable.

The event log stays one line. A branch is a list of ranges of it; the last range of the current branch is
open, so whatever is recorded belongs to it.
"""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from sessions_app.errors import Refusal, not_found
from sessions_app.events import SessionChange
from sessions_app.messages import session_payload
from sessions_app.models import Branch, ChatSession
from sessions_app.querysets import Ranges, within

BRANCHES_AT_MOST = 100
RANGES_AT_MOST = 100


def current(session: ChatSession) -> Ranges | None:
    """Return the ranges of the branch that is shown; None if the session is one line."""
    return None if session.branch_id is None or session.branch is None else session.branch.ranges


def shown(session_id: UUID) -> Q:
    """Return the condition that a row's `seq` belongs to the branch of the session that is shown."""
    ranges = Branch.objects.filter(pk__in=ChatSession.objects.filter(pk=session_id).values("branch_id"))
    return within(ranges.values_list("ranges", flat=True).first())


def find(session: ChatSession, branch_id: UUID | str) -> Branch:
    """Return a branch of the session. Raises `Refusal` (`not_found`)."""
    try:
        found = session.branches.filter(pk=branch_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise not_found("branch")
    return found


def fork(change: SessionChange, seq: int) -> Branch:
    """Leave the current branch before place `seq`: what is said from now on stands there instead.

    Raises `Refusal` (`too_many_branches`).
    """
    session = change.session
    if session.branches.count() >= BRANCHES_AT_MOST:
        raise Refusal("too_many_branches", f"A chat has at most {BRANCHES_AT_MOST} branches.", status=409)
    left = session.branch or Branch.objects.create(session=session, ranges=[[1, None]])
    kept = _before(left.ranges, seq)
    _close(change, left)
    return _enter(change, Branch(session=session, ranges=kept))


def switch(change: SessionChange, branch: Branch) -> None:
    """Show another branch and go on with it; the current one is left as it is.

    Raises `Refusal` (`too_many_branches`) after very many switches.
    """
    if branch.pk == change.session.branch_id or change.session.branch is None:
        return
    if len(branch.ranges) >= RANGES_AT_MOST:
        raise Refusal("too_many_branches", "This branch was gone on with too often.", status=409)
    _close(change, change.session.branch)
    branch.used_at = timezone.now()
    _enter(change, branch)


def holds(ranges: Ranges, seq: int) -> bool:
    """Whether the place is in one of the ranges."""
    return any(first <= seq and (last is None or seq <= last) for first, last in ranges if first is not None)


def start_of(ranges: Ranges, seq: int) -> int:
    """Return where the range begins in which the place is."""
    return next(first for first, last in reversed(ranges) if first is not None and first <= seq)


def forks(session: ChatSession) -> list[dict[str, Any]]:
    """Return the places of the current branch at which others leave it.

    Each has `seq`, from which on they differ, `branch_ids` of all that can be shown there (in the order in
    which they were said), and `current`, the index of the one that is.
    """
    mine = current(session)
    if mine is None:
        return []
    versions: dict[int, dict[int, Branch]] = defaultdict(dict)
    for branch in session.branches.order_by("used_at"):
        if branch.pk == session.branch_id:
            continue
        here, there = _parting(mine, branch.ranges)
        versions[here][there] = branch  # of several that begin alike, the one used last
    return [_fork(session, here, others) for here, others in sorted(versions.items())]


def _fork(session: ChatSession, here: int, others: dict[int, Branch]) -> dict[str, Any]:
    ids = {place: str(branch.pk) for place, branch in others.items()} | {here: str(session.branch_id)}
    return {
        "seq": here,
        "branch_ids": [ids[place] for place in sorted(ids)],
        "current": sorted(ids).index(here),
    }


def _parting(mine: Ranges, other: Ranges) -> tuple[int, int]:
    """Return the first place of each that the other one does not have."""
    index = 0
    while index < min(len(mine), len(other)) and mine[index] == other[index]:
        index += 1
    rest, others_rest = mine[index:], other[index:]
    if rest and others_rest and rest[0][0] == others_rest[0][0]:
        shared = min(last for _, last in (rest[0], others_rest[0]) if last is not None)
        rest, others_rest = _after(rest, shared), _after(others_rest, shared)
    return _first(rest), _first(others_rest)


def _after(ranges: Ranges, seq: int) -> Ranges:
    return [[max(first or 1, seq + 1), last] for first, last in ranges if last is None or last > seq]


def _first(ranges: Ranges) -> int:
    return ranges[0][0] or 0 if ranges else 0


def _before(ranges: Ranges, seq: int) -> Ranges:
    """Return the part of ranges that lies before a place."""
    kept = [[first, last] for first, last in ranges if first is not None and first < seq]
    if kept and (kept[-1][1] is None or kept[-1][1] >= seq):
        kept[-1][1] = seq - 1
    # Each range but the first begins with the event that tells of the branch, which alone says nothing.
    return kept[:-1] if len(kept) > 1 and kept[-1][0] == kept[-1][1] else kept


def _close(change: SessionChange, branch: Branch) -> None:
    """End the open range; one in which nothing happened but its own beginning goes."""
    first = branch.ranges[-1][0]
    last = change.session.last_seq
    branch.ranges = branch.ranges[:-1] + ([[first, last]] if last > first or len(branch.ranges) == 1 else [])
    branch.save()


def _enter(change: SessionChange, branch: Branch) -> Branch:
    branch.ranges = [*branch.ranges, [change.next_seq, None]]
    branch.save()
    change.session.branch = branch
    change.session.save(update_fields=["branch"])
    change.record("session.updated", session_payload(change.session))
    return branch
