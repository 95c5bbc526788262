"""One exam about restocking that everybody sits: the last twelve weeks, foreseen from what was known before them.

Two days of asking, four weeks apart, are followed for the whole horizon; nobody learns from a day after the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from features.not_yet import TooLittleYet
from models.catalogue import Catalogue
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import pairs_at
from models.time_to_event.replenishment import Replenishment
from training.replenishment.baselines import BASELINES
from training.replenishment.timing import TASKS, Task, Timing, judge_timing

APART = 28
"""Days between the two days of asking."""
LEARNING = 56
"""The fewest days before the first day of asking that give durations worth learning from."""


@dataclass(frozen=True)
class Exam:
    """What to learn from, until the day `split`, and what to be judged by, on the days `asked`; by task."""

    split: int
    asked: tuple[int, ...]
    known: Mapping[Task, Durations]
    future: Mapping[Task, Durations]


def exam(lines: Lines, catalogue: Catalogue, recipe: Replenishment) -> Exam:
    """The exam at the end of `lines`, with the groups, the origins and the watch of `recipe`.

    Raises ValueError when the history is too short, or nothing was bought twice in it (both TooLittleYet, as time alone
    mends them), or when what was bought twice no longer is bought at all.
    """
    last = lines.day - HORIZON
    asked, split = (last - APART, last), last - APART - 1
    first = int(lines.days.min()) if len(lines.days) else lines.day
    if split - first < LEARNING:
        found, needed = lines.day - first + 1, LEARNING + APART + HORIZON + 2
        raise TooLittleYet(
            f"{found} days of orders are too few to judge who comes back within {HORIZON} days; import a history of at "
            f"least {needed} days"
        )
    before = lines.until(split)
    groups = Groups.of(catalogue, before)
    past, whole = before.by_group(groups), lines.by_group(groups)
    origins = [day for day in recipe.origins_before(split) if day > first]
    known: dict[Task, Durations] = {
        "need": Durations.of(past, origins, HORIZON, recipe.watch),
        "trips": Durations.of(past.orders(), origins, HORIZON, recipe.watch),
    }
    future: dict[Task, Durations] = {
        "need": Durations.of(whole, asked, HORIZON, recipe.watch),
        "trips": Durations.of(whole.orders(), asked, HORIZON, recipe.watch),
    }
    for task in TASKS:
        ever = replace(recipe.watch, days=split)
        if not len(future[task].pairs) and len(pairs_at(known[task].purchases, split, ever)):
            raise ValueError(
                f"nobody who bought on {recipe.watch.purchases} days did so in the last {recipe.watch.days} before the "
                "days of asking, though there were such orders before; see whether orders still come in"
            )
        if not len(known[task].pairs) or not len(future[task].pairs):
            raise TooLittleYet("nobody bought anything on two days; restocking needs orders that repeat")
    return Exam(split, asked, known, future)


def contest(
    judged: Exam,
    entrants: Mapping[str, Replenishment],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Timing:
    """Fit everybody on the same days, equal recipes once, and judge them beside the baselines.

    A published version sits the exam by its recipe: its arrays have seen the days in question.
    """
    models: dict[Task, dict[str, FittedTimeToEvent]] = {}
    for task in TASKS:
        parts = {name: _part(recipe, task) for name, recipe in entrants.items()}
        fitted: dict[TimeToEvent, FittedTimeToEvent] = {}
        for recipe in (*parts.values(), *BASELINES.values()):
            if recipe not in fitted:
                fitted[recipe] = recipe.fit(judged.known[task])
        models[task] = {name: fitted[recipe] for name, recipe in {**parts, **BASELINES}.items()}
    return judge_timing(models, judged.future, tuple(BASELINES), progress)


def _part(recipe: Replenishment, task: Task) -> TimeToEvent:
    return recipe.need if task == "need" else recipe.trips
