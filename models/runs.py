"""What a run of MLflow keeps besides a model: the evidence for it, and the trials of a search."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import mlflow

from models.evidence import Evidence


@dataclass(frozen=True)
class LoggedRun:
    """What a run has measured, and the experiment it belongs to."""

    experiment_id: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Study:
    """An open run of a search."""

    run_id: str
    experiment_id: str

    def trial(self, title: str, parameters: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log one trial as a run below the search."""
        with mlflow.start_run(experiment_id=self.experiment_id, run_name=title, nested=True):
            mlflow.log_params(dict(parameters))
            mlflow.log_metrics(dict(metrics))

    def best(self, parameters: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Log what the search found on its own run."""
        mlflow.log_params({f"best.{name}": value for name, value in parameters.items()})
        mlflow.log_metrics(dict(metrics))


def log_evidence(evidence: Evidence, card: str) -> None:
    """Everything in `evidence` into the open run; its words as the file `card`."""
    mlflow.log_params(dict(evidence.parameters))
    mlflow.log_metrics(dict(evidence.metrics))
    mlflow.log_dict({key: str(value) for key, value in asdict(evidence.snapshot).items()}, "snapshot.json")
    mlflow.set_tags({"data.digest": evidence.snapshot.digest, **evidence.tags})
    for title, table in evidence.tables.items():
        mlflow.log_text(table.to_csv(index=False), f"{title}.csv")
    for title, figure in evidence.figures.items():
        mlflow.log_figure(figure, f"{title}.png")
    if evidence.card:
        mlflow.log_text(evidence.card, card)
