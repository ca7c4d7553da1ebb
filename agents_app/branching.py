"""Say it anew: edit a message, have an answer made again, go back to what was said before.

Each leaves the current branch where the change begins. What ran in the branch that is left (tool calls,
subagents) stays as it is and is shown with it. None is possible while an answer is under way: which branch
it belongs to must not change.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

from django.db.models import QuerySet

from agents_app import turn_requests
from agents_app.models import Turn
from sessions_app import branches, messages
from sessions_app.errors import Refusal, not_found
from sessions_app.events import SessionChange, session_change
from sessions_app.models import Message


def edit(session_id: UUID, message_id: UUID, content: str, idempotency_key: str = "") -> Message:
    """Say a message of the user in other words and have those answered; returns the new message.

    Raises `Refusal`: `turn_unfinished`, `not_editable`, `not_found`, `not_in_branch`, what a new message is
    refused for.
    """
    return messages.post(session_id, content, idempotency_key, before=partial(_leave_at, message_id))


def regenerate(session_id: UUID, message_id: UUID) -> Turn:
    """Have the answer made again to which a message of the agent belongs; returns the new turn.

    What the turn was told while it ran is answered as well; what it did before the last of that stays.
    Raises `Refusal`: `turn_unfinished`, `not_an_answer`, `not_found`, `not_in_branch`.
    """
    with session_change(session_id) as change:
        messages.require_active(change.session)
        _require_rest(change)
        message = _shown(change, message_id)
        if message.role != Message.Role.ASSISTANT or message.turn_id is None:
            raise Refusal("not_an_answer", "Only an answer of the agent is made again.")
        branches.fork(change, _beginning(change, message))
        turn = turn_requests.request(change)
        if turn is None:
            raise Refusal("turn_unfinished", "An answer is under way.", status=409)
        return turn


def switch(session_id: UUID, branch_id: UUID) -> None:
    """Show another branch of the session and go on with it.

    Raises `Refusal`: `turn_unfinished`, `not_found`.
    """
    with session_change(session_id) as change:
        messages.require_active(change.session)
        _require_rest(change)
        branches.switch(change, branches.find(change.session, branch_id))


def told(turn: Turn, batches: Sequence[int]) -> Iterator[tuple[Turn, list[Message] | None]]:
    """Yield the newest turns before this one in its branch, the newest first, read in batches of these sizes.

    A turn of which the branch has only a part comes with the messages of that part.
    """
    ended = turn.session.turns.exclude(pk=turn.pk).order_by("-created_at")
    ranges = branches.current(turn.session)
    if ranges is None:
        for one in _in_batches(ended, batches):
            yield one, None
        return
    placed = turn.session.messages.all().placed(ranges)
    rows = list(ended.filter(pk__in=placed.exclude(turn_id=None).values("turn_id"))[: sum(batches)])
    parts: dict[UUID, list[Message]] = {one.pk: [] for one in rows}
    cut: set[UUID] = set()
    for message in turn.session.messages.filter(turn_id__in=list(parts)).order_by("seq"):
        if message.turn_id is None:
            continue
        if branches.holds(ranges, message.seq):
            parts[message.turn_id].append(message)
        else:
            cut.add(message.turn_id)
    for one in rows:
        yield one, parts[one.pk] if one.pk in cut else None


def _in_batches(ended: QuerySet[Turn], batches: Sequence[int]) -> Iterator[Turn]:
    for count in batches:
        batch = list(ended[:count])
        yield from batch
        if len(batch) < count:
            return
        ended = ended.filter(created_at__lt=batch[-1].created_at)


def _leave_at(message_id: UUID, change: SessionChange) -> None:
    _require_rest(change)
    message = _shown(change, message_id)
    if message.role != Message.Role.USER:
        raise Refusal("not_editable", "Only what you said yourself can be edited.")
    branches.fork(change, message.seq)


def _beginning(change: SessionChange, answer: Message) -> int:
    """Return the place at which an answer begins: behind the last message that its turn took up."""
    taken = change.session.messages.filter(turn_id=answer.turn_id).exclude(role=Message.Role.ASSISTANT)
    last = taken.order_by("-seq").values_list("seq", flat=True).first()
    if last is not None:
        return last + 1
    # It was made again itself, and so began its branch.
    return branches.start_of(branches.current(change.session) or [[1, None]], answer.seq)


def _shown(change: SessionChange, message_id: UUID) -> Message:
    message = change.session.messages.filter(pk=message_id).first()
    if message is None:
        raise not_found("message")
    ranges = branches.current(change.session)
    if ranges is not None and not branches.holds(ranges, message.seq):
        raise Refusal("not_in_branch", "The message is in another branch: switch to that first.", status=409)
    return message


def _require_rest(change: SessionChange) -> None:
    if change.session.turns.unfinished().exists():
        detail = "An answer is under way: stop it, or wait for its end."
        raise Refusal("turn_unfinished", detail, status=409)
