"""The tool `process_large_file`: figures of a file of any size, its rows, other files made of it."""

from typing import Any

from agents_app.context import ToolContext
from agents_app.large_files import arguments, processing, report
from agents_app.registry import ToolResult, tool

TIMEOUT_SECONDS = 1800


@tool(
    name="process_large_file",
    title="Process a large file",
    description=(
        "Work on a file of any size (text, logs, CSV, TSV, JSON, JSON lines, Parquet; also gzip or zstd of "
        "them): summarize it, count its lines, search it, take a sample, filter rows, convert it, split it. "
        "Give exactly one of file, path and url."
    ),
    input_schema=arguments.SCHEMA,
    check=arguments.check,
    heavy=True,
    safe_to_repeat=True,
    execution_timeout_seconds=TIMEOUT_SECONDS,
)
def process_large_file(context: ToolContext, **given: Any) -> ToolResult:
    """Do one operation on one file; see `processing.process` for stages and errors, docs for the result."""
    source, result, files = processing.process(context, given)
    return ToolResult(
        summary=report.summary(source, result, files),
        data={"name": source.name, "origin": source.origin, **result, "files": files},
        report=report.write(source, result, files),
    )
