"""Which files are pictures, by how they begin; what they are called or said to be does not count.

SVG is not among them: it is markup, with scripts, fonts and addresses, and stays a file with a name.
"""

import re
from pathlib import Path

_HEAD_BYTES = 16
_PICTURE = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|GIF8[79]a|RIFF.{4}WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|.{4}ftypavi[fs]",
    re.DOTALL,
)


def is_picture(path: Path) -> bool:
    """Whether the file begins as a picture does. Raises `OSError`."""
    with path.open("rb") as file:
        return _PICTURE.match(file.read(_HEAD_BYTES)) is not None
