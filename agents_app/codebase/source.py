"""The code that is analysed: a folder on disk, and what is known of where it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agents_app.codebase.history import History


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder with code. All text is as it was found: hostile, and cleaned where it is shown.

    `subfolder` is where the folder is below what was given. `links` are paths (relative, as `os.fsdecode`
    gives them) that stand for symbolic links, `submodules` is how many there are; they are not fetched.
    `left_out` counts by reason the members of an archive that were not unpacked. Times are ISO 8601.

    `history` is what a git directory of this program's own knows; `checkout` is a folder with a repository of
    somebody else's.
    """

    folder: Path
    name: str
    origin: Mapping[str, str | bool]
    commit: str = ""
    branch: str = ""
    committed_at: str = ""
    links: frozenset[str] = frozenset()
    submodules: int = 0
    subfolder: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    history: History | None = None
    checkout: Path | None = None
