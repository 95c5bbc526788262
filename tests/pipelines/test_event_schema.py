"""`docs/event-schema.md` is true: its tables are those of the code, and its examples import as they stand."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.catalog import Catalog
from features.database import open_database
from features.events import EVENT_TYPES, INTERACTION_WEIGHTS
from features.log import EVENTS, Log
from pipelines import catalog
from pipelines.catalog import import_catalog
from pipelines.event_rows import COLUMNS
from pipelines.ingest import ingest
from pipelines.presets.registry import PRESETS

PAGE = (Path(__file__).parents[2] / "docs/event-schema.md").read_text(encoding="utf-8")
AT = datetime(2026, 11, 21, tzinfo=UTC)


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """What stands in backquotes in the first cell of each row of the tables."""
    return [
        name for cell in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)
    ]


def example(name: str, folder: Path) -> Path:
    (folder / name).write_text(PAGE.split(f"<!-- example: {name} -->\n```csv\n")[1].split("```")[0], encoding="utf-8")
    return folder / name


def test_the_table_of_types_is_the_closed_set() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+?) \| (.*?) ?\| ([\d.]*) ?\| .+ \|$", section("The types"), re.MULTILINE)
    told = {
        name: (segment, tuple(re.findall(r"`(\w+)`", needs)), float(interest) if interest else None)
        for name, segment, needs, interest in rows
    }
    assert told == {
        kind.name: (
            kind.segment,
            tuple("product_id" if field == "lines" else field for field in kind.requires),
            INTERACTION_WEIGHTS.get(kind.name),
        )
        for kind in EVENT_TYPES.values()
    }
    assert list(told) == list(EVENT_TYPES)


def test_what_is_called_activity_counts_as_such() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (activity|kept)\b.* \|$", section("The types"), re.MULTILINE)
    assert {word for _, word in rows} == {"activity", "kept"}
    assert {name: EVENT_TYPES[name].activity for name, _ in rows} == {name: word == "activity" for name, word in rows}


def test_every_column_of_files_is_documented_and_no_other() -> None:
    told = first_cells(section("Files of events"))
    assert sorted(told) == sorted(COLUMNS)
    assert sorted(first_cells(section("Files of products"))) == sorted(catalog.COLUMNS)


def test_every_preset_is_documented_and_no_other() -> None:
    assert first_cells(section("Presets")) == list(PRESETS)


@pytest.mark.parametrize("reason", ["undecodable bytes", "broken quotes", "wrong column count", "broken JSON"])
def test_reasons_of_reading_are_documented(reason: str) -> None:
    assert reason in re.sub(r"\s+", " ", PAGE)


def test_the_examples_import_as_they_stand(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    report = ingest(example("events.csv", tmp_path), engine, AT)
    assert (report.rows, report.events, report.rejected) == (5, 4, {})
    types = [record.type for record in Log(engine, EVENTS).read()]
    assert types == ["products_searched", "product_viewed", "identified", "order_completed"]
    products = import_catalog(example("products.csv", tmp_path), engine, AT)
    assert (products.changed, products.rejected) == (2, {})
    assert Catalog(engine).read(["tea-100"])["tea-100"].attributes == {"origin": "Japan"}
