"""The tool `analyze_codebase`: what a repository or a folder is made of."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from agents_app.codebase import address, declarations, folder, functions, languages, report, result
from agents_app.codebase.clone import clone
from agents_app.codebase.files import list_files
from agents_app.codebase.result import Analysis
from agents_app.codebase.source import Source
from agents_app.codebase.stages import Stage, Stages
from agents_app.context import ToolContext, ToolError
from agents_app.registry import ToolResult, tool
from sessions_app.errors import Refusal

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "repo_url": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "A public git repository: https://host/path, ssh://git@host/path, git@host:path or git://…",
        },
        "path": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2000,
            "description": "Instead of repo_url: the absolute path of a folder that the operator allows.",
        },
        "ref": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "With repo_url: the branch or tag to analyse; without it the default branch.",
        },
    },
}
# Where counting ends and reading functions begins, as a part of `analyzing`: scc is the quicker by far.
_COUNTED = 0.2
_CLONED = 0.95


def check(repo_url: str | None = None, path: str | None = None, ref: str | None = None) -> None:
    """Raise `Refusal` (`invalid_arguments`, `repository_refused`, `folder_not_allowed`); looks nothing up."""
    if (repo_url is None) == (path is None):
        raise Refusal("invalid_arguments", "analyze_codebase: give either repo_url or path.")
    if ref is not None and repo_url is None:
        raise Refusal("invalid_arguments", "analyze_codebase: ref goes with repo_url only.")
    if ref is not None:
        address.check_reference(ref)
    if repo_url is not None:
        address.parse(repo_url, settings.ALLOWED_GIT_HOSTS)
    if path is not None:
        folder.allowed(path, settings.ALLOWED_FOLDERS)


@tool(
    name="analyze_codebase",
    title="Analyze a code base",
    description=(
        "Clone a git repository (or read an allowed folder) and report on it: languages and lines of code, "
        "functions and classes, largest and most complex parts, dependencies, tests and licence. "
        "Give exactly one of repo_url and path."
    ),
    input_schema=_SCHEMA,
    check=check,
    heavy=True,
    safe_to_repeat=True,
)
def analyze_codebase(
    context: ToolContext, repo_url: str | None = None, path: str | None = None, ref: str | None = None
) -> ToolResult:
    """Analyse a repository or a folder.

    Stages: `cloning` to 10 percent (clone, list the files; of a folder only the latter), `analyzing` to 30
    (count lines, then read functions, by bytes), `scanning_dependencies` to 60 (manifests and licences, by
    bytes), `generating_report` to 80 (by section), `complete` at 100. Every percent is work done; estimated
    seconds are for the current stage. After each stage what is known is kept.

    Raises `Stopped` and `ToolError` with the codes `repository_unreachable`, `repository_not_found`,
    `repository_refused`, `repository_too_large`, `folder_not_allowed`, `no_source_found`, `git_failed`,
    `git_missing`, `invalid_arguments`.
    """
    stages = Stages(context)
    stage = stages.enter("cloning")
    analysis = Analysis(_source(context, stage.part(0, _CLONED), repo_url, path, ref), _now())
    analysis.duration_seconds = stages.seconds
    analysis.listing = list_files(stage.part(_CLONED if repo_url else 0, 1), analysis.source)
    _keep(context, stages, analysis)

    stage = stages.enter("analyzing")
    root = analysis.source.folder
    analysis.counts = languages.count(context, stage.part(0, _COUNTED), root, analysis.listing)
    analysis.functions = functions.survey(context, stage.part(_COUNTED, 1), analysis.source, analysis.listing)
    _keep(context, stages, analysis)

    stage = stages.enter("scanning_dependencies")
    analysis.declarations = declarations.scan(context, stage, analysis.source, analysis.listing)
    _keep(context, stages, analysis)

    text = report.write(analysis, stages.enter("generating_report"))
    stages.leave()
    data = result.document(analysis, complete=True)
    context.progress(100.0, "complete")
    return ToolResult(summary=report.summary(analysis), data=data, report=text)


def _source(
    context: ToolContext, stage: Stage, repo_url: str | None, path: str | None, ref: str | None
) -> Source:
    try:
        check(repo_url, path, ref)
        if repo_url is None:
            return folder.source(path or "", settings.ALLOWED_FOLDERS)
        where = address.parse(repo_url, settings.ALLOWED_GIT_HOSTS)
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from None
    return clone(context, stage, where, ref or "", settings.REPOSITORY_MAX_BYTES)


def _keep(context: ToolContext, stages: Stages, analysis: Analysis) -> None:
    """Keep what is known so far: a cancelled run shows it."""
    stages.leave()
    context.keep("", result.document(analysis, complete=False))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
