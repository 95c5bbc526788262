"""Every page in a real browser: nothing breaks, nobody else is asked, and everybody can use it."""

import pytest

from serving.console.pages import PAGES
from tests.browser.visit import Visit

PATHS = [page.path for page in PAGES]


def name(path: str) -> str:
    return path.rpartition("/")[2].replace("console", "overview")


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_a_page_is_whole_and_open_to_everybody(console: Visit, path: str) -> None:
    _look(console, path, "en")


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_so_it_is_in_russian_and_by_night(russian: Visit, path: str) -> None:
    _look(russian, path, "ru")


def _look(visit: Visit, path: str, language: str) -> None:
    visit.complaints.clear()
    visit.elsewhere.clear()
    page = visit.open(path)
    assert page.get_attribute("html", "lang") == language
    assert page.locator("h1").count() == 1
    assert page.locator("nav a[aria-current=page]").first.get_attribute("href") == path
    for drawing in page.locator("[data-option]").all():
        assert drawing.locator("canvas").count() >= 1
        assert (drawing.get_attribute("aria-label") or "").strip()
    visit.keep(f"{name(path)}-{language}")
    assert visit.findings() == []
    assert visit.complaints == []
    assert visit.elsewhere == []
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "the page scrolls sideways"


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_it_fits_on_a_telephone(console: Visit, path: str) -> None:
    page = console.page
    page.set_viewport_size({"width": 390, "height": 800})
    try:
        console.open(path)
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, "the page scrolls sideways"
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})
