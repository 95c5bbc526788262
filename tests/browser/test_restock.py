"""The restock calendar in a real browser: its numbers are those of the API, and a day leads to a customer."""

from playwright.sync_api import expect

from tests.browser.visit import Visit


def test_the_calendar_shows_the_numbers_of_the_report(console: Visit) -> None:
    page = console.open("/console/restock")
    told = console.json("/v1/reports/restock-calendar")
    expect(page.locator("#calendar canvas").first).to_be_visible()
    page.locator("#calendar summary").click()
    shown = page.locator("#calendar tbody td").evaluate_all("all => all.map(one => one.dataset.value).filter(Boolean)")
    assert [float(one) for one in shown] == [day["customers"]["mean"] for day in told["days"]]


def test_a_day_leads_to_its_customers_and_each_to_their_page(console: Visit) -> None:
    console.complaints.clear()
    page = console.open("/console/restock")
    page.locator("#days a").nth(1).click()
    page.wait_for_url("**/console/restock/day?on=*")
    page.select_option("select[name=least]", "0.02")
    page.locator("main form button").first.click()
    first = page.locator("#due tbody tr").first
    expect(first).to_be_visible()
    customer = first.locator("th").inner_text()
    assert console.findings() == []
    first.locator("button").click()
    expect(page.locator("#identity h2")).to_have_text(customer)
    assert customer not in page.url
    assert console.complaints == []
