"""A real service with a small shop, one for all tests of this folder, and a real browser that is signed in.

The browser is one a file: as long as Playwright runs, an event loop runs in this thread, in which no other test could
run one of its own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.find import ARGUMENTS, LOUD, executable
from tests.browser.shop import build_shop
from tests.browser.visit import Visit, context_of
from tests.serving.server import Server, serving
from tests.serving.world import SELDOM, make_key, settings_in
from tests.waiting import PATIENCE

expect.set_options(timeout=1000 * PATIENCE)  # of itself it waits for 5 seconds


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Where the browser is; without one the test is skipped, loudly."""
    found = executable()
    if found is None:
        pytest.skip(LOUD)
    return found


@pytest.fixture(scope="module")
def chromium(chromium_path: Path) -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def service(chromium_path: Path, restock_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service, as users start it."""
    folder: Path = tmp_path_factory.mktemp("console") / "shop"
    build_shop(restock_world, folder)
    with serving(settings_in(folder, refresh_seconds=SELDOM), folder) as server:
        yield server


@pytest.fixture(scope="package")
def key(service: Server) -> str:
    """The key of an administrator of the shop."""
    return make_key(service.folder)


def _visit(chromium: Browser, service: Server, key: str, locale: str, scheme: str) -> Iterator[Visit]:
    context = context_of(chromium, locale=locale, color_scheme=scheme, viewport={"width": 1280, "height": 900})
    visit = Visit(service, context, context.new_page())
    visit.page.goto(f"{service.url}/console")
    visit.page.fill("#key", key)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/console")
    visit.watch()
    yield visit
    context.close()


@pytest.fixture(scope="module")
def console(chromium: Browser, service: Server, key: str) -> Iterator[Visit]:
    """Signed in, in English, by day."""
    yield from _visit(chromium, service, key, "en-US", "light")


@pytest.fixture(scope="module")
def russian(chromium: Browser, service: Server, key: str) -> Iterator[Visit]:
    """Signed in, in Russian, by night."""
    yield from _visit(chromium, service, key, "ru-RU", "dark")
