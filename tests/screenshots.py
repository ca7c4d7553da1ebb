"""Pictures of every page and state into `screenshots/`: `make screenshots`."""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    FilePayload,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.acceptance.conftest import FILES
from tests.acceptance.house import House
from tests.cable import Cable
from tests.git_server import GitServer

FOLDER = Path("screenshots")
SIZES: dict[str, ViewportSize] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
PAGES = {
    "account": "/account/",
    "api-docs": "/api/docs/",
    "admin": "/admin/",
    "admin-subagents": "/admin/agents_app/subagent/",
    "admin-pools": "/admin/agents_app/pool/",
    "admin-sessions": "/admin/sessions_app/chatsession/",
    "admin-monitor": "/admin/monitor/",
    "admin-exports": "/admin/exports_app/export/",
    "admin-maintenance": "/admin/agents_app/maintenancerun/",
    "admin-turns": "/admin/agents_app/turn/",
    "admin-tool-policies": "/admin/agents_app/toolpolicy/",
}


PERMISSIONS = """
from agents_app.models import ToolPermission
from django.contrib.auth import get_user_model
for owner in get_user_model().objects.all():
    for name in ("files__write_file", "search__fetch"):
        ToolPermission.objects.create(owner=owner, tool_name=name)
"""


def main() -> int:
    """Take them all; exit 1 without a Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("There is no Chromium on the PATH: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with _installation() as (house, git), sync_playwright() as playwright:
        house.manage("shell", "-c", PERMISSIONS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        login = browser.new_page(viewport=SIZES["desktop"])
        login.goto(f"{house.url}/login/")
        login.screenshot(path=FOLDER / "login.png")
        state = _log_in(browser, house).storage_state()
        for size, viewport in SIZES.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport=viewport, color_scheme=scheme, storage_state=state)
                _tell_the_story(context, house, git, f"{size}-{scheme}")
        browser.close()
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER}/")
    return 0


@contextmanager
def _installation() -> Iterator[tuple[House, GitServer]]:
    with tempfile.TemporaryDirectory() as folder, GitServer(Path(folder) / "git") as git:
        (Path(folder) / "git").mkdir()
        git.add("sample", FILES)
        with House(Path(folder) / "var", MCPCHAT_ALLOWED_GIT_HOSTS=git.host) as house:
            yield house, git


def _log_in(browser: Browser, house: House) -> BrowserContext:
    context = browser.new_context()
    page = context.new_page()
    page.goto(house.link)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_test_id("composer")).to_be_visible()
    return context


def _tell_the_story(context: BrowserContext, house: House, git: GitServer, name: str) -> None:
    page = context.new_page()

    def take(state: str, shown: Page = page) -> None:
        shown.screenshot(path=FOLDER / f"{state}-{name}.png")

    page.goto(house.url)
    expect(page.get_by_test_id("suggestion").first).to_be_visible()
    take("empty")
    _say(page, "What can you do?")
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("demo agent")
    take("streaming")
    git.bytes_per_second = 6000
    _say(page, f"Analyze {git.url('sample')}")
    expect(page.get_by_test_id("progress").first).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    take("running")
    git.bytes_per_second = None
    expect(page.get_by_test_id("subagent-card")).to_have_attribute("data-state", "succeeded", timeout=60_000)
    expect(page.get_by_test_id("message-assistant").last).to_contain_text("Finished", timeout=10_000)
    page.get_by_test_id("subagent-card").scroll_into_view_if_needed()
    take("report")
    _show_files(page, take)
    _say(page, "export as json")
    expect(page.get_by_test_id("export-download")).to_be_visible(timeout=10_000)
    take("export")
    _show_exports(page, take)
    session = page.url.rstrip("/").rpartition("/")[2]
    with _cut_off(context, house, session) as lost:
        take("lost", lost)
    _queue(page, session)
    take("queue")
    page.get_by_test_id("subagent-cancel").locator("visible=true").first.click()
    _say(page, f"analyze {git.url('nowhere')}")
    expect(page.locator("[data-testid=subagent-card][data-state=cancelled]").first).to_be_visible()
    take("cancelled")
    page.get_by_test_id("account-menu").click()
    take("account-menu")
    page.get_by_test_id("permissions-open").click()
    expect(page.get_by_test_id("permission-item")).to_have_count(2)
    take("permissions")
    page.keyboard.press("Escape")
    for page_name, address in PAGES.items():
        page.goto(house.url + address)
        page.wait_for_load_state("networkidle")
        take(page_name)
    _post(page, f"{house.url}/api/sessions/{session}/stop/", {})
    context.close()


def _show_exports(page: Page, take: Callable[[str], None]) -> None:
    """Open what exports and imports are asked for with."""
    page.get_by_test_id("export-menu").click()
    take("export-menu")
    page.get_by_test_id("export-options").click()
    page.get_by_test_id("range-to").fill("9999")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("range-error")).to_be_visible()
    take("export-options")
    page.keyboard.press("Escape")
    page.get_by_test_id("export-menu").click()
    page.get_by_test_id("export-several").click()
    expect(page.get_by_test_id("pick-chat").first).to_be_visible()
    page.get_by_test_id("pick-every").check()
    take("export-several")
    page.get_by_test_id("archive-submit").click()
    expect(page.get_by_test_id("session-title")).to_contain_text("Export of")
    expect(page.get_by_test_id("export-download")).to_be_visible(timeout=60_000)
    take("archive")
    page.go_back()
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("account-import").click()
    file: FilePayload = {"name": "chat.json", "mimeType": "application/json", "buffer": b"{}"}
    page.get_by_test_id("import-input").set_input_files(file)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("import-error")).to_be_visible()
    take("import")
    page.keyboard.press("Escape")


def _show_files(page: Page, take: Callable[[str], None]) -> None:
    """Attach files over a slow line, send them, and have some delivered."""
    session = page.url.rstrip("/").rpartition("/")[2]
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    network = page.context.new_cdp_session(page)
    network.send("Network.emulateNetworkConditions", line)
    files: list[FilePayload] = [
        {"name": "sales 2026.csv", "mimeType": "text/csv", "buffer": b"month,total\n" * 2000},
        {"name": "photograph.jpg", "mimeType": "image/jpeg", "buffer": bytes(4_000_000)},
    ]
    page.get_by_test_id("attach-input").set_input_files(files)
    page.get_by_test_id("composer").fill("What do these two have to do with each other?")
    expect(page.locator("[data-testid=upload][data-state=done]")).to_have_count(1)
    expect(page.get_by_role("progressbar", name="photograph")).to_have_attribute(
        "aria-valuenow", re.compile("[1-9].")
    )
    take("attaching")
    network.send("Network.emulateNetworkConditions", line | {"uploadThroughput": -1})
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message-user").last.get_by_test_id("file-chip")).to_have_count(
        2, timeout=20_000
    )
    expect(page.get_by_test_id("stop")).to_be_hidden(timeout=20_000)
    take("message-files")
    body = {"session_id": session, "args": {"count": 23, "size": 48_000}}
    _post(page, f"{_origin(page)}/api/tools/probe_deliver/execute/", body)
    expect(page.get_by_test_id("delivered-file")).to_have_count(20, timeout=20_000)
    page.get_by_test_id("file-rest").last.scroll_into_view_if_needed()
    take("delivered")


@contextmanager
def _cut_off(context: BrowserContext, house: House, session: str) -> Iterator[Page]:
    """A page that has lost the server, with a message that was not sent."""
    with Cable(house.port) as cable:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{cable.port}/sessions/{session}/")
        expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "live")
        cable.refuse()
        _say(page, "What is running?")
        expect(page.get_by_test_id("send-retry")).to_be_visible()
        expect(page.get_by_test_id("connection-notice")).to_contain_text(
            re.compile("in [0-9]"), timeout=15_000
        )
        yield page
        page.close()


def _say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.keyboard.press("Enter")


def _queue(page: Page, session: str) -> None:
    """Fill the pool and leave two waiting."""
    for _ in range(5):
        body = {"session_id": session, "args": {"seconds": 120}}
        _post(page, f"{_origin(page)}/api/tools/probe/execute/", body)
    expect(page.locator("[data-testid=subagent-card][data-state=queued]")).to_have_count(2)


def _origin(page: Page) -> str:
    return re.sub(r"(http://[^/]+).*", r"\1", page.url)


def _post(page: Page, address: str, body: object) -> None:
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")
    headers = {"X-CSRFToken": token, "Content-Type": "application/json", "Referer": address}
    page.context.request.post(address, data=json.dumps(body), headers=headers)


if __name__ == "__main__":
    sys.exit(main())
