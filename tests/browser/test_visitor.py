"""The page Visitor in a real browser: by htmx part for part, and whole without JavaScript."""

from playwright.sync_api import Browser, Page, expect

from tests.browser.visit import Visit, context_of
from tests.serving.restock.world import WEEKLY
from tests.serving.server import Server

PARTS = ("recommendations", "forecast", "cart", "decisions", "contact", "events")
CUSTOMER = WEEKLY[3]


def search(page: Page, id_: str) -> None:
    page.fill("input[name=id]", id_)
    page.locator("main form button").first.click()


def test_each_part_comes_for_itself_and_says_what_the_api_says(console: Visit) -> None:
    console.complaints.clear()
    page = console.open("/console/visitor")
    search(page, CUSTOMER)
    for part in PARTS:
        expect(page.locator(f"#part-{part} .part")).to_be_attached()
    assert CUSTOMER not in page.url
    answer = console.server.client.post("/v1/reports/visitor", json={"subject": {"user_id": CUSTOMER}})
    told = answer.raise_for_status().json()
    shown = page.locator("#champion li").evaluate_all("all => all.map(one => one.dataset.item)")
    assert shown == [item["item_id"] for item in told["recommendations"]["champion"]["items"]]
    needs = page.locator("#needs tbody tr").evaluate_all("all => all.map(one => one.dataset.item)")
    assert needs == [item["item_id"] for item in told["forecast"]["items"]][:40]
    expect(page.locator("#part-forecast canvas").first).to_be_visible()
    console.keep("visitor-found-en")
    assert console.findings() == []
    assert console.complaints == []


def test_without_javascript_everything_is_there_at_once(chromium: Browser, service: Server, key: str) -> None:
    with context_of(chromium, locale="ru-RU", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{service.url}/console")
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console")
        page.goto(f"{service.url}/console/visitor")
        search(page, CUSTOMER)
        for part in PARTS:
            expect(page.locator(f"#part-{part} .part")).to_be_attached()
        assert page.locator("#champion li").count() > 0


def test_an_unknown_id_is_said_to_be_unknown(console: Visit) -> None:
    page = console.open("/console/visitor")
    search(page, "<b>nobody</b>")
    expect(page.locator("#unknown code")).to_have_text("<b>nobody</b>")
