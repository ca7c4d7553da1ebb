"""Markdown of anybody becomes HTML that can do no harm."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

from sessions_app.markdown import addresses, parts, render

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
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    _require_harmless(render(text))


def _require_harmless(html: str) -> None:
    for tag, attributes in Tags(html).found:
        assert tag in ALLOWED, html
        assert set(attributes) <= ATTRIBUTES, html
        assert attributes.get("type") in (None, "checkbox"), html
        assert (attributes.get("href") or "https:").startswith(("http:", "https:", "mailto:")), html


def test_raw_html_stays_visible_as_text() -> None:
    assert "&lt;script&gt;" in render("<script>alert(1)</script>")


def test_raw_html_in_a_refused_link_stays_visible_as_text() -> None:
    text = "[x](data:text/html,<script>alert(1)</script>)"
    assert Tags(render(text)).text.strip() == text


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


def test_an_address_ends_where_its_cell_does() -> None:
    html = render("|https://a.example/_x_y|b|\n|-|-|\n|c|http://d.example|\n\nhttps://e.example/|f")
    assert re.findall(r'href="([^"]*)"', html) == [
        "https://a.example/_x_y",
        "http://d.example",
        "https://e.example/%7Cf",
    ]
    assert re.findall("<t[hd]>(.*?)</t[hd]>", re.sub("</?a.*?>", "", html)) == [
        "https://a.example/_x_y",
        "b",
        "c",
        "http://d.example",
    ]


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
    assert 'class="contains-task-list"' in html


def test_an_input_that_is_not_a_task_is_text() -> None:
    assert "<input" not in render('<input type="text" name="password">')


@pytest.mark.parametrize(
    "unit", ["[", "*a_", "`", "> ", "- ", "~~a", "<a ", "|a", "http://a.b/(", "a@", "<div>\n", "1. ", "~"]
)
@pytest.mark.timeout(5)
def test_text_that_is_all_markup_is_rendered_in_reasonable_time(unit: str) -> None:
    assert render(unit * (32_000 // len(unit)))


MARKS = [
    "*", "**", "_", "~", "~~", "`", "``", "[", "]", "(", ")", "![", "<", ">", "</", "/>", "<!--", "-->",
    "<b>", "<div>", "<script>", "<a href=", "onclick=", '"', "'", "&", "&lt;", "&#106;", "\\", "|",
    "\n|-|-|\n", "\n", "\n\n", "\n- ", "\n1. ", "\n> ", "\n# ", "\n    ", "\n```\n", "\n~~~\n", "\n- [x] ",
    " ", "\t", "javascript:", "data:", "https://a.example/", "www.a.example", "a@b.example", "\ue000",
    "\ue001", "é", "字", "\u200f", "\x00",
]  # fmt: skip
WORDS = ["word", "слово", "字词", "x1"]


@settings(deadline=None)
@given(some.lists(some.sampled_from([*MARKS, *WORDS]), max_size=25).map("".join))
def test_whatever_a_text_says_it_does_no_harm(text: str) -> None:
    _require_harmless(render(text))


@settings(deadline=None)
@given(some.lists(some.sampled_from(MARKS).map(lambda mark: f"{mark}word "), max_size=12))
def test_no_word_of_a_text_is_lost(parts: list[str]) -> None:
    html = render("".join(parts))
    shown = Tags(html).text + " ".join(str(known) for _, known in Tags(html).found)
    assert shown.count("word") >= len(parts)


BLOCKS = [
    "# One\n\n###### Six ######",
    "One\n===\n\nTwo\nlines\n---",
    "a *b* **c** ***d*** _e_ __f__ g_h_i `j` ``k`l`` m",
    "~~gone~~ but ~about~ this",
    "[words](https://a.example/b 'title') and <https://c.example/d?e=1&f=2> and <a@b.example>",
    "[one][1] and [two]\n\n[1]: https://a.example/1\n[two]: <https://a.example/2>",
    "![a cat](https://a.example/cat.png) is a link",
    "see https://a.example/b_c/__init__.py, www.b.example and c@d.example (https://e.example/f).",
    "**https://a.example/b** and *see https://c.example*",
    "- a\n- b\n  - c\n    1. d\n    2. e\n- f",
    "- a\n\n- b\n\n  more of b\n",
    "3) three\n4) four",
    "- [ ] open\n- [x] done\n- [X] too",
    "> quoted\nlazily\n>\n> - in it\n>\n> > twice",
    "```\nplain <b>\n```",
    "```python\ndef f(): return '<b>'\n```",
    "~~~ nonsense\n```\n~~~",
    "    indented <b>\n\n    code",
    "| a | b | c |\n|:--|:-:|--:|\n| 1 | `x` | **2** |\n| 3 \\| 4 | [l](https://a.example) |",
    "one\\\ntwo  \nthree\nfour",
    "---\n\n***",
    "\\*no\\* \\<b\\> \\` &amp; &copy; &#42; 1 < 2 > 0",
    "<b>bold</b> <br/> and <!-- this -->",
    "<div>\n*inside*\n</div>\n\n<script>\nx()\n</script>",
    "<!--\n```\n<b>\n```\n-->",
    "[x](javascript:alert(1)) <javascript:x> [y](data:text/html,z)",
    "שלום **עולם** 字*重*字 ✅",
    '```chart\n{"no": "chart"}\n```',
]


@pytest.fixture(scope="module")
def other_parser() -> MarkdownIt:
    """A parser that many use, set to what is meant here."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True})
    return parser.enable(["table", "strikethrough", "linkify"]).disable(["image"]).use(tasklists_plugin)


@settings(deadline=None)
@given(some.lists(some.sampled_from(BLOCKS), min_size=1, max_size=6).map("\n\n\n".join))
def test_the_page_shows_what_another_parser_reads(other_parser: MarkdownIt, text: str) -> None:
    assert _essence(render(text)) == _essence(other_parser.render(text))


@settings(deadline=None)
@given(
    some.lists(some.sampled_from(BLOCKS), min_size=1, max_size=6).map("\n\n\n".join)
    | some.lists(some.sampled_from([*MARKS, *WORDS, *HOSTILE]), max_size=25).map("".join)
)
def test_other_forms_have_the_words_and_addresses_of_the_page(text: str) -> None:
    found = list(parts(text))
    links = [part.detail for part in found if part[:2] == ("Start", "Link")]
    _, shown, words = _essence(render(text))
    assert [link for link in links if addresses.leads_out(link)] == [
        link for link in shown if addresses.leads_out(str(link))
    ]
    assert "".join("".join(part.words.split()) for part in found).replace("\0", "") == words


def test_what_is_in_a_message_begins_and_ends_in_order() -> None:
    opened: list[str] = []
    for part in parts("\n\n".join(BLOCKS)):
        if part.kind == "End":
            assert opened.pop() == part.name
        assert part.depth == len(opened)
        if part.kind == "Start":
            opened.append(part.name)
    assert opened == []


def _essence(html: str) -> tuple[list[str], list[str | None], str]:
    """Return the tags but for those of colours, the addresses, and the text without space."""
    page = Tags(html.replace("<s>", "<del>"))
    tags = [tag for tag, _ in page.found if tag not in ("span", "tbody")]
    return tags, [known["href"] for _, known in page.found if "href" in known], "".join(page.text.split())


def test_links_to_files_of_a_chat_can_be_the_only_ones_within_this_server() -> None:
    file = "/files/0198c2b4-0000-7000-8000-000000000000/"
    text = f"[a.txt]({file}) [other](/admin/) [evil](//evil.example/) [odd]({file}../../)"
    links = [
        known.get("href") for tag, known in Tags(render(text, relative_links=False, file_links=True)).found
    ]
    assert [link for link in links if link] == [file]
    assert "href" not in render(text, relative_links=False)
    assert 'href="/admin/"' in render(text)


def test_marks_of_addresses_that_a_text_makes_itself_are_no_harm() -> None:
    html = render("https://a.example/ &#xE000;99&#xE001; and \ud800")
    assert html.count("<a ") == 1
    assert "99" in html


def test_text_that_is_nested_very_deeply_is_shown_as_it_stands() -> None:
    assert Tags(render("> " * 5000 + "deep")).text.strip().endswith("> deep")
