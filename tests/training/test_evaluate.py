"""The exam is fair: the same customers and products for all, means that anyone can check by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from features.compute import NOBODY
from models.arrays import Floats, Ids, Mask
from models.recommenders.base import Query, Ranking
from models.recommenders.fallback import Fallback
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.top_k import Best, ranking
from tests.features.shop import bought, day, history_of
from tests.training.shop import exam_of, records, the_past
from training.baselines import BASELINES
from training.dataset import Exam, Holdout, exam
from training.evaluate import TASKS, evaluate
from training.splits import Fold


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    return exam_of(tmp_path_factory.mktemp("exam"), records())


@dataclass(frozen=True)
class Oracle:
    """Knows what each customer is going to buy, by the length and time of the history: what no model can."""

    holdout: Holdout
    name: str = "oracle"

    @property
    def item_ids(self) -> Ids:
        return self.holdout.item_ids

    @property
    def until(self) -> float:
        return self.holdout.split

    def recommend(self, queries: Sequence[Query], k: int, allow: Mask | None = None) -> Ranking:
        answers = []
        for row, query in enumerate(queries):
            (place,) = [n for n, other in enumerate(self.holdout.queries) if other is query]
            codes = self.holdout.targets[place]
            if allow is not None:
                codes = codes[allow[row][codes]]
            answers.append(Best(codes[:k].astype(np.int64), np.ones(len(codes[:k]))))
        return ranking(answers, k, self.item_ids, self.name)

    def similar(self, item_ids: Sequence[str], k: int, allow: Mask | None = None) -> Ranking:
        raise NotImplementedError

    def contributions(self, query: Query, item_ids: Sequence[str]) -> Floats:
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        return {}


def test_who_knows_the_answers_gets_full_marks(prepared: Exam) -> None:
    found = evaluate({"oracle": Oracle(prepared.holdout)}, {}, prepared.holdout)
    for task in TASKS:
        outcome = found.of("oracle", task)
        few = [len(codes) <= 10 for codes in prepared.holdout.targets]
        assert all(few)
        for measure in ("recall@10", "ndcg@10", "hit@10", "mrr@10"):
            assert outcome.mean(measure) == 1


def test_means_equal_a_loop_over_customers(prepared: Exam) -> None:
    model, holdout = RP3Beta().fit(prepared.train), prepared.holdout
    found = evaluate({"rp3beta": model}, {}, holdout)
    for task in TASKS:
        recalls = []
        for query, targets, seen in zip(holdout.queries, holdout.targets, holdout.seen, strict=True):
            wanted = set(holdout.item_ids[targets])
            allow = np.ones(len(holdout.item_ids), bool)
            if task == "new only":
                wanted -= set(holdout.item_ids[seen])
                allow[seen] = False
            if wanted:
                shown = {id_ for id_, _, _ in model.recommend([query], 10, allow).row(0)}
                recalls.append(len(wanted & shown) / len(wanted))
        assert found.of("rp3beta", task).values["recall@10"].tolist() == pytest.approx(recalls)


def test_taste_beats_popularity_and_everyone_sits_the_same_exam(prepared: Exam) -> None:
    baselines = {name: recipe.fit(prepared.train) for name, recipe in BASELINES.items()}
    found = evaluate({"fallback": Fallback().fit(prepared.train)}, baselines, prepared.holdout)
    rng = np.random.default_rng(0)
    assert found.above("fallback", "popular 30 d", "repeats allowed", "recall@10", rng).low > 0
    assert found.best_baseline("repeats allowed", "recall@10").name in baselines
    for task in TASKS:
        assert len({len(outcome.values["recall@10"]) for outcome in found.outcomes if outcome.task == task}) == 1


def test_a_model_fitted_earlier_on_fewer_products_sits_the_same_exam(prepared: Exam, tmp_path: Path) -> None:
    early = exam_of(tmp_path, [record for record in records() if '"p03"' not in record.payload]).train
    assert len(early.item_ids) < len(prepared.holdout.item_ids)
    models = {"early": Fallback().fit(replace(early, until=early.until - 0.0)), "now": Fallback().fit(prepared.train)}
    found = evaluate(models, {}, prepared.holdout)
    for task in TASKS:
        early_values, now_values = (found.of(name, task).values["recall@10"] for name in models)
        assert early_values.shape == now_values.shape
        assert early_values.mean() > 0


def test_asking_for_who_was_not_judged_names_those_who_were(prepared: Exam) -> None:
    found = evaluate({"popularity": Popularity().fit(prepared.train)}, {}, prepared.holdout)
    with pytest.raises(KeyError, match="popularity"):
        found.of("magic", "new only")


def test_progress_reaches_the_whole(prepared: Exam) -> None:
    steps: list[tuple[int, int]] = []
    evaluate({"popularity": Popularity().fit(prepared.train)}, {}, prepared.holdout, lambda *step: steps.append(step))
    assert steps == [(1, 2), (2, 2)]


def test_the_past_alone_is_no_exam(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="import a longer history"):
        exam_of(tmp_path, the_past(records()))


def test_cold_and_warm_are_told_apart_by_hand(tmp_path: Path) -> None:
    written = [
        *(bought("old", number, f"a{number}", "tea", "milk") for number in range(1, 6)),
        *(bought("more", number + 0.5, f"m{number}", "tea", "milk") for number in range(1, 6)),
        bought("new", 8, "b", "milk", "cake"),
        bought("old", 11, "c", "tea", "cake"),
        bought("new", 12, "d", "tea", "cake"),
        bought("more", 13, "e", "milk"),
    ]
    holdout = exam(history_of(tmp_path, written), NOBODY, Fold(day(10), day(20))).holdout
    assert dict(zip(holdout.item_ids, holdout.popularity, strict=True)) == {"cake": 1, "milk": 11, "tea": 10}
    assert holdout.orders is not None
    assert dict(zip(holdout.customer_ids, holdout.orders, strict=True)) == {"more": 5, "new": 1, "old": 5}
    found = evaluate({"oracle": Oracle(holdout)}, {}, holdout)
    repeats = found.of("oracle", "repeats allowed")
    assert {group: len(values["recall@10"]) for group, values in repeats.groups.items()} == {
        "cold customers": 1,
        "warm customers": 2,
        "cold products": 2,
        "warm products": 3,
    }
    assert all(values["recall@10"].min() == 1 for values in repeats.groups.values())
    # Codes sort as cake, milk, tea: for whoever bought two, the oracle shows cake first and the warm one second.
    assert repeats.groups["cold products"]["mrr@10"].tolist() == [1, 1]
    assert sorted(repeats.groups["warm products"]["mrr@10"]) == [0.5, 0.5, 1]
    fresh = found.of("oracle", "new only")
    assert {group: len(values["recall@10"]) for group, values in fresh.groups.items()} == {
        "cold customers": 1,
        "warm customers": 1,
        "cold products": 1,
        "warm products": 1,
    }


def test_groups_of_customers_need_to_know_their_orders(prepared: Exam) -> None:
    found = evaluate({}, {"popular": Popularity().fit(prepared.train)}, replace(prepared.holdout, orders=None))
    assert set(found.of("popular", "new only").groups) == {"cold products", "warm products"}
    assert found.of("popular", "new only").orders is None
