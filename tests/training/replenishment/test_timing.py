"""Everybody is judged on the same pairs by what is known, and whoever has seen the future is caught."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from features.not_yet import NotYet, TooLittleYet
from models.arrays import Floats, Ids
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.pairs import Pairs
from models.time_to_event.replenishment import Replenishment
from tests.training.restock import DAYS, FIRST, catalogue, lines
from training.evaluate import Leak
from training.replenishment.baselines import BASELINES, Constant, frequencies
from training.replenishment.exam import Exam, contest, exam
from training.replenishment.timing import ALL, STRATA, Timing, judge_timing, strata

RECIPE = Replenishment(need=BGNBD(), trips=MeanInterval())


@pytest.fixture(scope="module")
def judged() -> Exam:
    return exam(lines(), catalogue(), RECIPE)


@pytest.fixture(scope="module")
def timing(judged: Exam) -> Timing:
    return contest(judged, {"candidate": RECIPE})


@dataclass(frozen=True)
class Told:
    """Somebody who knows when each pair comes back."""

    durations: Durations
    day: int
    unit_ids: Ids
    name: ClassVar[str] = "told"

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        assert len(pairs) == len(self.durations.times)
        due = np.where(self.durations.observed, self.durations.times, np.inf)
        return (horizons[None, :] < due[:, None]).astype(np.float64)

    def arrays(self) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
        return {}


def test_the_days_of_asking_lie_twelve_weeks_before_the_end_and_nobody_learns_from_them(judged: Exam) -> None:
    last = FIRST + DAYS - 1
    assert judged.asked == (last - 112, last - 84)
    assert judged.split == last - 113
    for known in judged.known.values():
        assert known.purchases.day == judged.split
        assert known.purchases.days.max() <= judged.split
        assert (known.pairs.days + known.times).max() <= judged.split
    for future in judged.future.values():
        assert set(np.unique(future.pairs.days)) == set(judged.asked)
        assert (future.times[~future.observed] == HORIZON).all()


def test_a_model_that_learned_from_the_days_in_question_is_caught(judged: Exam) -> None:
    everything = judged.future["need"]
    cheat = BGNBD().fit(everything)
    with pytest.raises(Leak, match="it has seen what it is to foresee"):
        judge_timing({"need": {"cheat": cheat}}, judged.future, ())
    honest = BGNBD().fit(judged.known["need"])
    assert judge_timing({"need": {"honest": honest}}, judged.future, ()).outcomes


def test_who_knows_the_future_is_right_about_everything(judged: Exam) -> None:
    future = judged.future["need"]
    told = Told(future, judged.split, future.purchases.unit_ids)
    found = judge_timing({"need": {"told": told}}, judged.future, ()).of("told")
    assert found.mean("concordance") == found.mean("skill 14") == found.mean("within 3 days") == 1.0
    assert found.mean("ece 14") == 0.0
    assert found.mean("coverage") == pytest.approx(0.8)


def test_strata_part_the_pairs(judged: Exam, timing: Timing) -> None:
    parts = timing.of("candidate").parts
    assert sum(part.pairs for word, part in parts.items() if word != ALL) == parts[ALL].pairs
    assert set(parts) <= set(STRATA)
    count = judged.future["need"].pairs.columns["purchases"]
    assert parts["8+"].pairs == (count >= 8).sum()
    assert parts["8+"].mean("rmae") < parts["4-7"].mean("rmae")  # who buys often comes back sooner


def test_what_was_seen_is_the_curve_of_kaplan_and_meier(judged: Exam, timing: Timing) -> None:
    future = judged.future["need"]
    for word, rows in strata(future).items():
        theirs = KaplanMeierFitter().fit(future.times[rows], future.observed[rows])
        expected = theirs.survival_function_at_times(np.arange(HORIZON + 1)).to_numpy()
        assert np.abs(timing.seen["need"][word] - expected).max() < 1e-9


def test_the_constant_is_the_curve_of_kaplan_and_meier_with_censoring(judged: Exam) -> None:
    known = judged.known["need"]
    assert (known.times[~known.observed] < HORIZON).any()
    theirs = KaplanMeierFitter().fit(known.times, known.observed)
    expected = theirs.survival_function_at_times(np.arange(HORIZON + 1)).to_numpy()
    fitted = Constant().fit(known)
    mine = fitted.survival(judged.future["need"].pairs.rows(np.array([0, 1])), np.arange(HORIZON + 1.0))
    assert np.abs(mine - expected).max() < 1e-9
    again = Constant().restore(fitted.arrays())
    assert (again.curve == fitted.curve).all()
    assert again.day == fitted.day == judged.split


def test_baselines_sit_beside_everybody_at_both_tasks(timing: Timing) -> None:
    assert {(outcome.name, outcome.task) for outcome in timing.outcomes} == {
        (name, task) for name in ("candidate", *BASELINES) for task in ("need", "trips")
    }
    means = {name: (timing.of(name).mean("concordance"), timing.of(name).mean("rmae")) for name in BASELINES}
    assert timing.best_baseline("concordance").mean("concordance") == max(order for order, _ in means.values())
    assert timing.best_baseline("rmae").mean("rmae") == min(error for _, error in means.values())


def test_better_is_above_whatever_is_measured(timing: Timing) -> None:
    for measure in ("rmae", "concordance", "brier 14", "skill 14"):
        above = timing.above("BG/NBD", "mean interval", measure, np.random.default_rng(0))
        assert above.low > 0, measure
        back = timing.above("mean interval", "BG/NBD", measure, np.random.default_rng(0))
        assert back.mean == pytest.approx(-above.mean)


def test_carts_by_frequency_are_there_to_compare_with(judged: Exam, timing: Timing) -> None:
    assert set(timing.carts) == {"candidate", *BASELINES, "count", "decayed frequency"}
    assert all(0 < values.mean() < 1 for values in timing.carts.values())
    future = judged.future["need"]
    found = frequencies(future, half_life=45.0)["decayed frequency"]
    for row in (0, len(found) // 2, len(found) - 1):
        pairs, sold = future.pairs, future.purchases
        mine = (sold.customers == pairs.customers[row]) & (sold.units == pairs.units[row])
        ages = pairs.days[row] - sold.days[mine]
        assert found[row] == pytest.approx((0.5 ** (ages[ages >= 0] / 45.0)).sum())


def test_shuffling_the_future_moves_no_model(judged: Exam) -> None:
    rng = np.random.default_rng(1)
    true = lines()
    after = true.days > judged.split
    shuffled = replace(
        true,
        customers=np.where(after, rng.permutation(true.customers), true.customers),
        packs=np.where(after, 9.0, true.packs),
        days=np.where(after, rng.integers(judged.split + 1, true.day + 1, len(after)), true.days).astype(np.int32),
    )
    other = exam(shuffled, catalogue(), RECIPE)
    assert not np.array_equal(other.future["need"].times, judged.future["need"].times)
    for task, known in judged.known.items():
        for recipe in (Constant(), MeanInterval(), BGNBD()):
            mine, its = recipe.fit(known), recipe.fit(other.known[task])
            for name, array in mine.arrays().items():
                assert np.array_equal(array, its.arrays()[name]), (recipe.name, name)


def test_other_names_of_customers_and_products_move_nothing(timing: Timing) -> None:
    true, known = lines(), catalogue()
    rng = np.random.default_rng(2)
    who, what = rng.permutation(true.customer_count), rng.permutation(len(true.product_ids))
    renamed = replace(
        true, customers=who[true.customers].astype(np.int32), products=what[true.products].astype(np.int32)
    )
    texts, numbers = (
        {name: column[np.argsort(what)] for name, column in columns.items()} for columns in (known.texts, known.numbers)
    )
    other = contest(exam(renamed, replace(known, texts=texts, numbers=numbers), RECIPE), {"candidate": RECIPE})
    for outcome in timing.outcomes:
        its = other.of(outcome.name, outcome.task)
        for measure in ("rmae", "concordance", "skill 14", "ece 14", "coverage"):
            same = pytest.approx(outcome.mean(measure), rel=1e-4, nan_ok=True)
            assert its.mean(measure) == same, (outcome.name, measure)


def test_a_short_history_is_refused_with_what_would_do() -> None:
    with pytest.raises(ValueError, match="import a history of at least 170 days"):
        exam(lines(days=160), catalogue(), RECIPE)
    assert len(exam(lines(days=172), catalogue(), RECIPE).future["need"].pairs)


def test_a_shop_where_nothing_repeats_is_refused() -> None:
    true = lines()
    once = np.unique(true.customers, return_index=True)[1]
    single = replace(
        true,
        customers=true.customers[once],
        products=true.products[once],
        days=true.days[once],
        packs=true.packs[once],
        prices=true.prices[once],
    )
    with pytest.raises(TooLittleYet, match="orders that repeat"):
        exam(single, catalogue(), RECIPE)


def test_nobody_by_that_name(timing: Timing) -> None:
    with pytest.raises(KeyError, match="mean interval"):
        timing.of("nobody")


@pytest.mark.parametrize("quiet", [260, 600])
def test_orders_that_broke_are_a_fault_and_no_history_that_is_too_short(quiet: int) -> None:
    with pytest.raises(ValueError, match="still come in") as told:
        exam(replace(lines(), day=lines().day + quiet), catalogue(), RECIPE)
    assert not isinstance(told.value, NotYet)
