"""The verb `tune recommender`: hyper-parameters tried on weeks before the judged ones, every trial kept in MLflow."""

from dataclasses import dataclass
from datetime import datetime

from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from models.recommenders.family import RECIPES, to_json
from models.registry import Registry
from pipelines.console import Tick
from pipelines.refresh import assortment, end_of_history
from pipelines.settings import Settings
from training.dataset import exam
from training.evaluate import TASKS
from training.recommender import NAME, WINDOW, named, parameters
from training.spaces import SPACES
from training.splits import latest_folds
from training.tune import MEASURES, Trial, search

EXPERIMENT = f"{NAME}-tuning"


@dataclass(frozen=True)
class TuneReport:
    """The best recipe as JSON, its score and that of the defaults, how many were tried, and the run that keeps it."""

    recipe: str
    score: float
    defaults: float
    trials: int
    window: str
    run_id: str


def tune_recommender(
    settings: Settings, registry: Registry, until: datetime | None, name: str, trials: int, seed: int, progress: Tick
) -> TuneReport:
    """Search around the recipe `name` with as many `trials`. Raises LookupError when there is nothing to tune in it."""
    if name not in SPACES or name not in RECIPES:
        raise LookupError(f"nothing to tune in {name!r}; there is in {', '.join(sorted(set(SPACES) & set(RECIPES)))}")
    recipe = RECIPES[name]()
    identities = identities_to_learn_from(open_database(settings.database_url))
    fold, _ = latest_folds(until or end_of_history(settings), WINDOW, 2)
    window = f"{fold.split:%Y-%m-%d} to {fold.until:%Y-%m-%d}"
    progress(0, trials)
    prepared = exam(settings.history, identities, fold, assortment(settings), settings.work)
    heard: list[Trial] = []
    with registry.study(EXPERIMENT, name, {"trials": trials, "seed": seed, "validated_on": window}) as study:

        def hear(trial: Trial) -> None:
            study.trial(f"{name} {len(heard)}", parameters(trial.recipe), _metrics(trial))
            heard.append(trial)
            progress(len(heard), trials)

        best, *_ = search(recipe, SPACES[name], prepared, trials, seed, hear)
        study.best(parameters(best.recipe), {"score": best.score, "score_of_defaults": heard[0].score})
    return TuneReport(to_json(best.recipe), best.score, heard[0].score, len(heard), window, study.run_id)


def _metrics(trial: Trial) -> dict[str, float]:
    """The score, and the means it is made of."""
    found = {"score": trial.score}
    for task in TASKS:
        outcome = trial.evaluation.of(trial.recipe.name, task)
        found |= named(task, {measure: outcome.mean(measure) for measure in MEASURES})
    return found
