"""Products that nobody entered are named, those that somebody makes up fill no table."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from features.activity import Activity
from features.catalog import Catalog, Product
from features.log import EVENTS, Log
from features.unknown_items import unknown_items
from tests.features.counted import NOW, event, everything


def test_lines_are_looked_up_in_the_catalogue_and_the_unknown_are_named_until_they_are_known(engine: Engine) -> None:
    catalog, found = Catalog(engine), Activity(engine)
    catalog.upsert([Product(product_id="tea")], NOW)
    lines = [("tea", "ghost"), ("ghost", "шар"), ()]
    Log(engine, EVENTS).append([event(n, "product_viewed", timedelta(), 0, *ids) for n, ids in enumerate(lines)])
    everything(found)
    (tally,) = found.types("event")
    assert (tally.known_lines, tally.unknown_lines) == (1, 3)
    assert [(item.product_id, item.lines) for item in unknown_items(found.engine, 9)] == [("ghost", 2), ("шар", 1)]
    catalog.upsert([Product(product_id="ghost")], NOW)
    assert [item.product_id for item in unknown_items(found.engine, 9)] == ["шар"]


def test_made_up_ids_do_not_fill_the_table(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.unknown_items._KEPT", 5)
    often = [event(1_000 + n, "product_viewed", timedelta(), 0, "often") for n in range(3)]
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append(often)
    everything(found)
    log.append([event(n, "product_viewed", timedelta(), 0, f"x{n}") for n in range(40)])
    everything(found)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM unknown_item")).scalar() == 5
    assert unknown_items(found.engine, 1)[0].product_id == "often"
