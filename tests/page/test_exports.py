"""What is chosen of exports: ranges as they were typed, remembered choices, options of each format."""

from typing import Any

import pytest
from playwright.sync_api import Page

_USUAL = {"include_metadata": True, "include_tools": True, "page_size": "a4", "theme": "light"}


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2", "3", {"options": {"first_message": 2, "last_message": 3}}),
        (" 4 ", "4", {"options": {"first_message": 4, "last_message": 4}}),
        ("", "3", {"options": {"first_message": 1, "last_message": 3}}),
        ("3", "", {"options": {"first_message": 3, "last_message": 4}}),
        ("5", "", {"field": "from", "error": "Give the number of a message, from 1 to 4."}),
        ("0", "2", {"field": "from", "error": "Give the number of a message, from 1 to 4."}),
        ("1", "99", {"field": "to", "error": "Give the number of a message, from 1 to 4."}),
        ("1", "two", {"field": "to", "error": "Give the number of a message, from 1 to 4."}),
        ("1.5", "2", {"field": "from", "error": "Give the number of a message, from 1 to 4."}),
        ("3", "2", {"field": "to", "error": "The last message comes before the first one."}),
    ],
)
def test_a_range_is_read_or_told_what_is_wrong(
    page: Page, first: str, last: str, expected: dict[str, Any]
) -> None:
    read = "async ([first, last]) => (await import('/message_range.js')).readRange(first, last, 4)"
    assert page.evaluate(read, [first, last]) == expected


@pytest.mark.parametrize(
    ("language", "paper"),
    [
        ("en-US", "letter"),
        ("fr-CA", "letter"),
        ("en-GB", "a4"),
        ("de", "a4"),
        ("zh-Hans-CN", "a4"),
        ("", "a4"),
    ],
)
def test_paper_is_that_of_the_readers_country(page: Page, language: str, paper: str) -> None:
    read = "async (tag) => (await import('/export_choices.js')).usualChoices(tag).page_size"
    assert page.evaluate(read, language) == paper


@pytest.mark.parametrize(
    "code",
    [
        "storage_failed",
        "no_work_folder",
        "pdf_failed",
        "pdf_too_large",
        "timeout",
        "idle_timeout",
        "queue_timeout",
        "out_of_memory",
        "worker_lost",
        "tool_error",
    ],
)
def test_whatever_an_export_failed_of_its_card_says_what_to_do(page: Page, code: str) -> None:
    advise = "async (code) => (await import('/export_failure.js')).adviceOn({ code })"
    assert page.evaluate(advise, code).endswith(".")


def _remembered(page: Page, stored: str) -> dict[str, Any]:
    script = """async (stored) => {
      localStorage.setItem("mcpchat-export", stored);
      return (await import("/export_choices.js")).rememberedChoices();
    }"""
    return dict(page.evaluate(script, stored))


def test_choices_are_the_same_after_they_were_remembered(page: Page) -> None:
    chosen = {**_USUAL, "format": "html", "theme": "dark", "include_tools": False}
    script = """async (chosen) => {
      const choices = await import("/export_choices.js");
      choices.remember(chosen);
      return choices.rememberedChoices();
    }"""
    assert page.evaluate(script, chosen) == chosen


@pytest.mark.parametrize("stored", ["", "{", "null", "7", '"x"', '{"format": "exe", "theme": 1}'])
def test_what_is_stored_and_makes_no_sense_is_as_nothing(page: Page, stored: str) -> None:
    assert _remembered(page, stored) == {**_USUAL, "format": "pdf", "page_size": "letter"}


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("pdf", {"include_metadata", "include_tools", "page_size", "theme"}),
        ("html", {"include_metadata", "include_tools", "theme"}),
        ("markdown", {"include_metadata", "include_tools"}),
        ("json", {"include_metadata", "include_tools"}),
    ],
)
def test_an_export_is_asked_for_with_the_options_that_its_format_has(
    page: Page, name: str, names: set[str]
) -> None:
    read = "async ([name, choices]) => (await import('/export_choices.js')).optionsOf(name, choices)"
    assert set(page.evaluate(read, [name, _USUAL])) == names
