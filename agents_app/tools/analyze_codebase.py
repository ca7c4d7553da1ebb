"""The tool `analyze_codebase`: what a repository or a folder is made of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from agents_app.codebase import (
    activity,
    address,
    declarations,
    duplicates,
    folder,
    functions,
    languages,
    outdated,
    report,
    result,
    subfolder,
)
from agents_app.codebase.archive import unpack
from agents_app.codebase.clone import clone
from agents_app.codebase.files import Listing, list_files
from agents_app.codebase.outdated import Registries
from agents_app.codebase.result import Analysis
from agents_app.codebase.schema import SCHEMA
from agents_app.codebase.source import Source
from agents_app.codebase.stages import Stages
from agents_app.context import ToolContext, ToolError
from agents_app.files.reading import readable
from agents_app.registry import ToolResult, tool
from agents_app.stages import Stage
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
        "file": {
            "type": "string",
            "format": "file-id",
            "minLength": 1,
            "maxLength": 100,
            "description": (
                "Instead of repo_url: the ID of an uploaded archive (zip, tar, tar.gz, tar.bz2, tar.xz or "
                "tar.zst), from a link /files/ID/."
            ),
        },
        "ref": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "With repo_url: the branch or tag to analyse; without it the default branch.",
        },
        "subfolder": {
            "type": "string",
            "minLength": 1,
            "maxLength": 1000,
            "description": "Only what is below this folder of the code base, such as packages/core.",
        },
    },
}
# Where counting lines, reading functions and comparing files end in `analyzing`; the history is the rest.
_COUNTED, _READ, _COMPARED = 0.2, 0.75, 0.85
_FETCHED = 0.95
# Where reading manifests ends and asking registries begins, as a part of `scanning_dependencies`.
_SCANNED = 0.5


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The arguments of a call; what was not given is None."""

    repo_url: str | None = None
    path: str | None = None
    file: str | None = None
    ref: str | None = None
    subfolder: str | None = None

    def check(self) -> None:
        if [self.repo_url, self.path, self.file].count(None) != 2:
            raise Refusal("invalid_arguments", "analyze_codebase: give one of repo_url, path and file.")
        if self.ref is not None and self.repo_url is None:
            raise Refusal("invalid_arguments", "analyze_codebase: ref goes with repo_url only.")
        if self.ref is not None:
            address.check_reference(self.ref)
        if self.repo_url is not None:
            address.parse(self.repo_url, settings.ALLOWED_GIT_HOSTS)
        if self.path is not None:
            folder.allowed(self.path, settings.ALLOWED_FOLDERS)
        subfolder.check(self.subfolder or "")


def check(**arguments: str) -> None:
    """Raise `Refusal` (`invalid_arguments`, `repository_refused`, `folder_not_allowed`); looks nothing up."""
    _Asked(**arguments).check()


@tool(
    name="analyze_codebase",
    title="Analyze a code base",
    description=(
        "Clone a git repository (or read an allowed folder or an uploaded archive) and report on it: "
        "languages and lines of code, functions and classes, largest and most complex parts, duplicate "
        "files, commits and authors by month, dependencies (also which are outdated), tests and licence. "
        "Give exactly one of repo_url, path and file."
    ),
    input_schema=_SCHEMA,
    output_schema=SCHEMA,
    check=check,
    heavy=True,
    safe_to_repeat=True,
)
def analyze_codebase(context: ToolContext, **arguments: str) -> ToolResult:
    """Analyse a repository, a folder or an archive.

    Stages: `cloning` to 10 percent (fetch or unpack by bytes, list the files; of a folder only the latter),
    `analyzing` to 30 (count lines, then read functions, then compare files, by bytes, then read the history,
    by commits), `scanning_dependencies` to 60 (manifests, lock files and licences, by bytes; then the newest
    versions, by packages), `generating_report` to 80 (by section), `complete` at 100. Every percent is work
    done; estimated seconds are for the current stage. After each part what is known is kept.

    Raises `Stopped` and `ToolError` with the codes `repository_unreachable`, `repository_not_found`,
    `repository_refused`, `repository_too_large`, `folder_not_allowed`, `subfolder_not_found`,
    `file_not_found`, `archive_too_large`, `archive_damaged`, `archive_unsupported`, `no_source_found`,
    `git_failed`, `git_missing`, `invalid_arguments`.
    """
    stages = Stages(context)
    stage = stages.enter("cloning")
    analysis = Analysis(_source(context, stage.part(0, _FETCHED), _Asked(**arguments)), _now())
    analysis.duration_seconds = stages.seconds
    analysis.listing = list_files(stage.part(0 if "path" in arguments else _FETCHED, 1), analysis.source)
    stages.leave()
    _keep(context, analysis, "counting lines")

    _analyze(context, stages.enter("analyzing"), analysis, analysis.source, analysis.listing)
    stages.leave()
    _keep(context, analysis, "scanning dependencies")

    stage = stages.enter("scanning_dependencies")
    analysis.declarations = declarations.scan(
        context, stage.part(0, _SCANNED), analysis.source, analysis.listing
    )
    _keep(context, analysis, "asking for the newest versions of dependencies")
    outdated.compare(context, stage.part(_SCANNED, 1), analysis.declarations, _registries())
    stages.leave()
    _keep(context, analysis, "writing the report")

    text = report.write(analysis, stages.enter("generating_report"))
    stages.leave()
    data = result.document(analysis, complete=True)
    context.progress(100.0, "complete")
    return ToolResult(summary=report.summary(analysis), data=data, report=text)


def _analyze(
    context: ToolContext, stage: Stage, analysis: Analysis, source: Source, listing: Listing
) -> None:
    analysis.counts = languages.count(context, stage.part(0, _COUNTED), source.folder, listing)
    _keep(context, analysis, "reading functions")
    analysis.functions = functions.survey(context, stage.part(_COUNTED, _READ), source, listing)
    _keep(context, analysis, "comparing files")
    analysis.duplicates = duplicates.find(stage.part(_READ, _COMPARED), source, listing)
    _keep(context, analysis, "reading the history")
    analysis.activity = activity.survey(context, stage.part(_COMPARED, 1), source)
    stage.at(1.0)


def _source(context: ToolContext, stage: Stage, asked: _Asked) -> Source:
    try:
        asked.check()
        return subfolder.enter(_whole(context, stage, asked), asked.subfolder or "")
    except Refusal as refusal:
        raise ToolError(refusal.code, refusal.detail) from None


def _whole(context: ToolContext, stage: Stage, asked: _Asked) -> Source:
    if asked.repo_url is not None:
        where = address.parse(asked.repo_url, settings.ALLOWED_GIT_HOSTS)
        return clone(context, stage, where, asked.ref or "", settings.REPOSITORY_MAX_BYTES)
    if asked.file is not None:
        file = readable(context.owner_id, asked.file)
        return unpack(context, stage, file.path, file.name, settings.REPOSITORY_MAX_BYTES)
    return folder.source(asked.path or "", settings.ALLOWED_FOLDERS)


def _registries() -> Registries:
    return Registries(settings.PACKAGE_REGISTRIES, settings.PRIVATE_PACKAGES)


def _keep(context: ToolContext, analysis: Analysis, doing: str) -> None:
    """Keep what is known before `doing` the next part: work that ends early shows it."""
    context.keep(
        report.partial_summary(analysis, doing),
        result.document(analysis, complete=False),
        report.partial(analysis, doing),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
