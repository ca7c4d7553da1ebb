"""python -m benchmarks.exporting.once SESSION FORMAT [FOLDER]: one export in a process like a worker's child.

It prints the seconds from the request to the stored file, without its own start, those of the processors that
it and its children took for it, and the file's bytes. With FOLDER, what typst is given is copied there,
whoever calls it: any argument of a command that ends in `.typ`.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import django
from django.conf import settings

if __name__ == "__main__":
    django.setup()

from agents_app import admission, gateway, liveness, process_groups, runner
from agents_app.context import ToolContext
from agents_app.isolation import subprocesses
from agents_app.isolation.subprocesses import Piped
from exports_app.models import Export

FIRST_PAGE = "#let first-page = 1\n"
"""What a part is told only when its turn comes: how many pages there are before it."""
# No keeper renews it.
LEASE_SECONDS = 3600.0


def main(session: str, file_format: str, folder: str = "") -> None:
    """Export and print. Ends with a message if there is no file."""
    if folder:
        _record(Path(folder))
    os.setsid()
    process_groups.adopt_orphans()
    settings.LEASE_SECONDS = LEASE_SECONDS
    identity = liveness.register("agents", ("exports",))
    began, cpu_before = time.monotonic(), cpu_seconds()
    export = _export(UUID(session), file_format)
    seconds, cpu = time.monotonic() - began, cpu_seconds() - cpu_before
    liveness.forget(identity)
    if export.subagent.state != "succeeded":
        sys.exit(f"the export {export.subagent.state}: {export.subagent.error}")
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "bytes": export.file_size}))


def cpu_seconds() -> float:
    """Return what this process, and its children that have ended, took so far."""
    return sum(os.times()[:4])


def _export(session_id: UUID, file_format: str) -> Export:
    subagent = gateway.request_export(session_id, file_format, {})
    admission.admit("exports")
    runner.run(subagent.pk, 1)
    return Export.objects.select_related("subagent").get(subagent=subagent)


def _record(folder: Path) -> None:
    """Keep the programs in the order in which they are set."""
    run = subprocesses.run_together

    def recorded(
        context: ToolContext, piped: Sequence[Piped], watch: Callable[[], None] = lambda: None
    ) -> list[int]:
        for word in (word for one in piped for word in one.command.arguments if word.endswith(".typ")):
            program = FIRST_PAGE + Path(word).read_text(encoding="utf-8")
            (folder / f"{len(list(folder.iterdir())):04}.typ").write_text(program, encoding="utf-8")
        return run(context, piped, watch)

    subprocesses.run_together = recorded


if __name__ == "__main__":
    main(*sys.argv[1:])
