"""Judging time-to-event models on who came back when: the same pairs for all, followed to the end, baselines beside."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from models.arrays import Floats, Mask
from models.time_to_event.base import FittedTimeToEvent
from models.time_to_event.curves import daily, due_within
from models.time_to_event.durations import HORIZON, Durations
from training.bootstrap import Interval, paired
from training.evaluate import Leak
from training.metrics.calibration import Reliability, reliability
from training.metrics.cart import cart_recall
from training.metrics.ratio import mean
from training.metrics.survival import WINDOWS, covered, measures, restricted_mean
from training.replenishment.baselines import frequencies

Task = Literal["need", "trips"]
"""`need`: when does a customer take this group again; `trips`: when does the customer come again at all."""
TASKS: tuple[Task, ...] = get_args(Task)
ALL = "all"
STRATA: Mapping[str, tuple[int, float]] = {
    ALL: (0, np.inf),
    "1": (1, 1),
    "2": (2, 2),
    "3": (3, 3),
    "4-7": (4, 7),
    "8+": (8, np.inf),
}
"""Pairs by the days of purchase that were known, both ends inclusive."""
LESS_IS_BETTER = ("rmae", "date mae", "brier 7", "brier 14", "brier 28")
CART_DAYS = 14
_DECILES = 10


@dataclass(frozen=True)
class Part:
    """How curves did on some pairs. `values` are one a customer by measure (see `training.metrics.ratio`), the same
    customers for every model; `curve` is the mean one, by day."""

    pairs: int
    values: Mapping[str, Floats]
    reliability: Mapping[int, Reliability]
    curve: Floats

    def mean(self, measure: str) -> float:
        """The measure over all these pairs."""
        if measure.startswith("ece "):
            return self.reliability[int(measure.removeprefix("ece "))].error
        return float(self.values[measure].mean())


@dataclass(frozen=True)
class Outcome:
    """How one model did at one task, on all pairs and by stratum; `coverage` by decile of expected time, nearest first.

    `seconds` of processor time for the curves of `parts["all"].pairs` pairs.
    """

    name: str
    task: Task
    parts: Mapping[str, Part]
    coverage: Floats
    seconds: float

    def mean(self, measure: str) -> float:
        """The measure over all pairs."""
        return self.parts[ALL].mean(measure)


@dataclass(frozen=True)
class Timing:
    """The outcomes of all, who of them are the baselines, and what was seen: survival by task, stratum and day.

    `carts` is the recall of carts of ten for the next two weeks, one value a customer: of every model, and of what a
    customer bought often.
    """

    outcomes: tuple[Outcome, ...]
    baselines: tuple[str, ...]
    seen: Mapping[Task, Mapping[str, Floats]] = field(default_factory=dict)
    carts: Mapping[str, Floats] = field(default_factory=dict)

    def of(self, name: str, task: Task = "need") -> Outcome:
        """One outcome. Raises KeyError that names those there are."""
        for outcome in self.outcomes:
            if (outcome.name, outcome.task) == (name, task):
                return outcome
        raise KeyError(f"no {name!r} among {sorted({outcome.name for outcome in self.outcomes})}")

    def best_baseline(self, measure: str, task: Task = "need") -> Outcome:
        """The baseline to beat by `measure`."""
        sign = -1 if measure in LESS_IS_BETTER else 1
        return max((self.of(name, task) for name in self.baselines), key=lambda outcome: sign * outcome.mean(measure))

    def above(
        self,
        name: str,
        other: str,
        measure: str,
        rng: np.random.Generator,
        task: Task = "need",
        stratum: str = ALL,
    ) -> Interval:
        """How much better `name` is than `other`, with its interval: above 0 is better, whatever is measured."""
        mine, its = (self.of(one, task).parts[stratum].values[measure] for one in (name, other))
        return paired(its, mine, rng) if measure in LESS_IS_BETTER else paired(mine, its, rng)


def judge_timing(
    models: Mapping[Task, Mapping[str, FittedTimeToEvent]],
    exams: Mapping[Task, Durations],
    baselines: tuple[str, ...],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Timing:
    """Ask every model for every pair of the exam of its task; all pairs have to be followed for `HORIZON` days.

    `progress` gets what is done and the whole, in models. Raises Leak for a model that learned from days after the
    first day of asking.
    """
    asked = [(task, name, model) for task, those in models.items() for name, model in those.items()]
    for task, name, model in asked:
        first = int(exams[task].pairs.days.min(initial=model.day))
        if model.day > first:
            raise Leak(
                f"{name} learned until day {model.day} and is asked as of day {first}: it has seen what it is to "
                "foresee; fit its recipe on what was known by then"
            )
    outcomes, carts = [], {}
    for task, name, model in asked:
        started = time.process_time()
        curves = daily(model, exams[task].pairs)
        outcomes.append(_judge(name, task, curves, exams[task], time.process_time() - started))
        if task == "need":
            carts[name] = _cart(due_within(curves, CART_DAYS), exams[task])
        progress(len(outcomes), len(asked))
    seen = {task: {word: _seen(exam, rows) for word, rows in strata(exam).items()} for task, exam in exams.items()}
    if "need" in exams:
        carts |= {name: _cart(scores, exams["need"]) for name, scores in frequencies(exams["need"]).items()}
    return Timing(tuple(outcomes), baselines, seen, carts)


def strata(exam: Durations) -> dict[str, Mask]:
    """The rows of each stratum that has any."""
    count = exam.pairs.columns["purchases"]
    rows = {word: (count >= low) & (count <= high) for word, (low, high) in STRATA.items()}
    return {word: kept for word, kept in rows.items() if kept.any()}


def _judge(name: str, task: Task, curves: Floats, exam: Durations, seconds: float) -> Outcome:
    parts = {word: _part(curves[rows], exam.rows(rows)) for word, rows in strata(exam).items()}
    return Outcome(name, task, parts, _by_decile(curves, exam), seconds)


def _part(curves: Floats, exam: Durations) -> Part:
    times, observed, customers = exam.times, exam.observed, exam.pairs.customers
    values = {name: ratio.by_customer(customers) for name, ratio in measures(curves, times, observed).items()}
    told = {days: reliability(due_within(curves, days), observed & (times <= days)) for days in WINDOWS}
    return Part(len(times), values, told, curves.mean(axis=0))


def _by_decile(curves: Floats, exam: Durations) -> Floats:
    """Coverage of the 80 % interval in ten groups of pairs by expected time."""
    rank = np.argsort(np.argsort(restricted_mean(curves), kind="stable"), kind="stable")
    decile = rank * _DECILES // max(len(rank), 1)
    held = covered(curves, exam.times, exam.observed)
    return np.array([mean(held[decile == place]).value for place in range(_DECILES)])


def _cart(scores: Floats, exam: Durations) -> Floats:
    came = exam.observed & (exam.times <= CART_DAYS)
    return cart_recall(exam.pairs.customers, exam.pairs.days, scores, came).by_customer(exam.pairs.customers)


def _seen(exam: Durations, rows: Mask) -> Floats:
    """Kaplan and Meier's curve, which without early censoring is the share that has not come yet."""
    came = exam.times[rows & exam.observed].astype(np.int64)
    return np.asarray(1 - np.cumsum(np.bincount(came, minlength=HORIZON + 1)) / rows.sum(), np.float64)
