"""What docs/extending.md says works as it is written."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from agents_app.maintenance import registry
from tests.acceptance.house import ROOT, House, Person, wait_for

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "extending.md").read_text(), re.DOTALL)


def _example(mark: str) -> str:
    return next(example for example in EXAMPLES if mark in example)


def test_the_tool_of_the_example_runs_as_a_subagent(tmp_path: Path) -> None:
    (tmp_path / "words.py").write_text(_example("count_words"))
    with House(
        tmp_path / "var", MCPCHAT_TOOL_MODULES="words", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])
    ) as house:
        person = house.user("ann")
        session = person.session()
        body = {"session_id": session, "args": {"text": "one two three"}}
        done = person.http.post("/api/tools/count_words/execute/", params={"wait": 20}, json=body).json()
        assert (done["state"], done["result"]["summary"]) == ("succeeded", "3 words.")
        body["args"] = {"text": " "}
        failed = person.http.post("/api/tools/count_words/execute/", params={"wait": 20}, json=body).json()
        assert (failed["state"], failed["error"]["code"]) == ("failed", "no_words")


def test_the_tool_of_the_example_that_makes_a_file_delivers_it_and_keeps_what_it_had(tmp_path: Path) -> None:
    (tmp_path / "line_numbers.py").write_text(_example("number_lines"))
    with House(
        tmp_path / "var",
        MCPCHAT_TOOL_MODULES="line_numbers",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    ) as house:
        person = house.user("ann")
        session = person.session()
        done = _numbered(person, session, b"one\ntwo\n")
        assert (done["state"], done["result"]["summary"]) == ("succeeded", "2 lines numbered.")
        (file,) = done["files"]
        assert file["name"] == "numbered-lines.txt"
        assert person.http.get(file["download_url"]).content == b"1\tone\n2\ttwo\n"
        failed = _numbered(person, session, b"\x00\x01")
        assert (failed["state"], failed["error"]["code"]) == ("failed", "not_text")
        running = _numbered(person, session, b"a line\n" * 5_000_000, wait=0)
        where = f"/api/subagents/{running['subagent_id']}/"
        wait_for("something is kept", lambda: person.http.get(where).json()["result"])
        person.http.post(f"{where}cancel/").raise_for_status()
        ended = person.ended(running["subagent_id"], 5)
        assert (ended["state"], ended["result"]["partial"], ended["files"]) == ("cancelled", True, [])
        assert ended["result"]["summary"].endswith(" lines numbered so far.")


def _numbered(person: Person, session: str, content: bytes, wait: float = 20) -> dict[str, Any]:
    announced = person.http.post("/api/files/", json={"name": "lines.txt", "size": len(content)}).json()
    sent = person.http.patch(announced["upload_url"], content=content, headers={"Upload-Offset": "0"})
    body = {"session_id": session, "args": {"file": sent.raise_for_status().json()["file_id"]}}
    answer = person.http.post("/api/tools/number_lines/execute/", params={"wait": wait}, json=body)
    return dict(answer.raise_for_status().json())


def test_a_tool_with_a_wrong_declaration_stops_the_start_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(_example("count_words").replace('name="count_words"', 'name="Count!"'))
    house = House(
        tmp_path / "var", MCPCHAT_TOOL_MODULES="wrong", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)])
    )
    with pytest.raises(AssertionError, match="'Count!' is not lower-case words"):
        house.start()
    assert house.process is not None
    assert house.process.wait(10) == 1
    assert house.process.stdout is not None
    house.process.stdout.close()


@pytest.mark.django_db
def test_the_export_format_of_the_example_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from exports_app import formats
    from exports_app.document import freeze
    from exports_app.options import ExportOptions
    from sessions_app import lifecycle, messages

    monkeypatch.setattr(formats, "FORMATS", dict(formats.FORMATS))
    (tmp_path / "text_format.py").write_text(_example("render_text"))
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("text_format")
    sys.modules.pop("text_format")
    session = lifecycle.start(get_user_model().objects.create_user("zoe"))
    messages.post(session.pk, "Hello!")
    written: list[str] = []
    document = freeze(session.pk, options=ExportOptions(), now=timezone.now())
    formats.FORMATS["text"].render(document, written.append, lambda _: None)
    assert "".join(written) == "user: Hello!\n\n"


def test_the_maintenance_job_of_the_example_runs(settings: Any, tmp_path: Path) -> None:
    settings.WORK_DIR = tmp_path
    (tmp_path / "core.123").write_text("dump")
    try:
        exec(compile(_example("core_dumps"), "docs/extending.md", "exec"), {})
        assert registry.JOBS["core_dumps"].run().line == "1 core dumps removed"
    finally:
        del registry.JOBS["core_dumps"]
    assert list(tmp_path.iterdir()) == []
