"""Functions, methods and classes of one source file, read with tree-sitter.

Runs in the inspecting process only. Nothing here recurses: the depth of hostile code is without limit.
"""

import heapq
from typing import TypedDict

from tree_sitter import Node, QueryCursor

from agents_app.codebase import grammars
from agents_app.codebase.conventions import LONG_FUNCTION_LINES, is_test_file
from agents_app.codebase.grammars import Grammar
from agents_app.wording.escaping import clean

TOP_FUNCTIONS = 20
_MINIFIED_BYTES_A_LINE = 255
_MINIFIED_MIN_BYTES = 5_000
_DECLARATORS_MAX = 20


class FileSymbols(TypedDict):
    """What one file holds. `functions` are those outside of classes; `largest` has (name, line, lines).

    `classes` are all that is like a class, `kinds` which of them are what (`grammars.KINDS`), without zeros.

    `skipped` says why a file was not read (then all counts are 0), `broken` that some of it was not
    understood. `tests` are test functions.
    """

    language: str
    functions: int
    methods: int
    classes: int
    kinds: dict[str, int]
    tests: int
    long_functions: int
    largest: list[tuple[str, int, int]]
    broken: bool
    skipped: str


def read(path: str, source: bytes) -> FileSymbols:
    """Return the symbols of the file `path` with content `source`."""
    grammar = grammars.find(path.rpartition(".")[2].lower(), source)
    if grammar is None:
        return nothing("", "unknown language")
    if _is_minified(source):
        return nothing(grammar.name, "minified")
    parser, query = grammars.load(grammar)
    root = parser.parse(source).root_node
    found = QueryCursor(query).captures(root)
    return _described(path, grammar, root, found)


def nothing(language: str, reason: str) -> FileSymbols:
    """Return what is known of a file that was not read."""
    return FileSymbols(
        language=language,
        functions=0,
        methods=0,
        classes=0,
        kinds={},
        tests=0,
        long_functions=0,
        largest=[],
        broken=False,
        skipped=reason,
    )


def _is_minified(source: bytes) -> bool:
    return (
        len(source) > _MINIFIED_MIN_BYTES and len(source) / (source.count(b"\n") + 1) > _MINIFIED_BYTES_A_LINE
    )


def _described(path: str, grammar: Grammar, root: Node, found: dict[str, list[Node]]) -> FileSymbols:
    functions = {node.id: node for node in found.get("function", ())}
    methods = {node.id for node in found.get("method", ())}
    named = [(node, _name(node)) for node in functions.values()]
    methods |= {node.id for node, name in named if grammar.name == "C++" and "::" in name}
    tests = len(found.get("test", ()))
    if is_test_file(path):
        tests += sum(grammar.is_test_name(name) for _node, name in named)
    kinds = {kind: len({node.id for node in found[kind]}) for kind in grammars.KINDS if kind in found}
    sizes = [_lines(node) for node in functions.values()]
    return FileSymbols(
        language=grammar.name,
        functions=len(functions) - len(methods),
        methods=len(methods),
        classes=sum(kinds.values()),
        kinds=kinds,
        tests=tests,
        long_functions=sum(size > LONG_FUNCTION_LINES for size in sizes),
        largest=_largest(named),
        broken=root.has_error,
        skipped="",
    )


def _largest(named: list[tuple[Node, str]]) -> list[tuple[str, int, int]]:
    largest = heapq.nlargest(TOP_FUNCTIONS, named, key=lambda function: _lines(function[0]))
    return [(clean(name), node.start_point.row + 1, _lines(node)) for node, name in largest]


def _lines(node: Node) -> int:
    return node.end_point.row - node.start_point.row + 1


def _name(node: Node) -> str:
    """Return a function's name: a field of its node, or at the end of C's nested declarators."""
    named = (node.child_by_field_name(field) for field in ("name", "left", "property"))
    inner: Node | None = next((child for child in named if child is not None), None)
    for _step in range(_DECLARATORS_MAX):
        declarator = _declarator(inner or node)
        if declarator is None:
            break
        inner = declarator
    text = inner.text if inner is not None else None
    return (text or b"(unnamed)")[:300].decode(errors="replace")


def _declarator(node: Node) -> Node | None:
    if node.type == "parenthesized_declarator":
        return node.named_child(0)
    return node.child_by_field_name("declarator")
