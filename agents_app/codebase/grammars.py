"""The programming languages whose functions and classes are read, and what to look for in each.

Loaded only in the inspecting process: a grammar is native code that works on hostile text.
"""

import importlib
import re
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language, Parser, Query

# What counts as a class, by the name of its capture.
KINDS = ("class", "interface", "struct", "union", "enum", "record", "trait", "module")
_SCRIPT_FUNCTIONS = """
[(function_declaration) (generator_function_declaration)] @function
(variable_declarator value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression right: [(arrow_function) (function_expression) (generator_function)]) @function
(method_definition) @function @method
[(class_declaration) (class)] @class
(call_expression function: (identifier) @called (#any-of? @called "it" "test")) @test
"""
_TYPESCRIPT = f"""{_SCRIPT_FUNCTIONS}
(public_field_definition value: [(arrow_function) (function_expression)]) @function @method
(abstract_class_declaration) @class
(interface_declaration) @interface
(enum_declaration) @enum
"""
_C_FUNCTIONS = """
(function_definition) @function
(struct_specifier body: (_)) @struct
(union_specifier body: (_)) @union
(enum_specifier body: (_)) @enum
"""


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """How one language is read.

    `query` captures `function` (all named functions, with methods), `method`, what is in `KINDS`, and `test`.
    `test_name` is what functions in test files are called that are tests, where names and not captures tell.
    """

    name: str
    module: str
    entry: str = "language"
    query: str
    test_name: str = ""

    def is_test_name(self, name: str) -> bool:
        """Say whether a function called `name` in a test file is a test."""
        return bool(self.test_name and re.match(self.test_name, name))


_GRAMMARS = {
    "python": Grammar(
        name="Python",
        module="tree_sitter_python",
        query="""
        (function_definition) @function
        (class_definition body: (block (function_definition) @method))
        (class_definition body: (block (decorated_definition definition: (function_definition) @method)))
        (class_definition) @class
        """,
        test_name=r"test",
    ),
    "javascript": Grammar(
        name="JavaScript",
        module="tree_sitter_javascript",
        query=f"{_SCRIPT_FUNCTIONS}\n"
        "(field_definition value: [(arrow_function) (function_expression)]) @function @method",
    ),
    "typescript": Grammar(
        name="TypeScript", module="tree_sitter_typescript", entry="language_typescript", query=_TYPESCRIPT
    ),
    "tsx": Grammar(
        name="TypeScript", module="tree_sitter_typescript", entry="language_tsx", query=_TYPESCRIPT
    ),
    "go": Grammar(
        name="Go",
        module="tree_sitter_go",
        query="""
        (function_declaration) @function
        (method_declaration) @function @method
        (type_spec type: (struct_type)) @struct
        (type_spec type: (interface_type)) @interface
        """,
        test_name=r"(?:Test|Benchmark|Fuzz)(?![a-z])",
    ),
    "rust": Grammar(
        name="Rust",
        module="tree_sitter_rust",
        query="""
        (function_item) @function
        [(impl_item body: (declaration_list (function_item) @method))
         (trait_item body: (declaration_list (function_item) @method))]
        (struct_item) @struct
        (enum_item) @enum
        (trait_item) @trait
        (union_item) @union
        (attribute_item (attribute [(identifier) @named (scoped_identifier name: (identifier) @named)])
          (#eq? @named "test")) @test
        """,
    ),
    "java": Grammar(
        name="Java",
        module="tree_sitter_java",
        query="""
        [(method_declaration) (constructor_declaration) (compact_constructor_declaration)] @function @method
        (class_declaration) @class
        [(interface_declaration) (annotation_type_declaration)] @interface
        (enum_declaration) @enum
        (record_declaration) @record
        (modifiers [(marker_annotation name: (identifier) @named) (annotation name: (identifier) @named)]
          (#any-of? @named "Test" "ParameterizedTest" "RepeatedTest")) @test
        """,
    ),
    "c": Grammar(name="C", module="tree_sitter_c", query=_C_FUNCTIONS),
    "cpp": Grammar(
        name="C++",
        module="tree_sitter_cpp",
        query=f"""{_C_FUNCTIONS}
        (field_declaration_list (function_definition) @method)
        (field_declaration_list (template_declaration (function_definition) @method))
        (class_specifier body: (_)) @class
        """,
        test_name=r"(?:TYPED_)?TEST(?:_F|_P|_CASE)?$",
    ),
    "ruby": Grammar(
        name="Ruby",
        module="tree_sitter_ruby",
        query="""
        [(method) (singleton_method)] @function
        (class body: (body_statement [(method) (singleton_method)] @method))
        (module body: (body_statement [(method) (singleton_method)] @method))
        (singleton_class body: (body_statement (method) @method))
        (class) @class
        (module) @module
        (call method: (identifier) @called block: (_) (#any-of? @called "it" "specify" "scenario")) @test
        """,
        test_name=r"test_",
    ),
    "php": Grammar(
        name="PHP",
        module="tree_sitter_php",
        entry="language_php",
        query="""
        (function_definition) @function
        (method_declaration) @function @method
        (class_declaration) @class
        (interface_declaration) @interface
        (trait_declaration) @trait
        (enum_declaration) @enum
        """,
        test_name=r"test",
    ),
}
_KEYS = {
    "py pyi pyw": "python",
    "js mjs cjs jsx": "javascript",
    "ts mts cts": "typescript",
    "tsx": "tsx",
    "go": "go",
    "rs": "rust",
    "java": "java",
    "c h": "c",
    "cc cpp cxx hh hpp hxx": "cpp",
    "rb rake": "ruby",
    "php": "php",
}
_KEY_OF_EXTENSION = {extension: key for extensions, key in _KEYS.items() for extension in extensions.split()}
_LIKELY_CPP = re.compile(rb"^\s*(?:class\s|namespace\s|template\s*<|public:|private:)", re.MULTILINE)


def find(extension: str, source: bytes) -> Grammar | None:
    """Return the grammar for a file, or None for languages that are not read."""
    key = _KEY_OF_EXTENSION.get(extension)
    if extension == "h" and _LIKELY_CPP.search(source):
        key = "cpp"
    return _GRAMMARS[key] if key else None


@cache
def load(grammar: Grammar) -> tuple[Parser, Query]:
    """Return the parser and the query of `grammar`."""
    language = Language(getattr(importlib.import_module(grammar.module), grammar.entry)())
    return Parser(language), Query(language, grammar.query)
