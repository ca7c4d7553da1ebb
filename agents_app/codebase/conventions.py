"""Conventions that hold in both processes: which files are source, which are tests, what is long."""

import re

LONG_FUNCTION_LINES = 100
# Extensions that `grammars` reads; kept apart so that the worker need not load any native parser.
PARSED_EXTENSIONS = frozenset({
    "py", "pyi", "pyw", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "rs", "java",
    "c", "h", "cc", "cpp", "cxx", "hh", "hpp", "hxx", "rb", "rake", "php",
})  # fmt: skip
_TEST_NAMES = re.compile(
    r"test_[^/]*\.(?:py|rb|c|cc|cpp|cxx)|[^/]*_test\.(?:py|go|rb)|[^/]*_(?:unit)?test\.(?:c|cc|cpp|cxx)|tests?\.py"
    r"|[^/]*[.-](?:test|spec)\.(?:[cm]?[jt]s|[jt]sx)|[^/]*_spec\.rb"
    r"|(?:Test[A-Z0-9][^/]*|[^/]*(?:Test|Tests|TestCase|IT))\.java|[^/]*Test\.php"
)
_TEST_FOLDERS = re.compile(r"(?:^|/)(?:__tests__|src/test)/|(?:^|/)tests?/[^/]+\.rs$")


def is_test_file(path: str) -> bool:
    """Say whether a source file holds tests, by the usual names of its language."""
    name = path.rpartition("/")[2]
    if name.rpartition(".")[2] not in PARSED_EXTENSIONS:
        return False
    return bool(_TEST_NAMES.fullmatch(name) or _TEST_FOLDERS.search(path))
