"""The JSON Schema of results: what the tool gives back conforms, and it is what the docs say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agents_app.codebase import result
from agents_app.codebase.result import Analysis
from agents_app.codebase.schema import SCHEMA, table
from agents_app.codebase.source import Source
from agents_app.context import Stopped
from agents_app.registry import ToolResult
from tests.codebase.test_analyze_codebase import SHOP
from tests.git_server import GitServer
from tests.recording import RecordingContext

Analyze = Callable[..., ToolResult]
DOCUMENT = Path(__file__).parents[2] / "docs" / "analyze_codebase.md"
SHOP_WITH_ALL = SHOP | {
    "model.ts": "interface I { a: number }\nenum E { A }\nclass A {}\n",
    "copy/one.txt": "the same words in two files\n" * 10,
    "copy/two.txt": "the same words in two files\n" * 10,
}


def strict(schema: Any) -> Any:
    """Return the schema so that fields it does not know are errors."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: strict(part) for name, part in schema.items()}
    closed = schema.get("type") == "object" and "properties" in schema
    return inner | ({"additionalProperties": False} if closed else {})


def flaws(data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(strict(SCHEMA))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(data)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_whole_result_conforms_and_has_every_part(server: GitServer, analyze: Analyze) -> None:
    server.add("shop", SHOP_WITH_ALL)
    data = analyze(repo_url=server.url("shop")).data
    assert flaws(data) == []
    assert set(data) == set(SCHEMA["properties"])
    assert data["symbols"]["kinds"] == {"class": 2, "interface": 1, "enum": 1}
    assert data["duplicates"]["largest"][0]["paths"] == ["copy/one.txt", "copy/two.txt"]
    assert [month["commits"] for month in data["activity"]["months"]] == [1]


@pytest.mark.parametrize("stage", ["analyzing", "scanning_dependencies", "generating_report"])
def test_what_is_kept_at_each_stage_conforms(
    stage: str, server: GitServer, analyze: Analyze, context: RecordingContext
) -> None:
    server.add("shop", SHOP_WITH_ALL)
    context.stop_when = lambda _percent, at: at == stage
    with pytest.raises(Stopped):
        analyze(repo_url=server.url("shop"))
    assert context.kept
    assert [flaw for kept in context.kept for flaw in flaws(kept.data)] == []


def test_a_result_without_any_part_conforms_only_as_a_partial_one() -> None:
    bare = Analysis(Source(folder=Path("/x"), name="x", origin={}), "2026-01-01T00:00:00+00:00")
    assert flaws(result.document(bare, complete=False)) == []
    assert len(flaws(result.document(bare, complete=True))) == len(SCHEMA["then"]["required"])


def test_the_docs_have_the_table_of_all_fields() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    wanted = table()
    assert wanted in written, f"the table in {DOCUMENT.name} must be:\n{wanted}"
