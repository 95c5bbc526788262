"""Judging recommenders on what customers went on to buy: full ranking, the same customers for all, baselines beside.

Each is judged twice: with everything allowed, as most of what people buy they bought before, and on what was new to
each customer alone; and apart for those of whom, and for products of which, little was known.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from models.arrays import Codes, Floats, Mask, codes_of
from models.recommenders.base import FittedRecommender
from training.bootstrap import Interval, paired
from training.dataset import Holdout
from training.metrics.ranking import Counts, Hits, coverage, hit_rate, ndcg, popularity_lift, recall, reciprocal_rank

Task = Literal["repeats allowed", "new only"]
TASKS: tuple[Task, ...] = get_args(Task)
Group = Literal["cold customers", "warm customers", "cold products", "warm products"]
GROUPS: tuple[Group, ...] = get_args(Group)
COLD_ORDERS = 5
"""A customer with fewer orders than this before the split is cold."""
COLD_INTERACTIONS = 10
"""A product with fewer interactions than this before the split is cold."""
DEPTHS = (10, 20)
_CHUNK = 128
_NOTHING = np.empty(0, np.int32)


class Leak(ValueError):
    """A model that has seen what it is to foresee."""


@dataclass(frozen=True)
class Outcome:
    """How one recommender did at one task: `values` per customer by measure, e.g. `recall@10`.

    `groups` hold the same for parts: those customers alone, or all who bought such products with these alone to be
    found, still among everything. `orders` of each customer before the split, where they are known.
    """

    name: str
    task: Task
    values: Mapping[str, Floats]
    coverage: float
    popularity_lift: float
    cpu_ms: float
    groups: Mapping[Group, Mapping[str, Floats]] = field(default_factory=dict)
    orders: Codes | None = None

    def mean(self, measure: str) -> float:
        """The mean over customers; NaN where the task asked nobody."""
        return mean(self.values[measure])


@dataclass(frozen=True)
class Evaluation:
    """The outcomes of all, and who of them are the baselines."""

    outcomes: tuple[Outcome, ...]
    baselines: tuple[str, ...]

    def of(self, name: str, task: Task) -> Outcome:
        """One outcome. Raises KeyError that names those there are."""
        for outcome in self.outcomes:
            if (outcome.name, outcome.task) == (name, task):
                return outcome
        raise KeyError(f"no {name!r} among {sorted({outcome.name for outcome in self.outcomes})}")

    def best_baseline(self, task: Task, measure: str) -> Outcome:
        """The baseline to beat: the highest mean."""
        return max((self.of(name, task) for name in self.baselines), key=lambda outcome: outcome.mean(measure))

    def above(self, name: str, other: str, task: Task, measure: str, rng: np.random.Generator) -> Interval:
        """How far `name` lies above `other`, with its interval."""
        return paired(self.of(name, task).values[measure], self.of(other, task).values[measure], rng)


def mean(values: Floats) -> float:
    """The mean of `values`, NaN when there are none.

    >>> mean(np.array([0.0, 1.0])), mean(np.array([]))
    (0.5, nan)
    """
    return float(values.mean()) if len(values) else float("nan")


def evaluate(
    models: Mapping[str, FittedRecommender],
    baselines: Mapping[str, FittedRecommender],
    holdout: Holdout,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Evaluation:
    """Ask every model for every customer of `holdout`, at both tasks.

    `progress` gets what is done and the whole, in models times tasks. Raises Leak for a model that learned from days
    after the split. A model may know other products than the holdout, as one that was fitted earlier does.
    """
    entrants = {**models, **baselines}
    for name, model in entrants.items():
        if model.until > holdout.split:
            raise Leak(
                f"{name} learned until day {model.until:.3f}, the split is day {holdout.split:.3f}: it has seen what "
                "it is to foresee; fit its recipe on the interactions before the split"
            )
    outcomes = []
    for name, model in entrants.items():
        for task in TASKS:
            outcomes.append(_judge(name, model, task, holdout))
            progress(len(outcomes), len(entrants) * len(TASKS))
    return Evaluation(tuple(outcomes), tuple(baselines))


def _judge(name: str, model: FittedRecommender, task: Task, holdout: Holdout) -> Outcome:
    targets = _targets(task, holdout)
    rows = [row for row, codes in enumerate(targets) if len(codes)]
    shown = np.full((len(rows), max(DEPTHS)), -1, np.int32)
    hits = np.zeros(shown.shape, bool)
    spent = 0.0
    places = codes_of(model.item_ids, holdout.item_ids)
    for chunk in _chunks(len(rows)):
        asked = [rows[place] for place in chunk]
        queries = [holdout.queries[row] for row in asked]
        allow = None if task == "repeats allowed" else _unseen(holdout, asked)[:, places] & (places >= 0)
        started = time.process_time()
        answer = model.recommend(queries, max(DEPTHS), allow)
        spent += time.process_time() - started
        for place, row, ids in zip(chunk, asked, answer.ids, strict=True):
            found = ids[ids != None]  # noqa: E711  elementwise
            shown[place, : len(found)] = codes_of(found, holdout.item_ids)
            hits[place] = np.isin(shown[place], targets[row])
    wanted = [targets[row] for row in rows]
    values = _measures(hits, _counts(wanted))
    orders = None if holdout.orders is None else holdout.orders[rows]
    return Outcome(
        name=name,
        task=task,
        values=values,
        coverage=coverage(shown[:, : DEPTHS[0]], len(holdout.item_ids)),
        popularity_lift=popularity_lift(shown[:, : DEPTHS[0]], holdout.popularity, np.concatenate([_NOTHING, *wanted])),
        cpu_ms=1e3 * spent / max(len(rows), 1),
        groups=_of_customers(values, orders) | _of_products(shown, hits, wanted, holdout.popularity),
        orders=orders,
    )


def _of_customers(values: Mapping[str, Floats], orders: Codes | None) -> dict[Group, Mapping[str, Floats]]:
    if orders is None:
        return {}
    cold = orders < COLD_ORDERS
    parts: dict[Group, Mask] = {"cold customers": cold, "warm customers": ~cold}
    return {group: {measure: of[part] for measure, of in values.items()} for group, part in parts.items()}


def _of_products(
    shown: Codes, hits: Hits, wanted: Sequence[Codes], popularity: Floats
) -> dict[Group, Mapping[str, Floats]]:
    cold = popularity < COLD_INTERACTIONS
    parts: dict[Group, Mask] = {"cold products": cold, "warm products": ~cold}
    found: dict[Group, Mapping[str, Floats]] = {}
    for group, part in parts.items():
        counts = _counts([codes[part[codes]] for codes in wanted])
        asked = counts > 0
        found[group] = _measures((hits & part[shown])[asked], counts[asked])
    return found


def _counts(wanted: Sequence[Codes]) -> Counts:
    return np.array([len(codes) for codes in wanted], np.int64)


def _measures(hits: Hits, counts: Counts) -> dict[str, Floats]:
    values = {}
    for k in DEPTHS:
        values[f"recall@{k}"] = recall(hits, counts, k)
        values[f"ndcg@{k}"] = ndcg(hits, counts, k)
        values[f"hit@{k}"] = hit_rate(hits, k)
        values[f"mrr@{k}"] = reciprocal_rank(hits, k)
    return values


def _targets(task: Task, holdout: Holdout) -> Sequence[Codes]:
    if task == "repeats allowed":
        return holdout.targets
    return [np.setdiff1d(bought, seen) for bought, seen in zip(holdout.targets, holdout.seen, strict=True)]


def _unseen(holdout: Holdout, rows: Sequence[int]) -> Mask:
    allow = np.ones((len(rows), len(holdout.item_ids)), bool)
    for place, row in enumerate(rows):
        allow[place, holdout.seen[row]] = False
    return allow


def _chunks(count: int) -> Iterator[range]:
    for start in range(0, count, _CHUNK):
        yield range(start, min(start + _CHUNK, count))
