"""Functions, methods, classes and tests of one file in each language."""

import pytest

from agents_app.codebase import grammars, symbols
from agents_app.codebase.conventions import PARSED_EXTENSIONS, is_test_file

EXAMPLES = {
    "tests/test_a.py": (
        (
            "def f():\n  pass\nclass A:\n  def m(self): pass\n  @property\n  def n(self): pass\n"
            "  class B:\n    async def k(self): pass\ndef test_x():\n  def inner(): pass\n"
        ),
        ("Python", 3, 3, 2, 1),
    ),
    "a.js": (
        (
            "function f(){}\nconst g=()=>1; exports.h=function(){};class A{m(){} x=()=>2; static s(){}}\n"
            "it('x',()=>{}); function* gg(){}; const C = class {}; [1].map(x => x);"
        ),
        ("JavaScript", 4, 3, 2, 1),
    ),
    "a.ts": (
        "interface I{a:number}\nexport function f<T>(x:T):T{return x}\nclass A{m(){} x=()=>2}",
        ("TypeScript", 1, 2, 2, 0),
    ),
    "a.test.tsx": (
        "export default function f(x:number){return <div/>}\ntest('x',()=>{})",
        ("TypeScript", 1, 0, 0, 1),
    ),
    "a_test.go": (
        (
            "package a\nfunc TestX(t *testing.T) {}\nfunc Testing() {}\ntype S struct{}\n"
            "type (I interface{}; K int)\nfunc (s S) M() {}\n"
        ),
        ("Go", 2, 1, 2, 1),
    ),
    "a.rs": (
        (
            "fn f(){}\nstruct S; impl S { fn m(&self){} }\ntrait T { fn d(&self){} fn e(&self); }\n"
            "#[cfg(test)] mod tests { #[test] fn a(){} #[tokio::test] async fn b(){} }"
        ),
        ("Rust", 3, 2, 2, 2),
    ),
    "A.java": (
        (
            'class A { A(){} void m(){} @Test public void t(){} @ParameterizedTest(name="x") void u(){}\n'
            "interface I { void q(); } record R(int a){} }"
        ),
        ("Java", 0, 5, 3, 2),
    ),
    "a.c": (
        "int f(int a){return 1;}\nstatic char *(*g(void))(int){return 0;}\nstruct s {int a;};",
        ("C", 2, 0, 1, 0),
    ),
    "a_test.cc": (
        (
            "namespace n { class A { int m(){return 1;} template<class T> T k(){} A(); ~A(){} }; }\n"
            "int n::A::z() {return 1;}\nTEST(Foo, Bar) { }\nint f(){}"
        ),
        ("C++", 2, 4, 1, 1),
    ),
    "a.h": ("namespace n { class A { int m(){return 1;} }; }", ("C++", 0, 1, 1, 0)),
    "a_spec.rb": (
        (
            "class A\n def m; end\n def self.s; end\n class << self\n def q; end\n end\nend\ndef f; end\n"
            "module M\n def k; end\nend\nit 'x' do\nend\n"
        ),
        ("Ruby", 1, 4, 2, 1),
    ),
    "ATest.php": (
        "<?php function f(){} class A { function testX(){} private function y(){} } trait T{} ",
        ("PHP", 1, 2, 2, 1),
    ),
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_file_s_functions_methods_classes_and_tests_are_counted(path: str) -> None:
    source, expected = EXAMPLES[path]
    found = symbols.read(path, source.encode())
    counted = (found["language"], found["functions"], found["methods"], found["classes"], found["tests"])
    assert counted == expected
    assert not found["broken"]


def test_every_language_is_in_an_example() -> None:
    assert {language for _source, (language, *_counts) in EXAMPLES.values()} == {
        grammar.name for grammar in grammars._GRAMMARS.values()
    }
    assert set(grammars._KEY_OF_EXTENSION) == PARSED_EXTENSIONS


def test_functions_are_named_with_place_and_length() -> None:
    long = "def long(\n    a,\n):\n" + "    a += 1\n" * 120
    found = symbols.read("a.py", f"\n{long}\ndef short(): pass\n".encode())
    assert found["largest"][0] == ("long", 2, 123)
    assert found["long_functions"] == 1


def test_names_behind_c_s_declarators_are_found() -> None:
    found = symbols.read("a.c", b"static char *(*g(void))(int){return 0;}")
    assert found["largest"][0][0] == "g"


def test_code_that_is_wrong_in_part_is_read_in_part() -> None:
    found = symbols.read("a.py", b"def f():\n    return 1\n\nclass ((((\n")
    assert (found["functions"], found["broken"]) == (1, True)


def test_minified_code_is_left_out() -> None:
    assert symbols.read("a.js", b"function f(){}" * 1000)["skipped"] == "minified"


def test_bytes_that_are_no_text_are_read_without_harm() -> None:
    assert symbols.read("a.py", b"\xff\xfe\x00def f(): pass\n\x00")["language"] == "Python"


@pytest.mark.parametrize(
    "path",
    [
        "test_a.py", "pkg/a_test.py", "app/tests.py", "a_test.go", "a.test.js", "a.spec.tsx",
        "x/__tests__/a.ts", "tests/it.rs", "src/test/java/Helper.java", "ATest.java", "spec/a_spec.rb",
        "ATest.php", "a_unittest.cc",
    ],
)  # fmt: skip
def test_test_files_are_known_by_their_names(path: str) -> None:
    assert is_test_file(path)


@pytest.mark.parametrize(
    "path", ["latest.py", "attest.go", "contest.java", "tests/data.json", "test.txt", "src/lib.rs"]
)
def test_other_files_are_not_taken_for_tests(path: str) -> None:
    assert not is_test_file(path)
