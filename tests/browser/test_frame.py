"""The frame in a real browser: signing in by keyboard, the skip link, tables and files behind charts, no JavaScript."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.visit import Visit, context_of
from tests.serving.server import Server


def test_one_signs_in_and_out_by_the_keyboard_alone(chromium: Browser, service: Server, key: str) -> None:
    with context_of(chromium, locale="en-US") as context:
        page = context.new_page()
        page.goto(f"{service.url}/console/integration")
        expect(page.locator("#key")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        page.keyboard.type(key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/integration")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.locator("button", has_text="Sign out").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/sign-in")
        page.goto(f"{service.url}/console")
        expect(page.locator("#key")).to_be_visible()


def test_the_cookie_is_out_of_reach_for_scripts(console: Visit) -> None:
    console.open("/console")
    assert console.page.evaluate("() => document.cookie") == ""
    (cookie,) = (one for one in console.context.cookies() if one["name"] == "kairos_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/console")


def test_a_script_that_somebody_smuggles_in_does_not_run(console: Visit) -> None:
    page = console.open("/console")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.smuggled = 1';"
        " document.body.append(s); document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"smuggled=1\">');"
        " }"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.smuggled") is None


def test_a_chart_has_its_numbers_as_a_table_and_as_a_file(console: Visit, tmp_path: Path) -> None:
    page = console.open("/console/integration")
    figure = page.locator("figure#events-a-day")
    figure.locator("summary").click()
    told = {
        row.locator("th").inner_text(): row.locator("td").get_attribute("data-value")
        for row in figure.locator("tbody tr").all()
    }
    truth = console.json("/v1/reports/integration")["events_by_day"]
    assert list(map(int, told.values())) == [count for _, count in truth]
    with page.expect_download() as coming:
        figure.get_by_role("button", name="CSV").click()
    coming.value.save_as(tmp_path / "days.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "days.csv").read_text("utf-8-sig"))))
    assert rows[1:] == [list(pair) for pair in told.items()]
    with page.expect_download() as coming:
        figure.get_by_role("button", name="PNG").click()
    coming.value.save_as(tmp_path / "days.png")
    assert (tmp_path / "days.png").read_bytes().startswith(b"\x89PNG")


def test_every_page_is_there_without_javascript(chromium: Browser, service: Server, key: str) -> None:
    with context_of(chromium, locale="en-US", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{service.url}/console/integration")
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/integration")
        expect(page.locator("figure#events-a-day table tbody tr")).to_have_count(14)
        assert page.locator("[data-download]:visible").count() == 0
