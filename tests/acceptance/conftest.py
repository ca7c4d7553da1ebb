"""One installation and one git server for all acceptance tests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.acceptance.chat_pages import Chat, imported, live
from tests.acceptance.house import House, Person
from tests.browser import browser, errors_of, logged_in
from tests.cable import Cable
from tests.git_server import GitServer

__all__ = ["browser"]
MODULE = '''"""Module {number}."""


def add(first, second):
    """Return the sum."""
    if first:
        return first + second
    return second


class Account:
    """An account."""

    def balance(self):
        return sum(entry for entry in self.entries if entry)
'''
FILES = {
    "README.md": "# Sample\n",
    "LICENSE": "MIT License\n\nPermission is hereby granted, free of charge, to any person\n",
    "requirements.txt": "Django==5.2\nrequests>=2\n",
    "package.json": json.dumps({"name": "sample", "dependencies": {"react": "^19.0.0"}}),
    "tests/test_add.py": "def test_add():\n    assert 1 + 1 == 2\n",
    **{f"sample/module_{number}.py": MODULE.format(number=number) for number in range(600)},
    **{f"web/part_{number}.js": "export function part(x) { return x ? x : 1; }\n" for number in range(50)},
}


@pytest.fixture(scope="session")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    """A git server with the repository `sample` of more than 600 files."""
    with GitServer(tmp_path_factory.mktemp("git")) as server:
        server.add("sample", FILES)
        yield server


@pytest.fixture(scope="session")
def allowed_folder(git_server: GitServer) -> Path:
    """The folder that the installation may read."""
    return git_server.root / "sample"


@pytest.fixture(scope="session")
def house(
    tmp_path_factory: pytest.TempPathFactory, git_server: GitServer, allowed_folder: Path
) -> Iterator[House]:
    """A running installation."""
    with House(
        tmp_path_factory.mktemp("house") / "var",
        MCPCHAT_ALLOWED_GIT_HOSTS=git_server.host,
        MCPCHAT_ALLOWED_FOLDERS=str(allowed_folder),
    ) as running:
        yield running


@pytest.fixture(scope="session")
def ann(house: House) -> Person:
    """A user."""
    return house.user("ann")


@pytest.fixture(scope="session")
def bob(house: House) -> Person:
    """Another user."""
    return house.user("bob")


@pytest.fixture(scope="session")
def erin(house: House) -> Person:
    """A user with a browser."""
    return house.user("erin")


@pytest.fixture(scope="module")
def erins_browser(browser: Browser, house: House, erin: Person) -> Iterator[BrowserContext]:
    """Erin's browser."""
    context = logged_in(browser, house, house.manage("login_link", "erin").splitlines()[-1])
    yield context
    context.close()


@pytest.fixture(scope="session")
def vera(house: House) -> Person:
    """A user with chats of her own."""
    return house.user("vera")


@pytest.fixture(scope="module")
def veras_login(browser: Browser, house: House, vera: Person) -> Any:
    """What a browser keeps of her login."""
    context = logged_in(browser, house, house.manage("login_link", "vera").splitlines()[-1])
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def veras_chat(vera: Person) -> str:
    """A chat with four messages."""
    return imported(vera, "Talk of whales")


@pytest.fixture
def veras_page(browser: Browser, house: House, veras_login: Any, veras_chat: str) -> Iterator[Page]:
    """A page that shows the chat, of a browser that remembers no choices.

    Errors of its scripts fail the test, refused requests do not.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, storage_state=veras_login, locale="en-GB"
    )
    page = context.new_page()
    errors = errors_of(page)
    page.goto(f"{house.url}/sessions/{veras_chat}/")
    live(page)
    yield page
    assert [error for error in errors if "Failed to load resource" not in error] == []
    context.close()


@pytest.fixture
def chat(house: House, erins_browser: BrowserContext, erin: Person) -> Chat:
    """A new chat with an answer in it."""
    chat = Chat(house, erins_browser, erin, erin.session())
    chat.say("hello")
    erin.quiet(chat.id)
    return chat


@pytest.fixture
def cable(house: House) -> Iterator[Cable]:
    """The cable between a browser and the installation."""
    with Cable(house.port) as cable:
        yield cable


@pytest.fixture
def page(chat: Chat, cable: Cable) -> Iterator[Page]:
    """A page with the chat, over the cable; errors of its scripts fail the test, failed requests do not."""
    page = chat.open(cable.port)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []
