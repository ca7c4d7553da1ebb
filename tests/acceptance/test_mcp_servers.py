"""An operator pastes a client's configuration in the browser and sees what is in trouble."""

from playwright.sync_api import Browser, expect

from tests.acceptance.house import House
from tests.browser import logged_in
from tests.mcp_servers.samples import DOCKER


def test_pasted_json_becomes_a_server_whose_pause_the_monitor_shows(browser: Browser, house: House) -> None:
    link = house.manage("create_user", "petra", "--staff").splitlines()[-1]
    context = logged_in(browser, house, link)
    page = context.new_page()
    page.goto(f"{house.url}/admin/agents_app/mcpserver/")
    page.get_by_test_id("import-mcp-servers").click()
    page.get_by_label("mcpServers JSON").fill(DOCKER)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Server brave-search: added.")).to_be_visible()
    page.get_by_role("link", name="brave-search").click()
    expect(page.get_by_text("Stored now: BRAVE_API_KEY.")).to_be_visible()
    assert "sk-very-secret" not in page.content()
    page.goto(f"{house.url}/admin/agents_app/mcpserver/")
    page.get_by_role("row", name="brave-search").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("pause")
    page.get_by_role("button", name="Go").click()
    page.goto(f"{house.url}/admin/monitor/")
    expect(page.get_by_test_id("mcp")).to_contain_text("brave-search", timeout=10_000)
    expect(page.get_by_test_id("mcp")).to_contain_text("when resumed")
    page.get_by_test_id("mcp").get_by_role("link", name="brave-search").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_text("was deleted successfully")).to_be_visible()
    context.close()
