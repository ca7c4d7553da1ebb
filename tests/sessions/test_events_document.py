"""`docs/events.md`: made of the contract, whole, and checked."""

import io
import json
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from sessions_app.close_codes import CloseCode
from sessions_app.event_document import render
from sessions_app.payloads import CONTROL, DURABLE, EPHEMERAL, STAFF
from tests.conformity import flaws


def test_it_shows_an_example_of_each_kind_that_conforms() -> None:
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", render(), re.DOTALL)]
    assert [event["kind"] for event in examples] == [*DURABLE, *EPHEMERAL, *STAFF, *CONTROL]
    assert [flaw for event in examples for flaw in flaws(event)] == []


def test_it_lists_each_close_code() -> None:
    assert all(f"| {code.value} | {code.sentence} |" in render() for code in CloseCode)


def test_each_link_inside_it_leads_to_a_heading() -> None:
    headings = re.findall(r"^#+ (.*)$", render(), re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#(.*?)\)", render())) <= set(anchors)


def test_every_row_of_its_tables_has_its_columns() -> None:
    tables = re.findall(r"(?:^\|.*\n)+", render(), re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1, table


def test_a_file_that_differs_fails_the_check_with_the_command_that_renews_it(tmp_path: Path) -> None:
    file = tmp_path / "events.md"
    with pytest.raises(CommandError, match="make events-document"):
        call_command("events_document", check=file)
    call_command("events_document", write=file)
    call_command("events_document", check=file)
    file.write_text(file.read_text().replace("turn", "spin", 1))
    with pytest.raises(CommandError, match="make events-document"):
        call_command("events_document", check=file)


def test_without_a_file_it_is_printed() -> None:
    printed = io.StringIO()
    call_command("events_document", stdout=printed)
    assert printed.getvalue() == render()
