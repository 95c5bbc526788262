"""The page of the shop, run by node with as much of a browser as it touches; the service sees what a browser sends."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import playwright
import pytest

from features.log import Record
from tests.clients.conftest import Keys
from tests.clients.pages import SHOWN, snippet
from tests.serving.server import Server
from tests.waiting import PATIENCE, until

NODE = Path(playwright.__file__).parent / "driver" / "node"  # comes with the package, on every machine
ORIGIN = "https://shop.example"
BROWSER = """
const store = new Map();
const setItem = (name, value) => store.set(name, value);
globalThis.localStorage = { getItem: (name) => store.get(name) ?? null, setItem };
export const list = { dataset: { product: PRODUCT }, links: [], append: (link) => list.links.push(link) };
const make = () => ({ heard: {}, addEventListener(name, what) { this.heard[name] = what; } });
globalThis.document = { getElementById: (id) => (id === ELEMENT ? list : null), createElement: make };
const asked = [];
const plain = globalThis.fetch;
globalThis.fetch = (url, options) => {
  asked.push({ url, keepalive: options.keepalive, credentials: options.credentials });
  const headers = { ...options.headers, Origin: ORIGIN, "Sec-Fetch-Site": "cross-site" };
  return plain(url, { ...options, headers });
};
const warned = [];
console.warn = (...words) => warned.push(words.join(" "));
await import("./product.js");
if (list.links.length) await list.links[0].heard.click();
const links = list.links.map(({ textContent, href, title }) => ({ textContent, href, title }));
console.log(JSON.stringify({ links, asked, warned, visitor: store.get("kairos_anonymous_id") }));
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def visit(server: Server, tmp_path: Path) -> Callable[..., dict]:  # type: ignore[type-arg]
    """Opens the page of a product with a key, from an origin; answers what it showed and asked."""
    html = snippet("page.md", "product.html")
    (element,), (product,) = re.findall(r'id="(\w+)"', html), re.findall(r'data-product="([\w-]+)"', html)
    (script,) = re.findall(r'<script type="module" src="([\w.]+)">', html)
    page, client = snippet("page.md", "product.js"), snippet("page.md", "kairos.js")
    assert "timeout(2000)" in client, "a visitor waits no longer; a test does"
    assert script == "product.js"

    def open_page(key: str, origin: str = ORIGIN) -> dict:  # type: ignore[type-arg]
        told = {"PRODUCT": product, "ELEMENT": element, "ORIGIN": origin}
        browser = BROWSER
        for name, value in told.items():
            browser = re.sub(rf"\b{name}\b", msgspec.json.encode(value).decode(), browser)
        (tmp_path / "package.json").write_text('{"type": "module"}')
        (tmp_path / "kairos.js").write_text(client.replace("timeout(2000)", f"timeout({1000 * PATIENCE:.0f})"))
        (tmp_path / "product.js").write_text(page.replace(SHOWN, server.url).replace("pk_…", key))
        (tmp_path / "browser.js").write_text(browser)
        run = subprocess.run(
            [str(NODE), "browser.js"], cwd=tmp_path, capture_output=True, text=True, timeout=3 * PATIENCE, check=False
        )
        assert run.returncode == 0, run.stderr
        return msgspec.json.decode(run.stdout)

    return open_page


def test_a_page_shows_products_and_tells_what_was_seen_and_clicked(
    visit: Callable[..., dict],  # type: ignore[type-arg]
    keys: Keys,
    logged: Callable[[str], list[Record]],
) -> None:
    found = visit(keys.publishable)
    assert not found["warned"]
    assert len(found["links"]) == 4
    assert all(link["textContent"] and link["title"] for link in found["links"])
    assert all(link["href"].startswith("/products/") for link in found["links"])
    assert all(one["keepalive"] and one["credentials"] == "omit" for one in found["asked"])
    told = [record.type for record in logged(found["visitor"])]
    assert told == ["product_viewed", "recommendation_viewed", "recommendation_clicked"]


@pytest.mark.parametrize("wrong", ["secret key", "another shop"])
def test_a_page_that_may_not_ask_stands_without_and_says_why(
    visit: Callable[..., dict],  # type: ignore[type-arg]
    keys: Keys,
    wrong: str,
) -> None:
    found = visit(keys.secret) if wrong == "secret key" else visit(keys.publishable, "https://other.example")
    assert found["links"] == []
    assert len(found["warned"]) == 2
    assert all("forbidden_origin" in line for line in found["warned"])


def test_a_browser_is_let_through_before_it_asks(server: Server, keys: Keys) -> None:
    headers = re.findall(r'headers: \{ (\w+): .*?, "([\w-]+)":', snippet("page.md", "kairos.js"))
    asks = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ", ".join(headers[0]).lower(),
    }

    def asked(path: str) -> httpx.Response:
        return httpx.options(server.url + path, headers=asks, timeout=PATIENCE)

    until(lambda: asked("/v1/track").status_code == 204, "the keys were read since this one was made")
    for path in ("/v1/track", "/v1/recommendations"):
        answer = asked(path)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        allowed = answer.headers["access-control-allow-headers"].lower()
        assert all(name.lower() in allowed for name in headers[0])
