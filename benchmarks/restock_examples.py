"""Three households' carts on Complete Journey, with names and dates, beside what they then bought: for the eye.

    make demo                             # once: the history and the catalogue
    python -m benchmarks.restock_examples

Fits the default recipe on what was known at the end of 2017-10-08, prepares the carts by the service's own code, and
writes them, with what was bought in the two weeks after, into `docs/restock.md`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import typer

from benchmarks.claim import ROOT, replace_section
from features.catalog import Catalog
from features.database import open_database
from features.identity import Identities
from features.purchases import last_day
from models.arrays import Ids, codes_of
from models.catalogue import Catalogue
from models.time_to_event.forecast import Forecasts
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from pipelines.refresh import catalogue, end_of_history
from pipelines.settings import Settings
from serving.bundle import Shelf
from serving.restock.choice import Line, chosen
from serving.restock.taught import Taught
from serving.restock.wording import NO_PAST, restock_wording
from training.replenishment.lines import lines_of

PAGE = ROOT.parent / "docs/restock.md"
AS_OF = datetime(2017, 10, 9, tzinfo=UTC)
AFTER = 14
ITEMS = 12
HOUSEHOLDS = {"733": "feeds several cats", "1839": "has a baby", "947": "has a dog"}

_EPOCH = date(1970, 1, 1)
_LISTED = 6


def main() -> None:
    """Fit, prepare, compare, write."""
    settings = Settings()
    identities = Identities(open_database(settings.database_url)).table()
    lines, customer_ids = lines_of(settings.history, identities, end_of_history(settings), work=settings.work)
    today = last_day(AS_OF)
    known = catalogue(settings, AS_OF)
    model = Replenishment().fit(lines.until(today), known)
    shelf = Shelf().following(Catalog(open_database(settings.database_url)).changed_since(0))
    text = "\n".join(
        line
        for household, known_for in HOUSEHOLDS.items()
        for line in _section(household, known_for, model, _of(lines, customer_ids, household), known, shelf)
    )
    typer.echo(text)
    replace_section(PAGE, "examples", text)


def _of(lines: Lines, customer_ids: Ids, household: str) -> Lines:
    """The lines of one household, as its only customer."""
    rows = lines.customers == codes_of([household], customer_ids)[0]
    zeros = np.zeros(int(rows.sum()), np.int32)
    columns = (lines.products[rows], lines.days[rows], lines.packs[rows], lines.prices[rows])
    return Lines(zeros, *columns, lines.product_ids, 1, lines.day)


def _section(
    household: str, known_for: str, model: FittedReplenishment, own: Lines, known: Catalogue, shelf: Shelf
) -> Iterator[str]:
    today = last_day(AS_OF)
    found = model.forecast(own.until(today), today)
    choice = chosen(found, model.groups, shelf, Taught(), ITEMS)
    later = own.days > today
    later &= own.days <= today + AFTER
    trips = sorted({int(day) for day in own.days[later]})
    bought = _bought(model, own, later, known)
    yield f"### Household {household}, which {known_for}"
    yield ""
    yield (
        f"{int(found.known.sum())} of the {len(found)} groups that it ever bought have a forecast. "
        f"{_next(choice.wait, today)} It shopped on {', '.join(map(_date, trips)) or 'no day of the two weeks'}."
    )
    yield ""
    yield "| in the cart | packs | probability | why | last bought | then bought |"
    yield "|---|---:|---:|---|---|---|"
    words = restock_wording("en")
    for line in choice.lines:
        last = _last(found, line, today)
        yield (
            f"| {_name(line.product_id, known)} | {line.quantity} | {line.probability:.0%} | "
            f"{words.reason(line.reason, NO_PAST)} | {last} | {bought.get(line.unit_id, 'no')} |"
        )
    hits = sum(line.unit_id in bought for line in choice.lines)
    cart = {line.unit_id for line in choice.lines}
    missed = [unit for unit in bought if unit not in cart and unit in set(found.unit_ids[found.known])]
    yield ""
    yield (
        f"{hits} of {len(choice.lines)} were bought within two weeks. Of what it bought then and had a forecast for, "
        f"{len(missed)} groups were not in the cart"
        + (f", such as {', '.join(_leaf(unit) for unit in missed[:_LISTED])}." if missed else ".")
    )
    yield ""


def _bought(model: FittedReplenishment, own: Lines, later: np.ndarray, known: Catalogue) -> dict[str, str]:
    """What was bought of each group, with its first date, in the order of dates."""
    found: dict[str, str] = {}
    for row in np.flatnonzero(later)[np.argsort(own.days[later], kind="stable")]:
        product = str(own.product_ids[own.products[row]])
        code = int(codes_of([product], model.groups.product_ids)[0])
        unit = int(model.groups.units[code]) if code >= 0 else -1
        if unit >= 0:
            told = f"{_date(int(own.days[row]))}: {own.packs[row]:g} {_name(product, known)}"
            found.setdefault(str(model.groups.unit_ids[unit]), told)
    return found


def _last(found: Forecasts, line: Line, today: int) -> str:
    row = int(np.flatnonzero(found.unit_ids == line.unit_id)[0])
    return f"{_date(today - int(found.evidence['elapsed'][row]))}, {found.evidence['purchases'][row]:.0f} times so far"


def _next(wait: int | None, today: int) -> str:
    return (
        f"The next order was expected on {_date(today + wait)}." if wait is not None else "No next order was expected."
    )


def _name(product_id: str, known: Catalogue) -> str:
    title = known.text("title", np.array([product_id], object))[0]
    return str(title or product_id).replace("|", "/")


def _leaf(unit: str) -> str:
    return unit.rpartition("/")[2].replace("|", ", ").lower()


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%m-%d")


if __name__ == "__main__":
    typer.run(main)
