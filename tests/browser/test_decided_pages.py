"""Funnel, Send times and Segments in a real browser: the numbers of the API, and files to take along."""

import csv
from pathlib import Path

from tests.browser.visit import Visit


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_funnel_shows_what_the_api_says(console: Visit) -> None:
    told = console.json("/v1/reports/funnel")
    page = console.open("/console/funnel")
    shown = page.locator("#stages tbody tr")
    counts = [number(row.locator("td").first.inner_text()) for row in shown.all()]
    assert counts == [stage["count"] for stage in told["stages"]]
    assert counts[0] > 0
    assert number(page.locator("#immature").inner_text()) == told["immature"]
    assert "must not be added up" in page.locator("main").inner_text()


def test_the_chart_can_be_read_as_a_table_and_taken_along(console: Visit, tmp_path: Path) -> None:
    told = console.json("/v1/reports/funnel")
    page = console.open("/console/funnel")
    figure = page.locator("figure#steps")
    assert figure.locator("canvas").count() >= 1
    assert not figure.locator("table").is_visible()
    figure.locator("summary").focus()
    page.keyboard.press("Enter")
    assert figure.locator("table").is_visible()
    for kind in ("csv", "png"):
        with page.expect_download() as waiting:
            figure.locator(f"[data-download={kind}]").click()
        waiting.value.save_as(tmp_path / f"steps.{kind}")
    rows = list(csv.reader((tmp_path / "steps.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [int(row[1]) for row in rows[1:]] == [stage["count"] for stage in told["stages"]]
    assert (tmp_path / "steps.png").read_bytes().startswith(b"\x89PNG")


def test_send_times_show_what_the_api_says_whatever_is_chosen(console: Visit) -> None:
    told = console.json("/v1/reports/heatmap")
    page = console.open("/console/send-times")
    page.select_option("select[name=channel]", "email")
    page.select_option("select[name=measure]", "ordered")
    page.locator("form.filters button").click()
    page.wait_for_load_state("networkidle")
    wanted = ("email", None, "ordered")
    grid = next(one for one in told["grids"] if (one["channel"], one["segment"], one["measure"]) == wanted)
    assert number(page.locator("#sends").inner_text()) == sum(grid["sends"]) > 0
    page.locator("summary", has_text="Every hour of the week").click()
    rows = page.locator("#hours tbody tr")
    assert rows.count() == 168
    assert [number(text) for text in page.locator("#hours tbody td:nth-child(2)").all_inner_texts()] == grid["sends"]
    assert page.locator("figure#estimate canvas").count() >= 1


def test_segments_show_what_the_api_says_and_give_their_customers(console: Visit, tmp_path: Path) -> None:
    told = console.json("/v1/reports/segments")
    page = console.open("/console/segments")
    assert number(page.locator("#customers").inner_text()) == told["customers"]
    cell = told["cells"][0]
    row = page.locator(f"tr[data-key={cell['key']}]")
    assert number(row.locator("td").first.inner_text()) == cell["customers"]
    with page.expect_download() as waiting:
        row.locator("a").click()
    waiting.value.save_as(tmp_path / "customers.csv")
    assert waiting.value.suggested_filename == f"{cell['key']}.csv"
    assert len((tmp_path / "customers.csv").read_text().splitlines()) == cell["customers"] + 1
