"""The customers of a segment as CSV: streamed, bounded, safe to open in a spreadsheet, and written down.

Who is in a segment follows from the report's edges and the tables that it was made of, so the rows are those that it
counted, but for those whom lists of people to write to leave out: that is what such a file is taken for.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from starlette.responses import StreamingResponse

from features.customer_segments import (
    CUSTOMER_COLUMNS,
    FORECAST_COLUMNS,
    WITHOUT_ORDER,
    customers_of,
    decile_key,
    deciles,
    forecast_of,
    keys,
)
from features.person import person_of
from features.reports.segments import Edges, Segments
from features.snapshots import as_of
from serving.problems import InvalidField, Refused
from serving.reports.kept import kept
from serving.resources import Resources

MOST = 100_000
"""Customers of one export."""

_BATCH = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How cells begin that spreadsheets compute: also the wide forms of the signs."""


def exported(resources: Resources, segment: str, limit: int, actor: str, role: str) -> StreamingResponse:
    """The file of a segment, at most `limit` rows, for whoever `actor` is: it is written down before it is sent.

    Raises `Refused` for a segment that the report does not have, and where its tables are gone.
    """
    report = kept(resources, "segments", "", Segments)
    sizes = {
        **{cell.key: cell.customers for cell in report.cells},
        **{decile.key: decile.customers for decile in report.deciles},
        WITHOUT_ORDER: report.without_order,
    }
    if segment not in sizes:
        told = f"no segment has the key {segment!r}; the report has {', '.join(sizes)}"
        raise Refused("validation_error", told, [InvalidField(pointer="/segment", code="unknown", detail=told)])
    forecast = segment.startswith(decile_key(0)[:-1])
    view, made = ("customer_restock", report.forecast_as_of) if forecast else ("customer", report.table_as_of)
    path = _table(resources, view, made)
    told = f"{min(sizes[segment], limit)} customers at most"  # of whom those are left out who are not to be written to
    resources.acts.write(resources.clock(), actor, role, "exported", segment, told)
    headers = {
        "Content-Disposition": f'attachment; filename="{segment}.csv"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    lines = _lines(resources, path, segment, report.edges, forecast, limit)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def cell(text: str) -> str:
    """A text as a spreadsheet may have it: what would be computed gets an apostrophe before it.

    >>> cell('=HYPERLINK("https://elsewhere.example")'), cell(" @SUM(1)"), cell("ann-7")
    ('\\'=HYPERLINK("https://elsewhere.example")', "' @SUM(1)", 'ann-7')
    """
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _table(resources: Resources, view: str, made: datetime | None) -> Path:
    folder = resources.settings.feature_data
    found = [path for path in (folder / view).glob("*.parquet") if as_of(path) == made]
    if not found:
        told = "the tables that the report was made of are gone; `python -m pipelines report segments` makes it anew"
        raise Refused("not_found", told)
    return found[0]


def _lines(resources: Resources, path: Path, segment: str, edges: Edges, forecast: bool, limit: int) -> Iterator[bytes]:
    columns = FORECAST_COLUMNS if forecast else CUSTOMER_COLUMNS
    yield _csv([columns])
    left = limit
    with pq.ParquetFile(path) as table:
        for batch in table.iter_batches(_BATCH, columns=list(columns)):
            part = pa.Table.from_batches([batch]).select(columns)
            inside = part.filter(pa.array(_inside(part, segment, edges, forecast)))
            ids, *values = (inside[name].to_pylist() for name in columns)
            out = resources.privacy.unlisted([person_of(id_) for id_ in ids])
            rows = [
                (cell(id_), *("" if one is None else round(one, 4) for one in of))
                for gone, id_, *of in zip(out, ids, *values, strict=True)
                if not gone
            ][:left]
            left -= len(rows)
            if rows:
                yield _csv(rows)
            if not left:
                return


def _inside(part: pa.Table, segment: str, edges: Edges, forecast: bool) -> NDArray[np.bool_]:
    if forecast:
        return np.array([decile_key(number) == segment for number in deciles(forecast_of(part), edges).tolist()], bool)
    return np.asarray(keys(customers_of(part), edges) == segment, bool)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
