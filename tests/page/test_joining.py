"""Messages that wait for a running turn, as the page knows them."""

from typing import Any

from playwright.sync_api import Page

_REDUCE = """async ([turn, message, events]) => {
  const store = await import("/store.js");
  const { entriesOf } = await import("/timeline.js");
  let state = store.fromSnapshot({ id: "s", last_seq: 1, messages: [], turn });
  state = store.reduce(state, { kind: "message.added", seq: message.seq, payload: message });
  for (const event of events) state = store.reduce(state, event);
  return entriesOf(state).map((entry) => entry.waits);
}"""
_MESSAGE = {
    "message_id": "m", "seq": 5, "role": "user", "state": "complete", "content": "And this", "html": "",
    "generation": 1, "wants_answer": True, "turn_id": None,
}  # fmt: skip
_TURN = {"turn_id": "t", "state": "running", "attempt": 1}


def _waits(page: Page, turn: Any, *events: dict[str, Any]) -> Any:
    return page.evaluate(_REDUCE, [turn, _MESSAGE, list(events)])[0]


def test_a_message_sent_during_a_turn_waits_until_it_has_joined(page: Page) -> None:
    joined = {"kind": "message.joined", "seq": 7, "payload": {"turn_id": "t", "up_to_seq": 5}}
    earlier = {"kind": "message.joined", "seq": 7, "payload": {"turn_id": "t", "up_to_seq": 4}}
    assert _waits(page, _TURN) is True
    assert _waits(page, _TURN, earlier) is True
    assert _waits(page, _TURN, joined) is False


def test_a_message_that_a_turn_began_with_does_not_wait(page: Page) -> None:
    started = {"kind": "turn.started", "seq": 6, "payload": {**_TURN, "up_to_seq": 5}}
    assert _waits(page, None) is False
    assert _waits(page, None, started) is False
