"""Who joins in mid-answer gets the whole text, each character once."""

import asyncio
from typing import Any

import pytest

from sessions_app import messages
from sessions_app.events import announce, session_change
from sessions_app.feed import topic
from sessions_app.feed.drafts import Draft
from sessions_app.feed.hub import Hub
from sessions_app.models import ChatSession, Message
from sessions_app.payloads import DELTA_CHARACTERS
from tests.sessions.sockets import Reader, in_thread

pytestmark = pytest.mark.django_db(transaction=True)


class Answer:
    """A message in flight, written as a chat worker writes it."""

    def __init__(self, session: ChatSession, row: Message) -> None:
        self._session, self._row, self.text = session, row, ""

    @classmethod
    async def begin(cls, session: ChatSession) -> "Answer":
        """Add the message."""

        def add() -> Message:
            with session_change(session.pk) as change:
                return messages.add(change, role="assistant", content="", state=Message.State.STREAMING)

        return cls(session, await in_thread(add))

    async def grow(self, text: str, *, heard: bool = True, generation: int = 1) -> None:
        """Add text and publish it, or lose the publication."""
        delta = {
            "message_id": str(self._row.pk),
            "generation": generation,
            "offset": len(self.text),
            "text": text,
        }
        self.text += text
        if heard:
            await in_thread(lambda: announce(self._session.pk, "message.delta", delta))

    async def store(self) -> None:
        """Store the text so far."""
        await in_thread(lambda: messages.save_draft(self._row.pk, 1, self.text))

    async def restart(self) -> None:
        """Begin the text anew, as another process does for one that died."""
        self.text = ""
        await in_thread(lambda: Message.objects.filter(pk=self._row.pk).update(generation=2, content=""))

    async def complete(self) -> None:
        """End the message."""

        def end() -> None:
            with session_change(self._session.pk) as change:
                messages.complete(change, self._row, self.text)

        await in_thread(end)


def _texts(reader: Reader) -> list[tuple[int, str]]:
    """Return the text of each generation as a client puts it together; fail if a piece leaves a gap."""
    texts: dict[int, str] = {}
    for event in reader.events:
        if event["kind"] == "message.delta":
            delta: dict[str, Any] = event["payload"]
            known = texts.get(delta["generation"], "")
            assert delta["offset"] == len(known), f"{delta['offset']} after {len(known)} characters"
            texts[delta["generation"]] = known + delta["text"]
    return sorted(texts.items())


async def _until_text(reader: Reader, text: str, generation: int = 1) -> None:
    await reader.until(lambda: dict(_texts(reader)).get(generation) == text, seconds=3)


async def test_who_joins_in_mid_answer_gets_what_was_stored_then_what_follows(
    hub: Hub, session: ChatSession
) -> None:
    answer = await Answer.begin(session)
    await answer.grow("Hello ")
    await answer.store()
    async with Reader(hub, session.pk) as reader:
        await _until_text(reader, "Hello ")
        await answer.grow("wörld 🌍")
        await _until_text(reader, "Hello wörld 🌍")


async def test_text_that_was_published_and_not_stored_yet_is_not_missing(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic, "FILL_SECONDS", 0.02)
    answer = await Answer.begin(session)
    await answer.grow("stored ")
    await answer.store()
    await answer.grow("not stored ")
    async with Reader(hub, session.pk) as reader:
        await answer.grow("heard ")
        await answer.grow("heard too")
        await _until_text(reader, "stored ")
        await answer.store()
        await _until_text(reader, "stored not stored heard heard too")


async def test_a_second_one_gets_the_same_text_whole(hub: Hub, session: ChatSession) -> None:
    answer = await Answer.begin(session)
    async with Reader(hub, session.pk) as first:
        await answer.grow("a" * 3 * DELTA_CHARACTERS)
        await _until_text(first, answer.text)
        async with Reader(hub, session.pk) as second:
            await _until_text(second, answer.text)
            await answer.grow("b")
            await _until_text(first, answer.text)
            await _until_text(second, answer.text)


async def test_lost_pieces_are_filled_from_the_row(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic, "FILL_SECONDS", 0.02)
    answer = await Answer.begin(session)
    async with Reader(hub, session.pk) as reader:
        await answer.grow("one ")
        await answer.grow("two ", heard=False)
        await answer.grow("three ")
        await answer.grow("four ", heard=False)
        await answer.grow("five")
        await answer.store()
        await _until_text(reader, "one two three four five")


async def test_a_new_generation_begins_anew_and_the_old_one_is_not_heard_any_more(
    hub: Hub, session: ChatSession
) -> None:
    answer = await Answer.begin(session)
    async with Reader(hub, session.pk) as reader:
        await answer.grow("old")
        await answer.restart()
        await answer.grow("new", generation=2)
        answer.text = "old"
        await answer.grow(" and late")
        answer.text = "new"
        await answer.grow(" text", generation=2)
        await _until_text(reader, "new text", generation=2)
        assert dict(_texts(reader))[1] == "old"
        async with Reader(hub, session.pk) as late:
            await late.until(lambda: dict(_texts(late)) == {2: "new text"})


async def test_a_message_that_ended_is_no_text_in_flight(hub: Hub, session: ChatSession) -> None:
    answer = await Answer.begin(session)
    async with Reader(hub, session.pk) as reader:
        await answer.grow("done")
        await answer.complete()
        await reader.until(lambda: reader.events[-1]["kind"] == "message.completed")
        async with Reader(hub, session.pk) as late:
            kinds = [event["kind"] for event in late.events]
    assert kinds == ["session.started", "message.added", "message.completed"]


async def test_a_text_whose_missing_part_never_comes_is_looked_for_until_it_ends(
    hub: Hub, session: ChatSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic, "FILL_SECONDS", 0.01)
    answer = await Answer.begin(session)
    async with Reader(hub, session.pk) as reader:
        await answer.grow("lost", heard=False)
        await answer.grow("heard")
        await asyncio.sleep(0.1)
        filling = hub.topics[f"mcpchat:session:{session.pk}"]._filling  # type: ignore[attr-defined]  # a session's
        assert not filling.done()
        await answer.complete()
        await reader.until(lambda: reader.events[-1]["kind"] == "message.completed")
        async with asyncio.timeout(2):
            await filling


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([(0, "ab"), (2, "cd")], "abcd"),
        ([(0, "ab"), (1, "bc")], "abc"),
        ([(0, "abc"), (0, "ab")], "abc"),
        ([(0, "a"), (2, "c")], "a"),
    ],
)
def test_pieces_are_joined_by_where_they_begin(pieces: list[tuple[int, str]], text: str) -> None:
    draft = Draft(1)
    for offset, piece in pieces:
        draft.grow(offset, piece)
    assert draft.text == text


def test_after_a_second_gap_only_what_follows_it_is_held() -> None:
    draft = Draft(1)
    for offset, piece in ((2, "c"), (3, "d"), (6, "g")):
        assert draft.grow(offset, piece) == (0, "")
    assert draft.fill("abcd") == (0, "abcd")
    assert draft.fill("abcdef") == (4, "efg")
