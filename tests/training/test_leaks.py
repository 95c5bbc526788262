"""The future stays out: whatever is done to it moves no model and no recommendation, and who has seen it is caught."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from features.log import Record, microseconds
from models.recommenders.base import FittedRecommender, Recommender
from models.recommenders.combinator import fit_all
from models.recommenders.fallback import Fallback
from models.recommenders.family import RECIPES
from tests.features.shop import bought, day, happened
from tests.training.shop import CUSTOMERS, END, FOLD, PRODUCTS, SPLIT, exam_of, occurred, records, the_past
from training.baselines import BASELINES
from training.dataset import Exam
from training.evaluate import Leak, evaluate
from training.reading import read

WRITTEN = records()


def shuffled(written: Sequence[Record]) -> list[Record]:
    """Every event after the split goes to another customer at another time after it."""
    rng = np.random.default_rng(1)
    return [
        record
        if occurred(record) < FOLD.split
        else replace(
            record,
            user_id=f"c{rng.integers(CUSTOMERS):02d}",
            occurred_at=microseconds(day(SPLIT + (END - SPLIT) * rng.random())),
        )
        for record in written
    ]


def another_future(written: Sequence[Record]) -> list[Record]:
    """Everybody buys everything at once, and takes back what he bought before."""
    everything = [f"p{code:02d}" for code in range(PRODUCTS)]
    splurge = [bought(f"c{code:02d}", SPLIT, f"all{code}", *everything) for code in range(CUSTOMERS)]
    regrets = [happened("order_cancelled", f"c{code:02d}", SPLIT + 1, order=f"o{code}") for code in range(200)]
    return [*the_past(written), *splurge, *regrets]


def dropped(written: Sequence[Record]) -> list[Record]:
    """One order remains, as an exam needs a question."""
    return [*the_past(written), bought("c00", SPLIT + 1, "last", "p00")]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    return exam_of(tmp_path_factory.mktemp("honest"), WRITTEN)


EVERYONE: list[Recommender] = [*(recipe() for recipe in RECIPES.values()), *BASELINES.values()]


@pytest.fixture(scope="module")
def fitted(honest: Exam) -> dict[Recommender, FittedRecommender]:
    return fit_all(EVERYONE, honest.train)


@pytest.mark.parametrize("tamper", [shuffled, another_future, dropped])
def test_nothing_that_happens_after_the_split_moves_a_model_or_an_answer(
    tamper: Callable[[Sequence[Record]], list[Record]],
    honest: Exam,
    fitted: dict[Recommender, FittedRecommender],
    tmp_path: Path,
) -> None:
    tampered = exam_of(tmp_path, tamper(WRITTEN))
    refitted = fit_all(EVERYONE, tampered.train)
    for recipe in EVERYONE:
        one, other = fitted[recipe], refitted[recipe]
        for name, array in one.arrays().items():
            assert np.array_equal(array, other.arrays()[name]), (recipe.name, name)
        known = dict(zip(honest.holdout.customer_ids, honest.holdout.queries, strict=True))
        compared = 0
        for customer, query in zip(tampered.holdout.customer_ids, tampered.holdout.queries, strict=True):
            if customer in known:
                mine, its = one.recommend([known[customer]], 5), other.recommend([query], 5)
                assert mine.row(0) == its.row(0)
                compared += 1
        assert compared


def test_a_model_that_was_given_the_test_period_is_caught(tmp_path: Path) -> None:
    cheated = exam_of(tmp_path, WRITTEN)
    everything = read(tmp_path, NOBODY, FOLD.until).data
    cheat: FittedRecommender = Fallback().fit(everything)
    with pytest.raises(Leak, match="it has seen what it is to foresee"):
        evaluate({"cheat": cheat}, {}, cheated.holdout)
    assert evaluate({"honest": Fallback().fit(cheated.train)}, {}, cheated.holdout).outcomes


def test_an_end_before_the_data_cannot_be_claimed(honest: Exam) -> None:
    with pytest.raises(ValueError, match="lies after until"):
        replace(honest.train, until=honest.train.days.max() - 1)
