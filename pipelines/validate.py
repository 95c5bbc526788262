"""The verb `validate`: what is good and bad about a file of events, found without writing anything.

The checks learn from Metarank's `validate`: each has a name, a verdict, and examples to look at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.markup import escape

from features.catalog import Catalog
from features.events import INTERACTION_WEIGHTS
from pipelines.event_rows import TWO_CURRENCIES, TWO_CUSTOMERS, MissingColumns, Progress, stage
from pipelines.files import File
from pipelines.presets.base import Preset, source_of
from pipelines.tabular import scratch
from pipelines.text_rows import BROKEN_JSON, BROKEN_QUOTES, UNDECODABLE, WRONG_COLUMN_COUNT

Verdict = Literal["PASS", "WARN", "FAIL"]

_EXAMPLES = 3
_MANY = 0.05
_OUTLIER = 20.0

_GROUPS: dict[str, Sequence[str]] = {
    "encoding": (UNDECODABLE, "NUL character"),
    "structure": (WRONG_COLUMN_COUNT, BROKEN_QUOTES, BROKEN_JSON),
    "types": ("unknown type",),
    "customers": ("no customer id",),
    "times": ("no time", "unreadable time", "time before 1970"),
    "future times": ("time in the future",),
    "quantities": ("quantity zero or negative", "quantity above 1e9", "unreadable quantity"),
    "prices": ("negative price", "unreadable price", "unreadable currency"),
    "orders": (TWO_CUSTOMERS, TWO_CURRENCIES),
}
"""The reasons for which rows are rejected, by the check that tells of them; all others are told as `other fields`."""


@dataclass(frozen=True)
class Check:
    """One finding: how many of `total` are concerned, in words, with examples. PASS when there is nothing to tell."""

    name: str
    verdict: Verdict
    count: int
    total: int
    detail: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class ValidationReport:
    """What was looked at and found. A FAIL is data that training would miss or be misled by; a WARN is worth a look."""

    path: File
    rows: int
    checks: tuple[Check, ...]

    @property
    def failed(self) -> bool:
        """Whether any check failed."""
        return any(check.verdict == "FAIL" for check in self.checks)


def validate(
    path: File | None,
    at: datetime,
    catalog: Catalog | None = None,
    preset: Preset | None = None,
    encoding: str = "utf-8",
    progress: Progress | None = None,
) -> ValidationReport:
    """Check the events in `path` as `ingest` would read them at the time `at`; items are looked up in `catalog`."""
    source = source_of(path, preset, lambda known: known.events)
    with scratch() as connection:
        try:
            staged = stage(connection, source, at, preset.events if preset else None, encoding, progress=progress)
        except MissingColumns as error:
            return ValidationReport(source, 0, (Check("columns", "FAIL", 1, 1, str(error)),))
        columns = Check("columns", "PASS", 0, 0, ", ".join(staged.columns))
        checks = [columns, *_rejects(connection, staged.rows), *_accepted(connection, catalog)]
        return ValidationReport(source, staged.rows, tuple(checks))


def print_report(report: ValidationReport, console: Console) -> None:
    """The report for a person: a line a check, and the examples of those that did not pass."""
    colours = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}
    console.print(f"[bold]{escape(str(report.path))}[/]: {report.rows:,} rows")
    for check in report.checks:
        count = f"{check.count:,} of {check.total:,}, " if check.count else ""
        verdict = f"[{colours[check.verdict]}]{check.verdict}[/]"
        console.print(f"{verdict}  {check.name:<22}{count}{escape(check.detail)}")
        for example in check.examples if check.verdict != "PASS" else ():
            console.print(f"        {escape(example)}", style="dim")


def _verdict(count: int, total: int) -> Verdict:
    """Some bad rows are life; more than one in twenty is a fault in how the file is made."""
    return "PASS" if not count else "WARN" if count <= _MANY * total else "FAIL"


def _rejects(connection: duckdb.DuckDBPyConnection, rows: int) -> Iterator[Check]:
    query = """
        SELECT reason, count(*), min_by('line ' || line || ': ' || left(raw, 200), line, ?)
        FROM staged WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason
    """
    found = {reason: (n, examples) for reason, n, examples in connection.execute(query, [_EXAMPLES]).fetchall()}
    told = {reason for reasons in _GROUPS.values() for reason in reasons}
    others = [reason for reason in found if reason not in told]
    for name, reasons in (_GROUPS | {"other fields": others}).items():
        here = [(reason, *found[reason]) for reason in reasons if reason in found]
        count = sum(n for _, n, _ in here)
        detail = "; ".join(f"{reason}: {n:,}" for reason, n, _ in here) or "nothing is wrong"
        yield Check(name, _verdict(count, rows), count, rows, detail, tuple(e for *_, each in here for e in each))


def _accepted(connection: duckdb.DuckDBPyConnection, catalog: Catalog | None) -> Iterator[Check]:
    """Checks over rows that would get in."""
    ((rows,),) = connection.execute("SELECT count(*) FROM staged WHERE reason IS NULL").fetchall()
    for name, detail, query in _FINDINGS:
        count, examples = _find(connection, query)
        yield Check(name, "WARN" if count else "PASS", count, rows, detail if count else "none", examples)
    learnable = ", ".join(f"'{name}'" for name in INTERACTION_WEIGHTS)
    ((count, types),) = connection.execute(f"""
        SELECT count(*) FILTER (type IN ({learnable})), string_agg(DISTINCT type, ', ' ORDER BY type)
        FROM staged WHERE reason IS NULL
    """).fetchall()
    detail = f"rows that models learn from, of the types {types or 'none'}"
    yield Check("interactions", "PASS" if count else "FAIL", count, rows, detail)
    yield _unknown_items(connection, catalog)


_ACCEPTED = "FROM staged WHERE reason IS NULL"
_FINDINGS = (
    (
        "duplicate message ids",
        "rows whose message_id an earlier row has; only the first of them counts",
        f"""SELECT message_id AS example, count(*) - 1 AS n {_ACCEPTED} AND type <> 'order_completed'
            GROUP BY message_id HAVING message_id IS NOT NULL AND n > 0""",
    ),
    (
        "identical rows",
        "rows that say the same as another one, and count again; a message_id would tell whether they should",
        f"""SELECT 'line ' || first || ' and ' || last AS example, rows - 1 AS n
            FROM (SELECT * EXCLUDE (line, reason, raw), min(line) AS first, max(line) AS last, count(*) AS rows
                {_ACCEPTED} AND message_id IS NULL GROUP BY ALL)
            WHERE n > 0""",
    ),
    (
        "price outliers",
        f"rows whose price is over {_OUTLIER:.0f} times the median of their product, or under a {_OUTLIER:.0f}th of it",
        f"""SELECT 'line ' || line || ': ' || product_id || ' at ' || price || ', median ' || median AS example, 1 AS n
            FROM (SELECT *, median(price) FILTER (price > 0) OVER (PARTITION BY product_id, currency) AS median
                {_ACCEPTED} AND price IS NOT NULL)
            WHERE price > {_OUTLIER} * median OR (price > 0 AND price < median / {_OUTLIER})""",
    ),
)
"""Name, what it means, and SQL for groups of rows: an example, and how many rows it stands for."""


def _find(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, tuple[str, ...]]:
    found = f"SELECT coalesce(sum(n), 0), max_by(example, (n, example), {_EXAMPLES}) FROM ({query})"
    ((count, examples),) = connection.execute(found).fetchall()
    return int(count), tuple(examples or ())


def _unknown_items(connection: duckdb.DuckDBPyConnection, catalog: Catalog | None) -> Check:
    known = [product.product_id for product in catalog.all()] if catalog is not None else []
    ((total,),) = connection.execute(f"SELECT count(DISTINCT product_id) {_ACCEPTED}").fetchall()
    if not known:
        return Check("unknown items", "WARN", 0, total, "there is no catalogue to compare with; import one first")
    connection.register("known", pa.table({"product_id": pa.array(known, pa.string())}))
    count, examples = _find(
        connection,
        f"""SELECT product_id AS example, 1 AS n FROM (SELECT DISTINCT product_id {_ACCEPTED})
            WHERE product_id NOT IN (SELECT product_id FROM known)""",
    )
    return Check("unknown items", _verdict(count, total), count, total, "products that the catalogue lacks", examples)
