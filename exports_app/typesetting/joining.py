"""PDFs to one, with their outlines, in a process of its own: `python -m … TARGET PART…`."""

import sys

from pypdf import PdfWriter


def main(target: str, *parts: str) -> int:
    """Join `parts` in order to `target`."""
    with PdfWriter() as writer:
        for part in parts:
            writer.append(part)
        writer.write(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
