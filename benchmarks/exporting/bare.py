"""python -m benchmarks.exporting.bare SOURCE TARGET: typst on a program, and nothing else."""

import sys

import typst


def main(source: str, target: str) -> None:
    """Write the PDF, without tags for screen readers, as an export does."""
    typst.compile(source, output=target, format="pdf", pdf_tags=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
