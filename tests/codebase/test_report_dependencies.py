"""What a report says of dependencies."""

from collections import Counter
from pathlib import Path
from typing import Any

from agents_app.codebase.declarations import Declarations, Declared
from agents_app.codebase.findings import findings
from agents_app.codebase.report_dependencies import dependencies
from agents_app.codebase.report_overview import lead
from agents_app.codebase.result import Analysis
from agents_app.codebase.source import Source


def declared(name: str, **more: Any) -> Declared:
    """Return a dependency at run time that `package.json` declares."""
    about = {"ecosystem": "npm", "version": "1.0.0", "scope": "runtime", "manifest": "package.json"}
    return Declared(name=name, **{**about, **more})


def analysis(*found: Declared, **more: Any) -> Analysis:
    """Return an analysis in which only dependencies were found."""
    rows = list(found)
    counts = Counter(row.ecosystem for row in rows)
    unpinned = sum(row.version == "" and not row.locked for row in rows)
    declarations = Declarations(dependencies=rows, by_ecosystem=counts, unpinned=unpinned, **more)
    source = Source(folder=Path("/x"), name="x", origin={})
    return Analysis(source, "2026-01-01", declarations=declarations)


def test_figures_are_told_by_ecosystem() -> None:
    rows = [declared("a", outdated=True), declared("b", outdated=False), declared("c")]
    text = dependencies(analysis(*rows, declared("d", ecosystem="pypi"), locked=Counter(npm=40)), 10)
    assert "| JavaScript (npm) | 3 | 40 | 1 | 1 |" in text
    assert "| Python (PyPI) | 1 | 0 | 0 | 1 |" in text


def test_a_package_that_several_manifests_declare_is_one_outdated_dependency() -> None:
    rows = [declared("old", outdated=True), declared("old", manifest="web/package.json", outdated=True)]
    text = lead(analysis(*rows, names={("npm", "old")}), 10)
    assert "It declares 1 dependency, 1 of them outdated" in text


def test_what_is_outdated_is_listed_once_for_all_manifests_that_use_it() -> None:
    old = {"locked": "1.1.0", "latest": "2.0.0", "outdated": True}
    text = dependencies(
        analysis(
            declared("tool", scope="dev", latest="3.0.0", outdated=True),
            declared("old", **old),
            declared("old", manifest="web/package.json", **old),
        ),
        10,
    )
    assert "### Outdated: 2\n" in text
    first, second = (line for line in text.splitlines() if "2.0.0" in line or "3.0.0" in line)
    assert first == "| `old` | `1.1.0` | `2.0.0` | runtime | `package.json` and 1 more |"
    assert second == "| `tool` | `1.0.0` | `3.0.0` | dev | `package.json` |"


def test_what_is_unpinned_at_run_time_is_listed_unless_a_lock_pins_it() -> None:
    rows = [declared("loose", version=""), declared("held", version="", locked="1.0.0")]
    text = dependencies(analysis(*rows), 10)
    unpinned = text.partition("### Unpinned at run time: 1\n")[2].partition("###")[0]
    assert "`loose`" in unpinned
    assert "`held`" not in unpinned


def test_a_registry_that_gave_no_answer_is_named() -> None:
    text = dependencies(analysis(declared("a"), unanswered=Counter(npm=1)), 10)
    assert "For 1 package the registry gave no answer (JavaScript (npm))" in text


def test_only_what_a_lock_names_is_told_too() -> None:
    assert "| Rust (crates.io) | 0 | 7 | 0 | 0 |" in dependencies(analysis(locked=Counter(cargo=7)), 10)


def test_without_dependencies_there_is_no_section() -> None:
    assert dependencies(analysis(), 10) == ""


def test_outdated_ones_stand_out() -> None:
    rows = [declared("a", outdated=True), declared("b", outdated=False), declared("c")]
    said = "\n".join(findings(analysis(*rows)))
    assert "1 of 2 dependencies that could be compared are behind the newest version, 1 at run time." in said
