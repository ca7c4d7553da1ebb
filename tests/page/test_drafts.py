"""Text in flight: what overlaps is left out, a new generation replaces, offsets count characters."""

from typing import Any

import pytest
from playwright.sync_api import Page

_REDUCE = """async ([message, deltas]) => {
  const store = await import("/store.js");
  let state = store.fromSnapshot({ id: "s", last_seq: 1, messages: [message] });
  const lacks = [];
  for (const payload of deltas) {
    lacks.push(store.lacksText(state, { kind: "message.delta", payload }));
    state = store.reduce(state, { kind: "message.delta", payload });
  }
  return { content: state.messages.get("m").content, lacks: lacks.some(Boolean) };
}"""


def _delta(offset: int, text: str, generation: int = 1) -> dict[str, Any]:
    return {"message_id": "m", "generation": generation, "offset": offset, "text": text}


def _shown(page: Page, content: str, *deltas: dict[str, Any], state: str = "streaming") -> dict[str, Any]:
    message = {"message_id": "m", "seq": 1, "role": "assistant", "state": state, "content": content}
    return dict(page.evaluate(_REDUCE, [{**message, "html": "", "generation": 1}, list(deltas)]))


@pytest.mark.parametrize(
    ("content", "deltas", "expected"),
    [
        ("", [_delta(0, "Hello "), _delta(6, "there")], "Hello there"),
        ("Hello", [_delta(0, "Hello "), _delta(6, "there")], "Hello there"),
        ("Hello there", [_delta(0, "Hel"), _delta(3, "lo")], "Hello there"),
        ("Hello", [_delta(3, "lo there"), _delta(3, "lo there")], "Hello there"),
        ("A 🦊 and", [_delta(0, "A 🦊 and "), _delta(8, "a 🐻‍❄️"), _delta(14, "!")], "A 🦊 and a 🐻‍❄️!"),
        ("The old text", [_delta(0, "New", 2), _delta(3, " text", 2)], "New text"),
        ("Hello", [_delta(0, "Old", 0), _delta(5, "!")], "Hello!"),
    ],
)
def test_text_is_complete_and_not_doubled(
    page: Page, content: str, deltas: list[dict[str, Any]], expected: str
) -> None:
    assert _shown(page, content, *deltas) == {"content": expected, "lacks": False}


@pytest.mark.parametrize("delta", [_delta(9, "late"), _delta(2, "late", 2)])
def test_text_behind_a_gap_is_not_taken_and_told(page: Page, delta: dict[str, Any]) -> None:
    assert _shown(page, "Hello", delta) == {"content": "Hello", "lacks": True}


def test_finished_text_does_not_grow(page: Page) -> None:
    shown = _shown(page, "Done.", _delta(5, " More"), _delta(99, " Much more"), state="complete")
    assert shown == {"content": "Done.", "lacks": False}
