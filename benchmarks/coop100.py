"""A hundred customers of Coop Italy over seven and a half years: does the model hold elsewhere, and does a season help?

    python -m benchmarks.coop100 FOLDER       # coop100_lines.parquet and coop_categories_map.parquet

A unit is a sub-category of the marketing tree, its department the ward. Asked on twelve days of the last year, four
weeks apart, each followed for twelve weeks; labels of training end before the first of them. The data have a quantity
only as repeated lines, and no prices.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.restock import Sitting, named, purchases_of, sit
from benchmarks.season import Seasonal
from models.time_to_event.base import TimeToEvent
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.durations import HORIZON
from models.time_to_event.purchases import Purchases
from training.bootstrap import Interval
from training.replenishment.report import task_rows

DATA = "coop100, 100 customers, 2007 to 2014"
PROTOCOL = (
    "asked on twelve days of the last year, 28 apart, followed for 84 days; labels of training end before the first of "
    "them; pairs of customer and sub-category bought on two days or more, last at most 120 days ago; 95 % intervals by "
    "customer, 1,000 draws"
)
MEASURES = ("rmae", "concordance", "skill 14")
SEASONS: dict[str, Callable[[TimeToEvent], Seasonal]] = {"season": Seasonal, "level": partial(Seasonal, parts=1)}
"""The index of each unit by part of the year, and for comparison the same over the whole year. How many parts and how
much doubt were chosen a year before the days that are asked about."""
_DAYS_ASKED, _APART = 12, 28
_ORIGINS = 52
"""Four years of days to learn from, so that every part of the year was seen four times."""

app = typer.Typer(add_completion=False)
console = Console(width=220)


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="with coop100_lines.parquet and coop_categories_map.parquet")],
    ours: Annotated[str, typer.Option(help="the recipe that is to be ahead of BG/NBD")] = "hazard",
) -> None:
    """Measure, print, write."""
    purchases = read(folder)
    last = purchases.day - HORIZON
    asked = [last - _APART * back for back in reversed(range(_DAYS_ASKED))]
    origins = [min(asked) - 1 - _APART * ago for ago in range(_ORIGINS, 0, -1)]
    recipes = named()
    bases = {ours: recipes[ours], "BG/NBD": BGNBD()}
    seasonal = {f"{name}, {words}": recipe(base) for words, recipe in SEASONS.items() for name, base in bases.items()}
    sitting = sit(purchases, asked, origins, {**recipes, **seasonal})
    rng = np.random.default_rng(0)
    season, level = (f"{ours}, {words}" for words in SEASONS)
    above = {
        (one, other): {measure: sitting.timing.above(one, other, measure, rng) for measure in MEASURES}
        for one, other in ((ours, "BG/NBD"), (season, level), ("BG/NBD, season", "BG/NBD, level"))
    }
    must = "ahead of BG/NBD, interval above 0"
    found = [_claim(sitting, ours, "BG/NBD", *item, must) for item in above[ours, "BG/NBD"].items()]
    found += [_claim(sitting, season, level, *item, None) for item in above[season, level].items()]
    text = "\n".join(
        [
            f"{DATA}: {len(sitting.exam.pairs):,} pairs of {_DAYS_ASKED} days; {PROTOCOL}. {machine()}.",
            "",
            *task_rows(sitting.timing, "need", rng),
            "",
            _words(ours, list(above.values())),
        ]
    )
    console.print(text, markup=False)
    write(found, "replenishment", "coop100")
    replace_section(ROOT / "README.md", "coop100", text)


def read(folder: Path) -> Purchases:
    """Lines as purchases of sub-categories."""
    lines = pd.read_parquet(folder / "coop100_lines.parquet")
    tree = pd.read_parquet(folder / "coop_categories_map.parquet").set_index("COD_MKT_ID")
    lines = lines[lines.item_id.isin(tree.index)]
    place = tree.loc[lines.item_id].reset_index(drop=True)
    department = place.SETTORE + "|" + place.REPARTO
    unit = department + "|" + place.CATEGORIA + "|" + place.SOTTOCATEGORIA
    lines = lines.reset_index(drop=True)
    one = pd.Series(np.ones(len(lines)))
    return purchases_of(lines.customer_id, unit, department, lines.date, one, one * np.nan)


def _claim(sitting: Sitting, ours: str, other: str, measure: str, above: Interval, must: str | None) -> Claim:
    timing = sitting.timing
    names = {outcome.name for outcome in timing.outcomes} - {ours}
    return Claim(
        measure=f"{measure}, {ours} better than {other} by {above}",
        data=DATA,
        protocol=PROTOCOL,
        ours=timing.of(ours).mean(measure),
        interval=(above.low, above.high),
        baselines={name: timing.of(name).mean(measure) for name in sorted(names)},
        must=must,
        goal=None if must else "a season helps, interval above 0",
        met=above.low > 0 if must else None,
        seeds=(),
        cpu_seconds=sitting.fits[ours],
        machine=machine(),
        commit=commit(),
    )


def _words(ours: str, above: Sequence[Mapping[str, Interval]]) -> str:
    """In the order of `main`: against BG/NBD, a season of ours, a season of BG/NBD."""
    better, ours_season, its_season = (
        ", ".join(f"{name} {interval}" for name, interval in one.items()) for one in above
    )
    return (
        f"`{ours}` is better than BG/NBD by {better}. An index of the season against one of the level: "
        f"`{ours}` better by {ours_season}; BG/NBD by {its_season}."
    )


if __name__ == "__main__":
    app()
