"""PDFs to one, with their outlines, in a process of its own: `python -m … TARGET PART…`."""

import sys

from pypdf import PdfWriter


def main(target: str, *parts: str) -> int:
    """Join `parts` in order to `target`; return 1 with the reason on the standard error if it cannot be."""
    try:
        with PdfWriter() as writer:
            for part in parts:
                writer.append(part)
            writer.write(target)
    except (OSError, MemoryError) as error:
        print(getattr(error, "strerror", "") or "out of memory", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
