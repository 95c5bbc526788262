"""A hundred thousand customers: each page is as long as in a small shop, and lists of people come page by page."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import restock_table
from features.reports.restock_calendar import RestockCalendar
from features.reports.segments import Segments
from features.snapshots import newest
from models.registry import Registry
from pipelines.report import report
from serving.console.pages import PAGES
from tests.serving.console.browser import Browser
from tests.serving.console.test_restock import settings
from tests.serving.reports.reported import foresee
from tests.serving.restock.world import live
from tests.serving.world import NOW, Shop, copy_world, running

pytestmark = pytest.mark.slow

COUNT = 100_000
LONGEST, MOST_ROWS = 400_000, 600


def many(table: pa.Table) -> pa.Table:
    """As many customers as that, each with a row of the table."""
    ids = pa.array([f"many-{number:06d}" for number in range(COUNT)], pa.string())
    rows = table.take(pa.array(np.arange(COUNT) % len(table)))
    return rows.set_column(rows.schema.get_field_index("customer_id"), "customer_id", ids)


def plant(folder: Path) -> None:
    """The tables of features and of who is due, and the reports of them."""
    due = restock_table.newest(folder / "features")
    before = restock_table.read(due)
    rows = many(pq.read_table(due))
    assert restock_table.write(folder / "features", before.as_of, before.log_position, [rows]) == due
    path = newest(folder / "features", "customer")
    kept = pq.read_table(path)
    pq.write_table(many(kept).replace_schema_metadata(kept.schema.metadata), path)
    foresee(folder)
    told = settings(folder)
    registry = Registry(told.mlflow_uri, told.mlflow_artifacts)
    report(told, registry, ["restock-calendar", "segments", "coverage"], NOW, NOW, lambda *_: None)


@pytest.fixture(scope="module")
def crowd(restock_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = copy_world(restock_world, tmp_path_factory.mktemp("crowd") / "shop")
    plant(folder)
    with running(folder, ready=False) as shop:
        live(shop)
        yield shop


def test_every_page_is_of_a_bounded_length(crowd: Shop) -> None:
    calendar, segments = (
        crowd.resources.reports.read("restock-calendar", "", RestockCalendar),
        crowd.resources.reports.read("segments", "", Segments),
    )
    assert calendar is not None
    assert segments is not None
    assert calendar.customers == segments.customers == COUNT
    for locale in ("en", "ru"):
        browser = Browser(crowd, locale=locale)
        for page in PAGES:
            answer = browser.get(page.path)
            assert answer.status_code == 200, page.path
            assert len(answer.text) < LONGEST, page.path
            assert answer.text.count("<tr") < MOST_ROWS, page.path
            assert "many-0" not in answer.text, "nobody is listed where nobody was asked for"
    words = Browser(crowd).get("/console/restock").text
    assert f'id="customers" data-value="{COUNT}">100,000<' in words


def test_the_customers_of_a_day_come_page_by_page(crowd: Shop) -> None:
    browser = Browser(crowd)
    days = re.findall(r"/console/restock/day\?on=([0-9-]+)", browser.get("/console/restock").text)
    pages = [(day, browser.get("/console/restock/day", on=day, least="0.1").text) for day in days[:7]]
    day, first = max(pages, key=lambda one: one[1].count('scope="row"'))
    assert 10 < first.count('scope="row"') <= 100
    assert len(first) < LONGEST
    after = re.search(r'name="after" value="([^"]+)"', first)
    assert after is not None, "there are more"
    following = browser.post("/console/restock/day", on=day, least="0.1", after=after.group(1)).text
    ids = [re.findall(r'scope="row">(many-\d+)<', page) for page in (first, following)]
    assert min(ids[1]) > max(ids[0])
