"""Validate: each fault is told by its own check, a clean file passes, and nothing is written."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from features.catalog import Catalog, Product
from features.database import open_database
from pipelines.presets.registry import PRESETS
from pipelines.validate import Check, ValidationReport, print_report, validate

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEADER = "type,occurred_at,user_id,product_id,quantity,price,order_id,message_id\n"
GOOD = [f"order_completed,2026-11-20T10:00:00Z,u{n},tea,1,{4 + n % 3},o{n},\n" for n in range(99)]


def checked(tmp_path: Path, *lines: str | bytes, catalog: Catalog | None = None) -> dict[str, Check]:
    """The checks by name, for a file of good rows and these lines."""
    content = b"".join(line if isinstance(line, bytes) else line.encode() for line in (HEADER, *GOOD, *lines))
    (tmp_path / "rows.csv").write_bytes(content)
    report = validate(tmp_path / "rows.csv", AT, catalog)
    assert report.rows == len(GOOD) + len(lines)
    return {check.name: check for check in report.checks}


def test_a_clean_file_passes(tmp_path: Path) -> None:
    catalog = Catalog(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"))
    catalog.upsert([Product(product_id="tea")], AT)
    found = checked(tmp_path, catalog=catalog)
    assert {check.verdict for check in found.values()} == {"PASS"}
    assert found["interactions"].count == len(GOOD)


ROW = "order_completed,2026-11-20T10:00:00Z,u1,tea,1,4,x1,"


@pytest.mark.parametrize(
    ("name", "lines", "count"),
    [
        ("encoding", [b"order_completed,2026-11-20T10:00:00Z,\xff,tea,1,4,x1,\n"], 1),
        ("structure", ["order_completed,2026-11-20T10:00:00Z\n"], 1),
        ("structure", ['"open,2026-11-20T10:00:00Z,u1,tea,1,4,x1,\n'], 1),
        ("types", [f"{ROW}\n".replace("order_completed", "order_dreamt")], 1),
        ("customers", [f"{ROW}\n".replace("u1", "")], 1),
        ("times", [f"{ROW}\n".replace("2026-11-20", "20.11.2026")], 1),
        ("future times", [f"{ROW}\n".replace("2026", "2027")], 1),
        ("quantities", [f"{ROW}\n".replace(",1,", ",-1,"), f"{ROW}\n".replace(",1,", ",some,")], 2),
        ("prices", [f"{ROW}\n".replace(",4,", ",-4,")], 1),
        ("orders", [f"{ROW}\n", f"{ROW}\n".replace("u1", "u2")], 2),
        ("other fields", [f"{ROW}\n".replace("tea", "")], 1),
        ("identical rows", [f"{ROW}\n"] * 3, 2),
        ("duplicate message ids", [f"product_viewed,2026-11-20,u1,tea,1,{price},,m1\n" for price in (4, 5, 6)], 2),
        ("price outliers", [f"{ROW}\n".replace(",4,", ",400,"), f"{ROW}\n".replace(",4,", ",0.1,")], 2),
    ],
)
def test_each_fault_is_told_by_its_own_check(name: str, lines: list[str | bytes], count: int, tmp_path: Path) -> None:
    found = checked(tmp_path, *lines)
    assert {each for each, check in found.items() if check.verdict != "PASS"} == {name, "unknown items"}
    assert (found[name].verdict, found[name].count) == ("WARN", count)
    assert found[name].examples


def test_many_faults_fail(tmp_path: Path) -> None:
    found = checked(tmp_path, *[f"{ROW}\n".replace("u1", "")] * 20)
    assert (found["customers"].verdict, found["customers"].count, found["customers"].total) == ("FAIL", 20, 119)
    assert len(found["customers"].examples) == 3
    assert found["customers"].examples[0].startswith("line 101: ")


def test_items_are_looked_up_in_the_catalogue(tmp_path: Path) -> None:
    assert checked(tmp_path)["unknown items"].verdict == "WARN"
    catalog = Catalog(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"))
    catalog.upsert([Product(product_id="milk")], AT)
    found = checked(tmp_path, catalog=catalog)["unknown items"]
    assert (found.verdict, found.count, found.total, found.examples) == ("FAIL", 1, 1, ("tea",))


def test_a_file_that_models_cannot_learn_from_fails(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("type,occurred_at,user_id\npage,2026-11-20,u1\n")
    report = validate(tmp_path / "rows.csv", AT)
    assert report.failed
    assert [check.name for check in report.checks if check.verdict == "FAIL"] == ["interactions"]


def test_missing_columns_fail_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("when,who\n1,2\n")
    report = validate(tmp_path / "rows.csv", AT)
    assert report.failed
    assert "type, occurred_at, user_id or anonymous_id; found: when, who" in report.checks[0].detail


def test_what_is_no_table_is_an_error_and_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        validate(tmp_path / "missing.csv", AT)
    (tmp_path / "rows.csv").write_text(HEADER)
    with pytest.raises(ValueError, match="unknown encoding"):
        validate(tmp_path / "rows.csv", AT, encoding="klingon")


def test_nothing_is_written(tmp_path: Path) -> None:
    checked(tmp_path, "broken\n")
    assert [file.name for file in tmp_path.iterdir()] == ["rows.csv"]


def test_publishers_files_are_checked_through_their_preset(tmp_path: Path) -> None:
    line = "2019-10-01 00:00:00 UTC,view,44600062,35.79,541312140,s1\n"
    (tmp_path / "rows.csv").write_text("event_time,event_type,product_id,price,user_id,user_session\n" + line)
    assert not validate(tmp_path / "rows.csv", AT, preset=PRESETS["rees46"]).failed


def test_the_report_prints_what_the_file_says_and_not_as_markup(tmp_path: Path) -> None:
    console = Console(record=True, width=150)
    check = Check("types", "WARN", 1, 2, "unknown type: 1", ("line 2: [red]oh[/nonsense]",))
    print_report(ValidationReport(tmp_path / "[b].csv", 2, (check,)), console)
    text = console.export_text()
    assert "WARN" in text
    assert "1 of 2, unknown type: 1" in text
    assert "[red]oh[/nonsense]" in text
