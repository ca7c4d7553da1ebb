"""Markdown of anybody becomes HTML that can do no harm."""

import re
from html.parser import HTMLParser

import pytest

from sessions_app.markdown import render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<svg onload="alert(1)"><animate onbegin=alert(1)></svg>',
    '<a href="javascript:alert(1)" onclick="alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](vbscript:x) [y](data:text/html,<script>alert(1)</script>) [z](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml;base64,AAAA)",
    '[x](https://a.example "\\" onmouseover=alert(1) x=\\"")',
    '```js" onload="alert(1)\nx\n```',
    "```<script>\nx\n```",
    "<style>*{display:none}</style><iframe src=//evil.example></iframe><object data=x></object>",
    "<form action=//evil.example><input name=password></form>",
    "<!--><script>alert(1)</script>-->",
    "[x]: javascript:alert(1)\n\n[x]",
    "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|",
    "- [ ] <input type=password onfocus=alert(1) autofocus>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
]
ALLOWED = {
    "a", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "input", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr",
    "ul",
}  # fmt: skip
ATTRIBUTES = {"href", "title", "class", "type", "checked", "disabled", "start", "rel"}


class Tags(HTMLParser):
    """Collects the tags of a page as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    html = render(text)
    for tag, attributes in Tags(html).found:
        assert tag in ALLOWED, html
        assert set(attributes) <= ATTRIBUTES, html
        assert attributes.get("type") in (None, "checkbox"), html
        assert (attributes.get("href") or "https:").startswith(("http:", "https:", "mailto:")), html


def test_raw_html_stays_visible_as_text() -> None:
    assert "&lt;script&gt;" in render("<script>alert(1)</script>")


def test_a_picture_is_not_loaded() -> None:
    html = render("![a cat](https://evil.example/cat.png)")
    assert "<img" not in html
    assert "src=" not in html


def test_links_do_not_tell_where_they_come_from() -> None:
    html = render("[x](https://example.org/a)")
    assert 'href="https://example.org/a"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_plain_addresses_become_links() -> None:
    assert 'href="https://example.org/a"' in render("See https://example.org/a now.")


def test_tables_stay_tables() -> None:
    html = render("|a|b|\n|-|-|\n|1|2|")
    assert "<table>" in html
    assert re.search(r"<td>\s*2\s*</td>", html)


def test_cells_of_tables_are_aligned_by_a_class() -> None:
    html = render("|a|b|c|\n|-:|:-:|-|\n|1|2|3|")
    assert '<th class="right">a</th>' in html
    assert '<td class="center">2</td>' in html
    assert "<td>3</td>" in html
    assert "style=" not in html


def test_code_is_highlighted() -> None:
    html = render("```python\ndef f(): return 'x'\n```")
    assert '<span class="k">def</span>' in html
    assert 'class="language-python"' in html


@pytest.mark.parametrize("language", ["", "nonsense", "text"])
def test_code_in_no_known_language_is_shown_as_it_is(language: str) -> None:
    assert "a &lt; b" in render(f"```{language}\na < b\n```")


def test_task_lists_show_which_tasks_are_done() -> None:
    html = render("- [x] done\n- [ ] open")
    assert html.count("<input") == 2
    assert html.count('checked="checked"') == 1
    assert html.count('disabled="disabled"') == 2


def test_an_input_that_is_not_a_task_is_text() -> None:
    assert "<input" not in render('<input type="text" name="password">')


@pytest.mark.parametrize("unit", ["[", "*a_", "`", "> ", "- ", "~~a", "<a ", "|a", "http://a.b/(", "a@"])
@pytest.mark.timeout(5)
def test_text_that_is_all_markup_is_rendered_in_reasonable_time(unit: str) -> None:
    assert render(unit * (32_000 // len(unit)))
