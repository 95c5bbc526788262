"""Our own recommenders as the benchmarks of next purchases enter them: the tuned defaults, the same on all data."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import Floats
from models.recommenders.als import ALS
from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.bought_together import BoughtTogether
from models.recommenders.buy_again import BuyAgain
from models.recommenders.item_item import ItemItem
from models.recommenders.popularity import Popularity
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.two_stage import TwoStage
from training.evaluate import Evaluation, Outcome, Task

SEEDS = (7, 8, 9)
CHAMPION = "two_stage"
OURS: dict[str, Sequence[Recommender]] = {
    CHAMPION: tuple(TwoStage(seed=seed) for seed in SEEDS),
    "rp3beta": (RP3Beta(),),
    "item_item": (ItemItem(),),
    "als": tuple(ALS(seed=seed) for seed in SEEDS),
    "bought_together": (BoughtTogether(),),
    "buy_again": (BuyAgain(),),
    "recently_viewed": (RecentlyViewed(),),
    "popularity": (Popularity(),),
}
"""By name, one recipe a seed where there is chance. EASE is not among them: it inverts a matrix over all
products, which takes minutes at 19,000 and is refused at 65,000."""


@dataclass(frozen=True)
class Fitted:
    """Models by `name/seed`, and the CPU-seconds that one fit took by name."""

    models: Mapping[str, FittedRecommender]
    cpu_seconds: Mapping[str, float]


def fit(train: Interactions, entrants: Mapping[str, Sequence[Recommender]] = OURS) -> Fitted:
    """Fit every recipe."""
    models: dict[str, FittedRecommender] = {}
    spent = {}
    for name, recipes in entrants.items():
        started = time.process_time()
        models |= {f"{name}/{place}": recipe.fit(train) for place, recipe in enumerate(recipes)}
        spent[name] = (time.process_time() - started) / len(recipes)
    return Fitted(models, spent)


def over_seeds(evaluation: Evaluation) -> Evaluation:
    """Outcomes named `model/seed` as one: for each customer the mean over seeds."""
    grouped: dict[tuple[str, Task], list[Outcome]] = {}
    for outcome in evaluation.outcomes:
        grouped.setdefault((outcome.name.partition("/")[0], outcome.task), []).append(outcome)
    merged = [
        replace(
            outcomes[0],
            name=name,
            values=_means([outcome.values for outcome in outcomes]),
            groups={group: _means([outcome.groups[group] for outcome in outcomes]) for group in outcomes[0].groups},
            cpu_ms=float(np.mean([outcome.cpu_ms for outcome in outcomes])),
        )
        for (name, _), outcomes in grouped.items()
    ]
    return Evaluation(tuple(merged), evaluation.baselines)


def _means(values: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {measure: np.mean([each[measure] for each in values], axis=0) for measure in values[0]}
