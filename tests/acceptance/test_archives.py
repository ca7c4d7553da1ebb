"""An uploaded archive through a whole installation."""

from tests.acceptance.house import Person, wait_for
from tests.codebase.archives import overlapping_zip, zip_of

PYTHON = "def f():\n    return 1\n"


def _uploaded(person: Person, content: bytes) -> str:
    told = person.http.post("/api/files/", json={"name": "shop.zip", "size": len(content)})
    file = told.raise_for_status().json()
    headers = {"Upload-Offset": "0"}
    person.http.patch(file["upload_url"], content=content, headers=headers).raise_for_status()
    return str(file["file_id"])


def test_the_demo_agent_has_an_uploaded_archive_analysed(ann: Person) -> None:
    file_id = _uploaded(ann, zip_of({"shop/a.py": PYTHON, "shop/lib/b.py": PYTHON}))
    session = ann.session()
    ann.say(session, f"analyze [shop.zip](/files/{file_id}/) subfolder lib")
    row = wait_for("it is queued", lambda: next(iter(ann.snapshot(session)["subagents"]), None))
    ended = ann.ended(row["subagent_id"])
    assert ended["state"] == "succeeded"
    assert ended["result"]["data"]["totals"]["files"] == 1


def test_a_bomb_ends_with_its_code(ann: Person) -> None:
    session = ann.session()
    told = ann.call(session, "analyze_codebase", file=_uploaded(ann, overlapping_zip(1000, 1024**2)))
    ended = ann.ended(told["subagent_id"])
    assert (ended["state"], ended["error"]["code"]) == ("failed", "archive_damaged")
