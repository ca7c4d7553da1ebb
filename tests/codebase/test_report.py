"""Reports and results out of hostile names."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from agents_app.codebase import report, result
from agents_app.codebase.activity import Activity, Author, Month
from agents_app.codebase.declarations import Declarations, Declared
from agents_app.codebase.duplicates import Duplicates, Group
from agents_app.codebase.files import Listing, SourceFile
from agents_app.codebase.findings import findings
from agents_app.codebase.functions import Function, Functions
from agents_app.codebase.languages import CountedFile, Counts, Language
from agents_app.codebase.result import Analysis
from agents_app.codebase.source import Source
from agents_app.stages import Stage
from agents_app.wording.escaping import clean, escape, name
from sessions_app.markdown import render

HOSTILE = [
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://evil.example/x.png)",
    "https://evil.example/",
    "www.evil.example",
    "evil@example.org",
    "`code` | more | `x",
    "a|b\\|c",
    "\\",
    "|",
    "``",
    "# title\n\n- item\r\n| a |",
    "\u202egnp.exe",
    "a\u2028b\u200bc\x00d\x1b[31m",
    "&lt;b&gt; &amp;",
    "**bold** _it_ ~~no~~",
    "~~~",
    "- [ ] task",
    "1. one",
    "\ud800",
    "$(rm -rf /)",
    " lead and trail ",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_literally_and_as_nothing_else(text: str) -> None:
    shown = clean(text).strip()
    for made in (escape(text), name(text)):
        html = render(f"before {made} after\n\n| head |\n| --- |\n| {made} |\n")
        assert not re.search(r"<(?:a|img|script|strong|em|s|del|h\d|li|input)\b", html)
        cells = re.findall(r"<td>(.*?)</td>", html)
        assert len(cells) == 1
        plain = re.sub(r"</?code>", "", cells[0])
        for entity, char in (
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", '"'),
            ("&nbsp;", "\xa0"),
            ("&amp;", "&"),
        ):
            plain = plain.replace(entity, char)
        assert plain == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_cleaned_text_is_one_visible_line(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert shown.isprintable()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00-\x1f]", shown)


def test_long_text_is_shortened() -> None:
    assert clean("a" * 1000, 10) == "aaaaaaaaa…"
    assert len(escape("." * 1000, 10)) == 19


def analysis(texts: list[str], count: int) -> Analysis:
    """Return an analysis in which all names are `texts`, `count` of each."""
    names = [text for text in texts for _number in range(count)]
    functions = Functions(parsed_files=1, languages={"Python": Counter(functions=1)}, long_functions=1)
    functions.kinds = {"Python": Counter({"class": 1, "enum": 2})}
    counts = Counts(languages={text[:60]: Language(text[:60], 1, 10, 10) for text in ["Python", *texts]})
    months = [
        Month(month=month, commits=3, authors=1, added=2, removed=1) for month in ("2025-11", "2026-02")
    ]
    authors = [Author(name=clean(text, 80), commits=5, added=3, removed=2) for text in names]
    declared = Declarations(manifests=1)
    for text in names:
        file = CountedFile(path=text, language=text, lines=5_000, code=5, complexity=5)
        counts.largest.add(5_000, file)
        counts.most_complex.add(5, file)
        functions.largest.add(500, Function(name=text, file=text, line=1, lines=500, language=text))
        declared.dependencies.append(
            Declared(ecosystem="npm", name=text, version=text, scope="dev", manifest=text)
        )
        declared.by_ecosystem["npm"] += 1
        declared.unreadable.append((text, text))
        declared.licences.append((text, "unknown"))
    return Analysis(
        Source(folder=Path("/x"), name=texts[0], origin={"url": texts[0], "ref": texts[0]}, branch=texts[0]),
        "2026-01-01T00:00:00+00:00",
        listing=Listing(files=[SourceFile("a", 1)], skipped_folders=Counter(texts)),
        counts=counts,
        functions=functions,
        declarations=declared,
        duplicates=Duplicates(
            groups=count,
            files=2 * count,
            bytes=9,
            largest=[Group(bytes=9, files=2, paths=names[:10])] * count,
        ),
        activity=Activity(
            commits=6,
            authors=2,
            first_at="2025-11-03T00:00:00+00:00",
            last_at="2026-02-01T00:00:00+00:00",
            months=months,
            top_authors=authors[:20],
        ),
        duration_seconds={"cloning": 1.0},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_report_of_hostile_names_is_only_a_report(text: str, stage: Stage) -> None:
    found = analysis([text], 3)
    html = render(report.write(found, stage)) + render(report.summary(found))
    assert not re.search(r"<(?:a|img|script|del|input)\b", html)
    assert html.count("<h1>") == 1
    assert html.count("<svg") == 3
    assert '<code class="language-chart"' not in html
    assert {row.count("<td") for row in html.split("<tr>") if "Lines" not in row} <= {0, 2, 3, 4, 5, 6}


def test_report_and_result_stay_within_their_limits(stage: Stage) -> None:
    found = analysis(["|" * 4000, "\N{GRINNING FACE}" * 4000, "." * 4000, "\\" * 4000], 600)
    assert len(report.write(found, stage).encode()) <= report.MAX_BYTES
    data = result.document(found, complete=True)
    assert len(json.dumps(data)) <= result.MAX_BYTES
    assert data["truncated"]["dependencies"] == 2400
    assert data["truncated"]["duplicates.largest"] == 600


def test_a_report_begins_with_what_the_code_base_is(stage: Stage) -> None:
    lead = report.write(analysis(["shop"], 1), stage).split("\n\n")[1]
    assert lead.startswith("**shop** has 1 file with 20 lines of code, mostly Python (50%).")
    assert "There are 1 function, 0 classes and 0 test functions." in lead
    assert "It declares 0 dependencies; licence: unknown." in lead
    assert "6 commits by 2 authors; the newest is of 2026-02-01, the first of 2025-11-03." in lead
    assert re.search(r"\*\*\d things stand out\.\*\*$", lead)


def test_months_without_a_commit_are_in_the_chart_too(stage: Stage) -> None:
    html = render(report.write(analysis(["shop"], 1), stage))
    assert "2025-11: 3 commits; 2025-12: 0 commits; 2026-01: 0 commits; 2026-02: 3 commits" in html


def test_of_a_long_history_the_last_five_years_are_drawn(stage: Stage) -> None:
    found = analysis(["shop"], 1)
    assert found.activity
    found.activity.months[0] = Month(month="2001-01", commits=1, authors=1, added=1, removed=0)
    html = render(report.write(found, stage))
    assert "<desc>2021-03: 0 commits; " in html
    assert "2001-01" not in html.partition("<desc>2021-03")[2].partition("</desc>")[0]


def test_classes_are_told_by_kind(stage: Stage) -> None:
    text = report.write(analysis(["shop"], 1), stage)
    assert '["Enums", 2]' in text
    assert "1 classes, 2 enums" in text


def test_files_that_are_alike_are_told_with_what_they_take(stage: Stage) -> None:
    text = report.write(analysis(["shop"], 1), stage)
    assert "2 files in 1 group have the same content; one of each would save 9 bytes." in text


def test_a_partial_report_says_where_it_stopped_and_has_what_was_known() -> None:
    found = analysis(["shop"], 1)
    found.declarations = found.activity = None
    text = report.partial(found, "reading the history")
    assert "**Stopped while reading the history.** Below is what was known by then." in text
    assert "## Languages" in text
    assert "## Dependencies" not in text
    assert report.partial_summary(found, "reading the history") == (
        "Stopped while reading the history: 1 Python file, 20 lines counted, 1 function, 0 classes so far."
    )


def test_a_partial_report_of_nothing_is_a_report() -> None:
    bare = Analysis(Source(folder=Path("/x"), name="x", origin={}), "2026-01-01T00:00:00+00:00")
    assert report.partial(bare, "listing files").startswith("# Code analysis: x\n\n**Stopped while listing")
    assert report.partial_summary(bare, "listing files") == "Stopped while listing files: nothing so far."


def test_a_result_without_any_part_is_a_document() -> None:
    source = Source(folder=Path("/x"), name="x", origin={})
    data = result.document(Analysis(source, "2026-01-01T00:00:00+00:00"), complete=False)
    assert (data["schema_version"], data["complete"]) == (1, False)


def plain_analysis() -> Analysis:
    """Return an analysis of which nothing stands out."""
    found = analysis(["a"], 1)
    found.counts = Counts(languages={"Python": Language("Python", 10, 1000, 800, 100, 100, 50)})
    found.functions = Functions(parsed_files=1, test_files=1, test_functions=100)
    found.declarations = Declarations(licences=[("LICENSE", "MIT")], runtime=3)
    found.duplicates = found.activity = None
    return found


def test_nothing_stands_out_of_plain_figures(stage: Stage) -> None:
    assert findings(plain_analysis()) == []
    assert "Nothing in the figures is out of the ordinary." in report.write(plain_analysis(), stage)


def test_what_stands_out_is_said_with_its_figures() -> None:
    found = plain_analysis()
    assert found.counts
    assert found.functions
    assert found.declarations
    found.counts.languages["Python"].comments = 1
    found.functions.test_files = found.functions.test_functions = 0
    found.functions.long_functions = 2
    found.functions.largest.add(400, Function(name="f", file="a.py", line=1, lines=400, language="Python"))
    found.declarations.licences = []
    found.declarations.unpinned = 2
    for version in ("1", "2"):
        found.declarations.dependencies.append(
            Declared(ecosystem="npm", name="left", version=version, scope="runtime", manifest="package.json")
        )
    author = Author(name="ann", commits=90, added=0, removed=0)
    found.activity = Activity(
        commits=100, authors=2, last_at="2024-12-31T00:00:00+00:00", top_authors=[author]
    )
    found.duplicates = Duplicates(bytes=1)
    said = "\n".join(findings(found))
    assert "**Quiet**: the newest commit is 366 days old." in said
    assert "**One author**: `ann` wrote 90% of 100 commits." in said
    assert "**Copies**: 100% of all bytes" in said
    assert "2 of 0 functions have over 100 lines. The longest is `f` with 400 lines in `a.py`" in said
    assert "**No tests**" in said
    assert "**No licence file**" in said
    assert "2 of 3 runtime dependencies take any version" in said
    assert "different versions of `left`" in said
    assert "**Hardly any comments**: 0.1%" in said


def test_text_and_data_are_not_what_a_code_base_is_written_in() -> None:
    found = plain_analysis()
    assert found.counts is not None
    found.counts.languages["ReStructuredText"] = Language("ReStructuredText", 90, 9000, 9000)
    assert "9,800 lines of code, mostly Python (100% of the programs)" in report.summary(found)


def test_a_code_base_of_text_alone_says_so() -> None:
    found = plain_analysis()
    found.counts = Counts(languages={"Markdown": Language("Markdown", 9, 900, 900)})
    assert "900 lines of code, mostly Markdown (100%)" in report.summary(found)
