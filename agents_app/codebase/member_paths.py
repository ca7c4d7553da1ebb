"""Which names inside an archive are fit to be paths below a folder."""

import re

MAX_BYTES = 1024
MAX_PART_BYTES = 255
MAX_DEPTH = 64
_DRIVE = re.compile(r"[A-Za-z]:")


def safe_path(name: str) -> str | None:
    """Return `name` as a relative path; None if it is absolute, climbs, or is longer than a path may be.

    The folder itself is the empty path.
    """
    if name.startswith("/") or _DRIVE.match(name) or "\0" in name:
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    sizes = [len(part.encode(errors="surrogateescape")) for part in parts]
    too_long = sum(sizes) + len(parts) > MAX_BYTES or max(sizes, default=0) > MAX_PART_BYTES
    if ".." in parts or len(parts) > MAX_DEPTH or too_long:
        return None
    return "/".join(parts)
