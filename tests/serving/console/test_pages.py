"""What holds for every page: who may open it, in both languages, and in a shop that is empty or nearly so."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.access.scopes import NEEDS
from serving.console.pages import PAGES
from tests.serving.console.browser import Browser, text
from tests.serving.world import NOW, SELDOM, Shop, running

PATHS = [page.path for page in PAGES]
LOCALES = ("en", "ru")
EVENTS: dict[str, list[dict[str, Any]]] = {
    "empty": [],
    "one event": [{"event": "Product Viewed", "anonymousId": "device", "properties": {"product_id": "tea"}}],
    "one customer": [
        {
            "event": "Order Completed",
            "userId": "ann",
            "timestamp": (NOW - timedelta(days=day)).isoformat(),
            "properties": {"order_id": f"o{day}", "currency": "EUR", "total": 5, "products": [{"product_id": "tea"}]},
        }
        for day in (40, 20, 3)
    ],
}


@pytest.fixture(scope="module", params=EVENTS)
def little(
    request: pytest.FixtureRequest, empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """A shop that has just begun, without a model."""
    folder: Path = tmp_path_factory.mktemp("little")
    with running(folder, ready=False, mlflow_uri=f"sqlite:///{empty_mlflow}", refresh_seconds=SELDOM) as shop:
        for event in EVENTS[request.param]:
            assert shop.client.post("/v1/track", json=event).status_code == 200
        yield shop


@pytest.fixture(scope="module")
def visitor(shared: Shop) -> dict[str, Browser]:
    return {locale: Browser(shared, locale=locale) for locale in LOCALES}


@pytest.fixture(scope="module")
def beginner(little: Shop) -> dict[str, Browser]:
    return {locale: Browser(little, locale=locale) for locale in LOCALES}


def whole(text: str, path: str, locale: str) -> None:
    """The laws of one page."""
    assert text.count("<h1") == 1
    assert f'<html lang="{locale}">' in text
    assert re.search(r"<title>[^<]+ · Kairos</title>", text)
    assert f'href="{path}" aria-current="page"' in text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\ssrc=\"/console/static/)", text)
    for address in re.findall(r"(?:src|href|action)=\"([^\"]*)\"", text):
        assert address.startswith(("/", "#")), address
    ids = re.findall(r"\sid=\"([^\"]+)\"", text)
    assert len(ids) == len(set(ids))
    assert text.count("<table") == text.count("<caption")
    assert "None" not in re.sub(r"<[^>]+>", " ", text)
    assert not re.search(r"\bnan\b|\{[a-z_]+\}", re.sub(r"<[^>]+>", " ", text))
    for field in re.finditer(r"<(?:input|select|textarea)(?![^>]*type=\"hidden\")[^>]*>", text):
        told = re.search(r"\sid=\"([^\"]+)\"", field.group())
        inside = text.rfind("<label", 0, field.start()) > text.rfind("</label>", 0, field.start())
        assert inside or (told is not None and f'for="{told.group(1)}"' in text), field.group()


@pytest.mark.parametrize(
    "path",
    [
        "/console/nowhere",
        "/console/restock/day?on=someday",
        "/console/models/change?act=nothing&name=recommender",
    ],
)
def test_an_error_is_told_in_the_readers_language(visitor: dict[str, Browser], path: str) -> None:
    answer = visitor["ru"].get(path)
    assert answer.status_code in (404, 422)
    main = answer.text.split("<main")[1].partition(">")[2].split("</main>")[0]
    rest = re.sub(r'<(p|ul|span) lang="en">.*?</\1>|<code>.*?</code>', "", main, flags=re.DOTALL)
    assert not re.search(r"[a-z]{3,}", text(rest)), text(rest)
    assert 'lang="en"' in main, "what the service itself says is there too, and marked"


@pytest.mark.parametrize("path", PATHS)
def test_whoever_is_not_signed_in_is_asked_to(shared: Shop, path: str) -> None:
    answer = shared.client.get(path, headers={"Cookie": ""}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in")
    bearing = shared.client.get(path, follow_redirects=False)
    assert bearing.status_code == 303, "a key is no session"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("path", PATHS)
def test_each_page_is_whole(visitor: dict[str, Browser], path: str, locale: str) -> None:
    answer = visitor[locale].get(path)
    assert answer.status_code == 200, answer.text[-500:]
    whole(answer.text, path, locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("path", PATHS)
def test_each_page_makes_sense_in_a_shop_that_begins(beginner: dict[str, Browser], path: str, locale: str) -> None:
    answer = beginner[locale].get(path)
    assert answer.status_code == 200, answer.text[-500:]
    whole(answer.text, path, locale)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_kept_by_no_cache_and_runs_in_no_frame(visitor: dict[str, Browser], path: str) -> None:
    headers = visitor["en"].get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"


def test_pages_about_single_customers_open_to_those_alone_who_may_see_them(shared: Shop) -> None:
    viewer = Browser(shared, ["reports:read"])
    menu = viewer.get("/console").text
    for page in PAGES:
        assert viewer.get(page.path).status_code == (403 if page.customers else 200), page.path
        assert (f'href="{page.path}"' in menu) is not page.customers


def test_a_mistake_is_told_as_a_page(visitor: dict[str, Browser]) -> None:
    for path, status in (("/console/nothing", 404), ("/console/models/change?act=x&name=y", 422)):
        answer = visitor["ru"].get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert '<html lang="ru">' in answer.text


def test_what_the_shop_calls_its_products_is_text_on_every_page(shop: Shop) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    for _ in range(2):
        shop.track("Product Viewed", {"product_id": evil}, userId=evil)
    shop.count()
    browser = Browser(shop)
    for path in PATHS:
        assert "<script>alert" not in browser.get(path).text
        assert "<img src=x" not in browser.get(path).text
    assert "&lt;script&gt;alert(1)" in browser.get("/console/integration").text


def test_every_page_is_listed_once() -> None:
    assert len(set(PATHS)) == len(PATHS) == 10
    assert set(PATHS) <= NEEDS.keys()
