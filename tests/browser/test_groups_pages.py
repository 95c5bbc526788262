"""Cart recovery and Uplift in a real browser: the numbers of the API, drawn, and in a sentence what is proved."""

import csv
from pathlib import Path

import pytest

from tests.browser.visit import Visit


def shown(visit: Visit, selector: str) -> float:
    return float(visit.page.locator(selector).get_attribute("data-value") or "nan")


def test_uplift_shows_what_the_api_says(console: Visit) -> None:
    told = console.json("/v1/reports/uplift")
    page = console.open("/console/uplift")
    assert shown(console, "#incremental") == told["incremental"][0]["revenue"]["mean"]
    for group in told["groups"]:
        cells = page.locator(f"tr[data-group={group['arm']}] td[data-value]")
        assert [cells.nth(place).get_attribute("data-value") for place in range(2)] == [
            str(group["customers"]),
            str(group["counted"]),
        ]
    for one in told["contrasts"]:
        cells = page.locator(f"tr[data-contrast={one['measure']}-{one['arm']}] td[data-value]")
        values = [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]
        assert values == [one[name]["mean"] for name in ("plain", "adjusted", "always")]
    assert "proved" in page.locator("figure#difference-revenue .sentence").inner_text()
    assert page.locator("figure#weeks canvas").count() >= 1


def test_recovery_shows_what_the_api_says(console: Visit) -> None:
    told = console.json("/v1/reports/policy-value")
    page = console.open("/console/recovery")
    assert shown(console, "#earned") == told["live"]["value"]["mean"]
    assert shown(console, "#decisions") == told["decisions"]
    for one in told["alternatives"]:
        rows = page.locator(f"#estimates-{one['name']} tbody tr")
        assert rows.count() == len(one["estimates"])
        values = [float(each.get_attribute("data-value") or "nan") for each in rows.locator("[data-value]").all()]
        pairs = [(each["value"]["mean"], each["policy_above"]["mean"]) for each in one["estimates"]]
        assert values == [number for pair in pairs for number in pair]
    assert "The policy earns" in page.locator("figure#value .sentence").inner_text()
    assert page.locator("figure#refused canvas").count() >= 1


@pytest.mark.parametrize(("path", "figure"), [("/console/uplift", "weeks"), ("/console/recovery", "mix-channel")])
def test_what_is_drawn_can_be_taken_along_as_numbers(console: Visit, path: str, figure: str, tmp_path: Path) -> None:
    told = console.json(f"/v1/reports/{'uplift' if 'uplift' in path else 'policy-value'}")
    page = console.open(path)
    with page.expect_download() as waiting:
        page.locator(f"figure#{figure} [data-download=csv]").click()
    waiting.value.save_as(tmp_path / "numbers.csv")
    rows = list(csv.reader((tmp_path / "numbers.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 1 + len(told["weeks"])
