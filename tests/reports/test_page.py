"""The standalone page in a real browser: it shows what it should and asks nobody for anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from exports_app.typesetting import page
from tests.browser import browser, errors_of
from tests.reports.conftest import EVIL

__all__ = ["browser"]

TEXT = f"""# A report {EVIL}

![remote](https://tracker.example/x.png) <img src=https://tracker.example/y.png> [file](/files/1/)
[site](https://example.org/)

```python
def hello(): return "{EVIL[:20]}"
```

```chart
{{"type": "bars", "title": "By tool", "unit": "runs", "rows": [["<script>alert(1)</script>", 3]]}}
```

| A | B |
| --- | ---: |
| x | 1 |
"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Any]:
    """Open a page from a file; return it with its errors and the requests that it made."""

    def do(text: str, **how: Any) -> Any:
        path = tmp_path / "report.html"
        path.write_text(page.html(text, title=EVIL, made=EVIL), encoding="utf-8")
        shown = browser.new_page(**how)
        errors, requests = errors_of(shown), []
        shown.on("request", lambda request: requests.append(request.url))
        shown.goto(path.as_uri())
        return shown, errors, requests

    return do


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_shows_its_charts_and_code_without_asking_anybody(
    opened: Callable[..., Any], scheme: str
) -> None:
    shown, errors, requests = opened(TEXT, color_scheme=scheme, viewport={"width": 390, "height": 844})
    assert errors == []
    assert [address[:7] for address in requests] == ["file://"]
    assert shown.locator("svg.chart").is_visible()
    assert shown.locator("pre .k").count() > 0
    links = shown.locator("a[href]").evaluate_all("all => all.map(one => one.href)")
    assert "https://example.org/" in links
    assert all(link.startswith("https://") for link in links)
    assert shown.locator("script, img, iframe").count() == 0
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_style_or_script_that_got_in_would_not_run(opened: Callable[..., Any]) -> None:
    shown, _errors, _requests = opened("# One")
    shown.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<style>body {color: rgb(1, 2, 3)}</style>')"
    )
    assert shown.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
