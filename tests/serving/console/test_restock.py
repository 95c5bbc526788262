"""The restock calendar: its numbers are the report's, and those the table's; the list of a day, and who may see it."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.database import open_database
from features.log import EVENTS, Log
from features.purchases import last_day
from features.reports.restock_calendar import RestockCalendar
from features.restock_table import newest, read
from models.registry import Registry
from pipelines.report import report
from pipelines.settings import Settings as Pipelines
from serving.console.restock import HELD
from serving.reports.due_on import due_on
from tests.serving.console.browser import Browser
from tests.serving.restock.world import UNTIL, WEEKLY, live, publish, score
from tests.serving.world import NOW, Shop, bearing, copy_world, make_key, running
from training.reports.restock_days import customer_chances

MEASURED = Path(__file__).parents[3] / "benchmarks" / "README.md"
DAY = date(1970, 1, 1) + timedelta(days=last_day(UNTIL) + 2)


def settings(folder: Path) -> Pipelines:
    return Pipelines(
        database_url=f"sqlite:///{folder / 'kairos.db'}",
        history=folder / "history",
        feature_data=folder / "features",
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
        mlflow_artifacts=str(folder / "artifacts"),
        privacy_key=folder / "privacy.key",
    )


def computed(folder: Path) -> None:
    report(settings(folder), Registry(f"sqlite:///{folder / 'mlflow.db'}"), ["restock-calendar"], NOW, NOW, _silent)


def _silent(_done: int, _total: int | None) -> None:
    pass


@pytest.fixture(scope="module")
def calendar(restock_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = copy_world(restock_world, tmp_path_factory.mktemp("calendar") / "shop")
    computed(folder)
    with running(folder, ready=False) as shop:
        live(shop)
        yield shop


def told(shop: Shop) -> Any:
    response = shop.client.get("/v1/reports/restock-calendar")
    assert response.status_code == 200, response.text
    return response.json()


def test_the_report_is_the_sum_over_the_customers_of_the_table(calendar: Shop) -> None:
    answer = told(calendar)
    table = read(newest(calendar.folder / "features"))
    assert answer["customers"] == len(table.customer_ids)
    assert answer["forecasts"] == len(table)
    means = [day["customers"]["mean"] for day in answer["days"]]
    assert means == pytest.approx(customer_chances(table).sum(axis=0).tolist(), abs=1e-3)
    assert answer["days"][0]["day"] == str(DAY - timedelta(days=1))
    assert len(means) == 42


def test_every_number_on_the_page_is_the_one_of_the_api(calendar: Shop) -> None:
    answer, text = told(calendar), Browser(calendar).get("/console/restock").text
    days = dict(re.findall(r'<tr data-day="([^"]+)">.*?data-value="([^"]+)"', text))
    assert {day: float(value) for day, value in days.items()} == {
        day["day"]: day["customers"]["mean"] for day in answer["days"]
    }
    assert f'id="customers" data-value="{answer["customers"]}"' in text
    assert f'id="packs" data-value="{answer["packs"]["mean"]}"' in text
    for one in answer["demand"]:
        assert f'data-value="{one["packs"]["mean"]}"' in text


def test_how_often_intervals_held_is_what_was_measured(calendar: Shop) -> None:
    (row,) = re.findall(r"days inside the 80 % interval: \*\*weekdays.*", MEASURED.read_text())
    _chosen, *later = [int(share) / 100 for share in re.findall(r"(\d+)%", row)]
    assert pytest.approx((sum(later) / len(later), min(later), max(later)), abs=0.005) == HELD
    assert "80% of the days" in Browser(calendar).get("/console/restock").text


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_today_is_the_last_day_that_the_table_knows_of(calendar: Shop, locale: str) -> None:
    text = Browser(calendar, locale=locale).get("/console/restock").text
    assert "21" in re.findall(r'id="today">([^<]*)<', text)[0]


def test_a_shop_without_forecasts_is_told_what_to_run(shop: Shop) -> None:
    response = shop.client.get("/v1/reports/restock-calendar")
    assert response.status_code == 404
    assert "python -m pipelines report restock-calendar" in response.json()["detail"]
    text = Browser(shop).get("/console/restock").text
    assert "python -m pipelines restock score" in text
    assert "<figure" not in text
    computed(shop.folder)
    assert shop.client.get("/v1/reports/restock-calendar").status_code == 404
    day = Browser(shop).get("/console/restock/day", on=str(DAY))
    assert day.status_code == 200
    assert "<table" not in day.text


def test_the_list_of_a_day_is_that_of_the_api(calendar: Shop) -> None:
    """Everybody who is listed by `/v1/restock/due`, with the same probability, and looking logs nothing."""
    log = calendar.resources.decisions.log
    before = log.last_position()
    text = Browser(calendar).get("/console/restock/day", on=str(DAY), least=0.05).text
    assert log.last_position() == before
    body = {"window": {"from": str(DAY), "to": str(DAY)}, "min_probability": 0.05}
    asked = calendar.client.post("/v1/restock/due", json=body).json()
    shown = re.findall(r'<th scope="row">([^<]+)</th><td class="n" data-value="([^"]+)"', text)
    assert shown
    assert [(id_, float(value)) for id_, value in shown] == [
        (one["subject"]["user_id"], one["probability"]) for one in asked["customers"]
    ]


def test_pages_of_a_day_hold_everybody_once_and_the_file_all_of_them(
    calendar: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.console.restock_day._PAGE", 2)
    browser = Browser(calendar)
    text = browser.get("/console/restock/day", on=str(DAY), least=0.02).text
    found = re.findall(r'<tr><th scope="row">([^<]+)</th>', text)
    while after := re.findall(r'name="after" value="([^"]+)"', text):
        assert len(re.findall(r'<tr><th scope="row">', text)) <= 2
        text = browser.post("/console/restock/day", on=str(DAY), least="0.02", after=after[0]).text
        found += re.findall(r'<tr><th scope="row">([^<]+)</th>', text)
    assert len(found) == len(set(found)) > 2
    file = browser.get("/console/restock/day.csv", on=str(DAY), least=0.02)
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert [row["customer_id"] for row in rows] == found
    assert any(done.act == "exported" for done in calendar.resources.acts.latest(5))


def test_every_day_that_is_linked_has_a_list(calendar: Shop) -> None:
    calendar.clock.now = NOW + timedelta(days=3)
    try:
        browser = Browser(calendar)
        linked = re.findall(r'href="/console/restock/day\?on=([^"]+)"', browser.get("/console/restock").text)
        assert linked[0] == str(NOW.date() + timedelta(days=4))
        assert "told warn" not in browser.get("/console/restock/day", on=linked[0]).text
        assert "told warn" in browser.get("/console/restock/day", on=str(NOW.date() + timedelta(days=3))).text
    finally:
        calendar.clock.now = NOW


def test_a_day_that_the_table_says_nothing_of_is_said_to_be_so(calendar: Shop) -> None:
    browser = Browser(calendar)
    for on in (DAY - timedelta(days=30), DAY + timedelta(days=400)):
        text = browser.get("/console/restock/day", on=str(on)).text
        assert "told warn" in text
        assert "<table" not in text


def test_single_customers_are_for_those_who_may_see_them(calendar: Shop) -> None:
    browser = Browser(calendar, scopes=["reports:read"])
    assert "/console/restock/day" not in browser.get("/console/restock").text
    for path in ("/console/restock/day", "/console/restock/day.csv"):
        assert browser.get(path, on=str(DAY)).status_code == 403
    assert browser.post("/console/restock/day", on=str(DAY), least="0.1", after="").status_code == 403


def test_the_report_needs_its_scope(calendar: Shop) -> None:
    key = make_key(calendar.folder, "sk")
    assert calendar.client.get("/v1/reports/restock-calendar", headers=bearing(key)).status_code == 403


def test_of_a_shop_whose_data_end_long_ago_the_days_are_those_after_its_end(restock_folder: Path) -> None:
    """As in a demo: scored as of the end of the data, looked at years later."""
    with running(restock_folder, ready=False) as shop:
        live(shop)
        shop.clock.now = NOW + timedelta(days=3_000)
        found = due_on(shop.resources, DAY, 0.02, "", 50)
        assert found.as_of == UNTIL
        assert {one.customer_id for one in found.customers} <= {*WEEKLY}
        assert found.customers
        told = shop.client.post("/v1/reports/visitor", json={"subject": {"user_id": WEEKLY[1]}}).json()
        assert told["restock_as_of"].startswith(UNTIL.isoformat()[:19])
        assert told["forecast"]["items"]


def test_an_older_moment_gets_the_table_of_before(restock_folder: Path) -> None:
    """The report of a moment rests on nothing that was known later."""
    _, fitted = publish(restock_folder)
    log = Log(open_database(f"sqlite:///{restock_folder / 'kairos.db'}"), EVENTS)
    earlier = UNTIL - timedelta(days=1)
    score(restock_folder, fitted, log.last_position(), earlier)
    registry = Registry(f"sqlite:///{restock_folder / 'mlflow.db'}")
    at = UNTIL - timedelta(hours=1)
    report(settings(restock_folder), registry, ["restock-calendar"], at, NOW, _silent)
    with running(restock_folder, ready=False) as shop:
        found = shop.resources.reports.read("restock-calendar", "", RestockCalendar)
    assert found is not None
    assert found.as_of == earlier
