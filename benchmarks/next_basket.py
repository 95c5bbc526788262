"""The protocol of published next-basket tables: each customer's last basket is to be foreseen from those before it.

It is not a split by time: what others bought after it is learned from. So its figures stand beside published ones, and
nothing else is claimed of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.answered import Answered
from benchmarks.claim import Claim, commit, machine
from benchmarks.entrants import CHAMPION, OURS, SEEDS
from benchmarks.peer import lines_of
from benchmarks.peers.exchange import ranked
from benchmarks.peers.matrix import matrix
from models.arrays import Codes, Floats, Ids
from models.catalogue import Catalogue
from models.recommenders.base import Interactions, Query, Recommender
from models.recommenders.popularity import Popularity
from training.baselines import BuyAgain, PersonalFrequency, RecentlyBought
from training.bootstrap import Interval, paired
from training.dataset import Exam, Holdout
from training.evaluate import Evaluation, Task

ENTRANTS = {name: OURS[name] for name in (CHAMPION, "rp3beta", "item_item", "buy_again")}
TASK: Task = "repeats allowed"
MEASURES = ("recall@10", "ndcg@10")
_FOR_EVER = 1e6
_HISTORY = 500
"""As many of the latest lines as the service keeps of a customer; TIFUKNN and UPCF get all."""


@dataclass(frozen=True)
class Baskets:
    """Lines of baskets: codes of customers and items, and the day of the basket, by which baskets are told apart."""

    customers: Codes
    items: Codes
    days: Floats
    item_ids: Ids
    customer_ids: Ids
    catalogue: Catalogue = field(default_factory=Catalogue.bare)

    def sizes(self) -> NDArray[np.int64]:
        """The number of baskets of each customer."""
        cells = np.unique(np.column_stack([self.customers, self.days]), axis=0)[:, 0].astype(np.int64)
        return np.bincount(cells, minlength=len(self.customer_ids))

    def last(self) -> NDArray[np.bool_]:
        """Whether a line is in its customer's last basket."""
        newest = np.full(len(self.customer_ids), -np.inf)
        np.maximum.at(newest, self.customers, self.days)
        return np.asarray(self.days == newest[self.customers])

    def without_last(self) -> "Baskets":
        """The same, before the last baskets: what to tune on."""
        kept = ~self.last()
        return Baskets(
            self.customers[kept], self.items[kept], self.days[kept], self.item_ids, self.customer_ids, self.catalogue
        )


def exam(baskets: Baskets, asked: Codes) -> Exam:
    """Learn from all baskets but the last of each customer, and foresee the last ones of `asked`, whose time is known
    to the query, as it is to a shop."""
    last = baskets.last()
    days = np.full(len(baskets.customer_ids), -np.inf)
    np.maximum.at(days, baskets.customers, baskets.days)
    until = float(days.max())
    order = np.lexsort((baskets.items, baskets.days, baskets.customers))
    before = order[~last[order]]
    orders = np.unique(np.column_stack([baskets.customers, baskets.days])[before], axis=0, return_inverse=True)[1]
    train = Interactions(
        customers=baskets.customers[before],
        items=baskets.items[before],
        days=baskets.days[before],
        weights=np.ones(len(before)),
        item_ids=baskets.item_ids,
        customer_count=len(baskets.customer_ids),
        until=until,
        orders=orders.astype(np.int32),
        catalogue=baskets.catalogue,
    )
    bounds = np.searchsorted(train.customers, np.arange(len(baskets.customer_ids) + 1))
    mine = [slice(bounds[customer], bounds[customer + 1]) for customer in asked]
    truth = order[last[order]]
    ends = np.searchsorted(baskets.customers[truth], np.arange(len(baskets.customer_ids) + 1))
    targets = [np.unique(baskets.items[truth[ends[customer] : ends[customer + 1]]]) for customer in asked]
    holdout = Holdout(
        split=until,
        customer_ids=baskets.customer_ids[asked],
        queries=tuple(_query(float(days[customer]), train, span) for customer, span in zip(asked, mine, strict=True)),
        item_ids=baskets.item_ids,
        targets=tuple(targets),
        seen=tuple(np.unique(train.items[span]) for span in mine),
        popularity=np.bincount(train.items, minlength=len(baskets.item_ids)).astype(np.float64),
        orders=baskets.sizes()[asked].astype(np.int32) - 1,
    )
    return Exam(train, holdout)


def _query(day: float, train: Interactions, span: slice) -> Query:
    latest = slice(max(span.start, span.stop - _HISTORY), span.stop)
    return Query(day, train.item_ids[train.items[latest]], train.days[latest], train.weights[latest])


def baselines(half_life: float) -> dict[str, Recommender]:
    """The frequency baselines of published tables but P-TopFreq, and the recent; `half_life` in days."""
    return {
        "G-TopFreq": Popularity(half_life=None),
        "GP-TopFreq, ties by popularity": PersonalFrequency(window=_FOR_EVER),
        "recently bought": RecentlyBought(window=_FOR_EVER),
        "decayed frequency": BuyAgain(half_life=half_life, window=_FOR_EVER),
    }


def personal_top(prepared: Exam, asked: Codes) -> Answered:
    """P-TopFreq: what the customer bought in most baskets, and nothing else; ties by id."""
    lines = lines_of(prepared.train, asked)
    counts = matrix(lines)
    repeats, new = ranked(lines, lambda who: counts[who].toarray())
    holdout = prepared.holdout
    return Answered("P-TopFreq", holdout.item_ids, holdout.split, holdout.queries, repeats, new)


def whole_basket(evaluation: Evaluation, holdout: Holdout) -> Evaluation:
    """NDCG@10 over the ideal of the whole basket, though only ten can be shown, as the Reality Check has it: lower than
    ours, which is over the best ten, where a basket is larger. With repeats allowed; the new-only task keeps ours.

    Without it figures of Ta-Feng would look 5 % better beside published ones than they are.
    """
    sizes = np.array([len(codes) for codes in holdout.targets])
    ideal = np.cumsum(1 / np.log2(np.arange(2, sizes.max() + 2)))
    share = ideal[np.minimum(sizes, 10) - 1] / ideal[sizes - 1]
    outcomes = tuple(
        replace(outcome, values={**outcome.values, "ndcg@10": outcome.values["ndcg@10"] * share})
        if outcome.task == TASK
        else outcome
        for outcome in evaluation.outcomes
    )
    return Evaluation(outcomes, evaluation.baselines)


@dataclass(frozen=True)
class Bar:
    """What is owed and what is hoped for, by measure."""

    must: Mapping[str, float]
    goal: Mapping[str, float]


def claims(
    evaluation: Evaluation,
    bar: Bar,
    data: str,
    protocol: str,
    cpu: float,
    repeated: Floats | None = None,
    ours: str = CHAMPION,
) -> list[Claim]:
    """A row a measure: `ours` beside everybody else. `repeated` tells how many test sets a customer is in."""
    found = []
    for measure in MEASURES:
        reached = interval(evaluation, ours, measure, repeated)
        others = {each.name for each in evaluation.outcomes} - {ours}
        found.append(
            Claim(
                measure=measure,
                data=data,
                protocol=protocol,
                ours=reached.mean,
                interval=(reached.low, reached.high),
                baselines={name: interval(evaluation, name, measure, repeated).mean for name in sorted(others)},
                must=str(bar.must[measure]),
                goal=str(bar.goal[measure]),
                met=reached.mean >= bar.must[measure],
                seeds=SEEDS,
                cpu_seconds=round(cpu, 1),
                machine=machine(),
                commit=commit(),
            )
        )
    return found


def interval(
    evaluation: Evaluation, name: str, measure: str, repeated: Floats | None = None, other: str | None = None
) -> Interval:
    """The mean of `name`, or of its difference to `other`, with the interval of resampled customers."""
    values = evaluation.of(name, TASK).values[measure]
    beside = evaluation.of(other, TASK).values[measure] if other else np.zeros(len(values))
    share = repeated / repeated.mean() if repeated is not None else np.ones(len(values))
    return paired(values * share, beside * share, np.random.default_rng(0))


def table(
    evaluation: Evaluation,
    order: Sequence[str],
    spent: Mapping[str, float],
    repeated: Floats | None = None,
    ours: str = CHAMPION,
) -> str:
    """Recall and NDCG of everybody, with the interval of the difference of `ours` to each."""
    columns = ["Recall@10", "NDCG@10", "HitRate@10", "MRR@10", "new only, Recall@10", "fit, CPU-s", "query, CPU-ms"]
    lines = [f"| recommender | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for name in order:
        known = {each.name for each in evaluation.outcomes}
        if name not in known:
            continue
        cells = [f"`{name}`" if name in spent else name]
        for measure in (*MEASURES, "hit@10", "mrr@10"):
            cell = f"{interval(evaluation, name, measure, repeated).mean:.4f}"
            if measure in MEASURES and name != ours:
                ahead = interval(evaluation, ours, measure, repeated, name)
                cell += f" ({ahead.low:+.4f} to {ahead.high:+.4f})"
            cells.append(cell)
        asked = evaluation.of(name, TASK)
        cells += [
            f"{evaluation.of(name, 'new only').mean('recall@10'):.4f}",
            f"{spent[name]:.1f}" if name in spent else "",
            f"{asked.cpu_ms:.2f}" if asked.cpu_ms > 0.005 else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
