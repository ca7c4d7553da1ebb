"""The code that is analysed: a folder on disk, and what is known of where it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder with code. All text is as it was found: hostile, and cleaned where it is shown.

    `links` are paths (relative, as `os.fsdecode` gives them) that stand for symbolic links, `submodules` is
    how many there are; they are not fetched. Times are ISO 8601.
    """

    folder: Path
    name: str
    origin: Mapping[str, str | bool]
    commit: str = ""
    branch: str = ""
    committed_at: str = ""
    links: frozenset[str] = frozenset()
    submodules: int = 0
