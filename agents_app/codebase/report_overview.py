"""What a report begins with: what the code base is, its figures, what stands out."""

from agents_app.codebase.findings import findings
from agents_app.codebase.result import Analysis, percent
from agents_app.wording.escaping import clean, escape, name
from agents_app.wording.tables import amount, table


def summary(analysis: Analysis) -> str:
    """Return one or two sentences in Markdown."""
    title = f"**{escape(analysis.source.name, 80)}**"
    files = amount(len(analysis.listing.files) if analysis.listing else 0, "file")
    sentences = [f"{title}: {', '.join([files, *_code(analysis)])}."]
    if analysis.functions and analysis.declarations:
        found = analysis.functions
        functions = amount(found.total("functions") + found.total("methods"), "function")
        packages = amount(len(analysis.declarations.names), "dependency", "dependencies")
        classes = amount(found.total("classes"), "class", "classes")
        tests = amount(found.test_functions, "test")
        sentences.append(f"{functions}, {classes}, {tests}, {packages}.")
    if analysis.counts and analysis.counts.problem:
        sentences.append(escape(analysis.counts.problem, 300))
    return " ".join(sentences)


def figures_so_far(analysis: Analysis) -> list[str]:
    """Return what is known of an analysis that is not done, in a few words each."""
    figures = [f"{amount(len(analysis.listing.files), 'file')} found"] if analysis.listing else []
    if analysis.counts and analysis.counts.languages:
        first = analysis.counts.programs()[0]
        figures = [amount(first.files, f"{escape(first.name, 40)} file")]
        figures.append(f"{amount(analysis.counts.total().lines, 'line')} counted")
    if analysis.functions:
        found = analysis.functions
        figures.append(amount(found.total("functions") + found.total("methods"), "function"))
        figures.append(amount(found.total("classes"), "class", "classes"))
    if analysis.declarations:
        figures.append(amount(len(analysis.declarations.names), "dependency", "dependencies"))
    return figures or ["nothing"]


def title(analysis: Analysis, _rows: int) -> str:
    """Return the heading."""
    return f"# Code analysis: {escape(analysis.source.name, 80)}"


def stopped(doing: str) -> str:
    """Return the sentence that a partial report begins with."""
    return f"**Stopped while {doing}.** Below is what was known by then."


def lead(analysis: Analysis, _rows: int) -> str:
    """Return the paragraph that says it all to who reads no further."""
    files = amount(len(analysis.listing.files) if analysis.listing else 0, "file")
    sentences = [
        f"**{escape(analysis.source.name, 80)}** has {' with '.join([files, ', '.join(_code(analysis))])}."
        if _code(analysis)
        else f"**{escape(analysis.source.name, 80)}** has {files}.",
        _structure(analysis),
        _declared(analysis),
        _history(analysis),
        _state(analysis),
    ]
    return " ".join(filter(None, sentences))


def facts(analysis: Analysis, _rows: int) -> str:
    """Return the table of where the code is from, and its main figures."""
    rows = [(label, text) for label, text in [*_origin(analysis), *_figures(analysis)] if text]
    return table(("", ""), rows)


def standing_out(analysis: Analysis, _rows: int) -> str:
    """Return the section of what is out of the ordinary."""
    if analysis.counts is None:
        return ""
    found = findings(analysis) or ["Nothing in the figures is out of the ordinary."]
    return "## What stands out\n\n" + "\n".join(f"- {sentence}" for sentence in found)


def _code(analysis: Analysis) -> list[str]:
    code = analysis.counts.total().code if analysis.counts else 0
    if not analysis.counts or not code:
        return []
    programs = analysis.counts.programs()
    whole = sum(language.code for language in programs)
    shares = [(language.name, percent(language.code, whole)) for language in programs[:3]]
    of_what = "" if whole == code else " of the programs"
    if shares[0][1] >= 50:
        spoken = f"mostly {escape(shares[0][0])} ({shares[0][1]:.0f}%{of_what})"
    else:
        spoken = " and ".join(f"{escape(language)} ({share:.0f}%)" for language, share in shares)
    return [f"{amount(code, 'line')} of code", spoken]


def _structure(analysis: Analysis) -> str:
    found = analysis.functions
    if found is None or not found.parsed_files:
        return ""
    functions = amount(found.total("functions") + found.total("methods"), "function")
    classes = amount(found.total("classes"), "class", "classes")
    code = analysis.counts.total().code if analysis.counts else 0
    tests = amount(found.test_functions, "test function")
    density = (
        f", one for every {amount(code // found.test_functions, 'line')}"
        if found.test_functions and code > found.test_functions
        else ""
    )
    return f"There are {functions}, {classes} and {tests}{density}."


def _declared(analysis: Analysis) -> str:
    found = analysis.declarations
    if found is None:
        return ""
    packages = amount(len(found.names), "dependency", "dependencies")
    # A package that several manifests declare is one.
    outdated = len({(row.ecosystem, row.name) for row in found.dependencies if row.outdated})
    state = f", {outdated:,} of them outdated" if outdated else ""
    licences = _licences(analysis)
    return f"It declares {packages}{state}; licence: {licences}."


def _history(analysis: Analysis) -> str:
    found = analysis.activity
    if found is None or not found.last_at:
        return ""
    several = f"{amount(found.commits, 'commit')} by {amount(found.authors, 'author')}"
    since = "the oldest that was read" if found.shallow else "the first"
    return (
        f"Its history: {several}; the newest is of {found.last_at[:10]}, {since} of {found.first_at[:10]}."
        if found.commits > 1
        else f"The only commit that was read is of {found.last_at[:10]}."
    )


def _state(analysis: Analysis) -> str:
    count = len(findings(analysis))
    return f"**{amount(count, 'thing')} {'stands' if count == 1 else 'stand'} out.**" if count else ""


def _origin(analysis: Analysis) -> list[tuple[str, str]]:
    source = analysis.source
    date = f" of {escape(source.committed_at[:10])}" if source.committed_at else ""
    return [
        ("Repository", name(str(source.origin.get("url", "")), 300)),
        ("Folder", name(str(source.origin.get("path", "")), 300)),
        ("Archive", name(str(source.origin.get("file", "")), 300)),
        ("Only below", name(source.subfolder, 300)),
        ("Branch", name(source.branch)),
        ("Asked for", name(str(source.origin.get("ref", "")))),
        ("Commit", name(source.commit[:12]) + date),
        ("Analysed at", f"{analysis.analyzed_at[:16].replace('T', ' ')} UTC"),
    ]


def _figures(analysis: Analysis) -> list[tuple[str, str]]:
    files = [("Files", f"{len(analysis.listing.files):,}")] if analysis.listing else []
    return [*files, *_figures_of_code(analysis), *_figures_of_declarations(analysis)]


def _figures_of_code(analysis: Analysis) -> list[tuple[str, str]]:
    figures = []
    if analysis.counts and analysis.counts.languages:
        total = analysis.counts.total()
        lines = f"{total.code:,} code, {total.comments:,} comments, {total.blanks:,} blank"
        figures.append(("Lines", f"{lines}, in {total.files:,} files"))
    if analysis.functions:
        found = analysis.functions
        functions = f"{found.total('functions'):,} functions, {found.total('methods'):,} methods"
        figures.append(("Functions", f"{functions}, {amount(found.total('classes'), 'class', 'classes')}"))
        tests = amount(found.test_functions, "test function")
        figures.append(("Tests", f"{tests} in {amount(found.test_files, 'test file')}"))
    return figures


def _figures_of_declarations(analysis: Analysis) -> list[tuple[str, str]]:
    if analysis.declarations is None:
        return []
    packages = amount(len(analysis.declarations.names), "package")
    manifests = amount(analysis.declarations.manifests, "manifest")
    return [("Dependencies", f"{packages} in {manifests}"), ("Licence", _licences(analysis))]


def _licences(analysis: Analysis) -> str:
    found = analysis.declarations.licences if analysis.declarations else []
    kinds = [clean(kind, 60) for kind in dict.fromkeys(licence for _path, licence in found)]
    return ", ".join(map(escape, kinds[:5])) or "none found"
