"""The registry of published models: the one place that knows MLflow.

A version holds `npz` + JSON (no pickle), the features it was trained on and the evidence for it. `champion` is what is
live, `challenger` what was trained last, `canary` the policy that a share of the customers gets so that it can be
compared. `promote` and `rollback` move `champion` and write who and why; `succeed` hands it to a later state of the
same policy.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from models import pyfunc, pyfunc_policy, pyfunc_restock, pyfunc_send_time
from models.evidence import Evidence
from models.policies.base import FittedPolicy, Policy
from models.policies.hour_of_week import FittedHourOfWeek, HourOfWeek
from models.published import CANARY, CHALLENGER, CHAMPION, FAMILY, Published, Version
from models.recommenders.base import FittedRecommender, Recommender
from models.runs import LoggedRun, Study, log_evidence
from models.storage import family_of, load, save
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from models.turns import Moving, Turns, nobody_else

_LOGGED = "models:/"
_TABLES = {
    "recommender": pyfunc,
    "time_to_event": pyfunc_restock,
    "policy": pyfunc_policy,
    "send_time": pyfunc_send_time,
}
"""How a model of each family is asked through MLflow's own `pyfunc`."""


class Registry:
    """Models by name and alias in the MLflow at `uri`; a file database is created when it is missing.

    `artifacts` is where new experiments keep their files: a folder, or the URL of an object store. `moving` keeps
    others from moving an alias of the model that it is called with: MLflow cannot compare and set in one step, so who
    looks at what is live and then changes it does both in such a block, which is asked right before an alias moves
    and before the reason for it is written down.
    """

    def __init__(
        self,
        uri: str,
        artifacts: str = "mlruns/artifacts",
        moving: Moving = nobody_else,
    ) -> None:
        self.uri = uri
        self._turns = Turns(moving)
        self.artifacts = artifacts if "://" in artifacts else Path(artifacts).absolute().as_uri()
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def moving(self, name: str) -> AbstractContextManager[None]:
        """Nobody else moves an alias of this model meanwhile, where the registry was told how to see to that."""
        return self._turns.take(name)

    def publish(
        self,
        name: str,
        recipe: Recommender | Replenishment | Policy | HourOfWeek,
        fitted: FittedRecommender | FittedReplenishment | FittedPolicy | FittedHourOfWeek,
        features: tuple[str, ...],
        evidence: Evidence,
        alias: str | None = CHALLENGER,
    ) -> Version:
        """Log a run with its evidence, register the model as its next version, and call it `alias`, or nothing."""
        mlflow.set_tracking_uri(self.uri)
        family = family_of(recipe)
        table = _TABLES[family]
        with tempfile.TemporaryDirectory() as folder, mlflow.start_run(experiment_id=self._experiment(name)) as run:
            saved = Path(folder, "model")
            save(recipe, fitted, saved)
            log_evidence(evidence, "model_card.md")
            mlflow.log_dict({"features": list(features)}, "features.json")
            logged = mlflow.pyfunc.log_model(
                name=name,
                loader_module=table.__name__,
                data_path=str(saved),
                signature=table.SIGNATURE,
                input_example=table.example(fitted, evidence.snapshot.until),
                pip_requirements=[],
                metadata={"features": list(features)},
            )
        number = self._register(name, logged.model_uri, run.info.run_id, logged.model_id)
        version = self.tag(self.version(name, number), {**evidence.tags, FAMILY: family})
        if alias is not None:
            self._client.set_registered_model_alias(name, alias, number)
        return replace(version, alias=alias)

    def tag(self, version: Version, tags: Mapping[str, str]) -> Version:
        """Write `tags` on a version, over what stood there."""
        for key, value in tags.items():
            self._client.set_model_version_tag(version.name, version.number, key, value)
        return replace(version, tags={**version.tags, **tags})

    def record(self, name: str, title: str, evidence: Evidence) -> str:
        """Log a run of the experiment `name` that publishes nothing, e.g. an evaluation; returns its id."""
        mlflow.set_tracking_uri(self.uri)
        with mlflow.start_run(experiment_id=self._experiment(name), run_name=title) as run:
            log_evidence(evidence, "report.md")
        return str(run.info.run_id)

    @contextmanager
    def study(self, name: str, title: str, parameters: Mapping[str, Any]) -> Iterator[Study]:
        """A run of the experiment `name` for a search; each trial that it hears of becomes a run below it at once."""
        mlflow.set_tracking_uri(self.uri)
        experiment = self._experiment(name)
        with mlflow.start_run(experiment_id=experiment, run_name=title) as run:
            mlflow.log_params(dict(parameters))
            yield Study(str(run.info.run_id), experiment)

    def alias(self, name: str, alias: str) -> Version | None:
        """The version that carries `alias`, or None when no version does or the model is not known."""
        try:
            return _version(self._client.get_model_version_by_alias(name, alias), alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def version(self, name: str, number: str) -> Version:
        """One version by its number. Raises LookupError that names the versions there are."""
        with suppress(MlflowException):
            return _version(self._client.get_model_version(name, number), None)
        known = [version.number for version in self.versions(name)]
        raise LookupError(f"{name} has no version {number}; it has {', '.join(known) or 'none: train one first'}")

    def versions(self, name: str) -> list[Version]:
        """All versions of a model, newest first."""
        found = [_version(version, None) for version in self._client.search_model_versions(f"name = '{name}'")]
        return sorted(found, key=lambda version: -int(version.number))

    def names(self) -> list[str]:
        """Every registered model."""
        return sorted(model.name for model in self._client.search_registered_models())

    def aliases(self, name: str) -> dict[str, str]:
        """The number of the version that carries each alias. Raises LookupError for a model that there is not."""
        try:
            return {alias: str(number) for alias, number in self._client.get_registered_model(name).aliases.items()}
        except MlflowException as error:
            raise LookupError(f"no model is called {name}; there is {', '.join(self.names()) or 'none yet'}") from error

    def runs(self, name: str, run_ids: Collection[str]) -> dict[str, LoggedRun]:
        """What the runs of the experiment `name` have measured, by their ids; those that are gone are left out."""
        known = self._client.get_experiment_by_name(name)
        if known is None or not run_ids:
            return {}
        told = ", ".join(f"'{run_id}'" for run_id in run_ids)
        found = self._client.search_runs([known.experiment_id], f"attributes.run_id IN ({told})")
        return {run.info.run_id: LoggedRun(run.info.experiment_id, dict(run.data.metrics)) for run in found}

    def delete(self, version: Version) -> None:
        """Take a version out for good, with its run and its files. Raises ValueError for one that carries an alias."""
        found = self._client.get_model_version(version.name, version.number)
        if found.aliases:
            raise ValueError(f"{version.name} {version.number} is the {', '.join(found.aliases)} and stays")
        self._client.delete_model_version(version.name, version.number)
        places = [self._client.get_run(version.run_id).info.artifact_uri] if version.run_id else []
        if found.source.startswith(_LOGGED):
            model_id = found.source.removeprefix(_LOGGED)
            places.append(self._client.get_logged_model(model_id).artifact_location)
            self._client.delete_logged_model(model_id)
        if version.run_id:
            self._client.delete_run(version.run_id)
        for place in places:
            get_artifact_repository(place).delete_artifacts()

    def load(self, version: Version) -> Published[Any, Any]:
        """The recipe, the fitted model and the feature list of a version, of whatever family it is."""
        with tempfile.TemporaryDirectory() as folder:
            uri = self._client.get_model_version_download_uri(version.name, version.number)
            local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder, tracking_uri=self.uri))
            description = mlflow.models.Model.load(str(local))
            recipe, fitted = load(local / description.flavors["python_function"]["data"])
        features = tuple((description.metadata or {}).get("features", ()))
        return Published(version, recipe, fitted, features)

    def table(self, version: Version, title: str) -> str | None:
        """A table of the evidence for a version, as CSV; None where it was published without one of this title."""
        name = f"{title}.csv"
        if not version.run_id or all(found.path != name for found in self._client.list_artifacts(version.run_id)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            return Path(self._client.download_artifacts(version.run_id, name, folder)).read_text()

    def promote(self, version: Version, who: str, why: str, at: datetime) -> Version:
        """Make `version` the champion and write down who did it, why, when, and what it replaced last."""
        live = self.alias(version.name, CHAMPION)
        if live and live.number == version.number:
            raise ValueError(f"{version.name} {version.number} is the champion already")
        self._turns.check(version.name)
        self._note(version, "promoted", who, why, at)
        self.tag(version, {"replaces": live.number if live else ""})
        self._move(version.name, CHAMPION, version.number)
        trial = self.alias(version.name, CANARY)
        if trial and trial.number == version.number:
            self._move(version.name, CANARY, None)
        return replace(self.version(version.name, version.number), alias=CHAMPION)

    def succeed(self, version: Version, live: Version) -> Version:
        """Make `version` the champion as what `live`, the same policy, has become; a rollback still leads to what that
        replaced. Raises RuntimeError when another version is live by now."""
        with self.moving(version.name):
            now = self.alias(version.name, CHAMPION)
            if now is None or now.number != live.number:
                raise RuntimeError(f"{version.name} {live.number} is not live any more, so {version.number} stays out")
            self._turns.check(version.name)
            self.tag(version, {"replaces": live.tags.get("replaces", "")})
            self._move(version.name, CHAMPION, version.number)
        return replace(self.version(version.name, version.number), alias=CHAMPION)

    def admit(self, version: Version, who: str, why: str, at: datetime) -> Version:
        """Make `version` the canary, whom a share of the customers gets beside the champion."""
        self._turns.check(version.name)
        self._note(version, "admitted", who, why, at)
        self._move(version.name, CANARY, version.number)
        return replace(self.version(version.name, version.number), alias=CANARY)

    def dismiss(self, name: str, who: str, why: str, at: datetime) -> Version:
        """End the canary; every customer gets the champion again. Raises LookupError when there is no canary."""
        trial = self.alias(name, CANARY)
        if trial is None:
            raise LookupError(f"{name} has no canary to dismiss")
        self._turns.check(name)
        self._note(trial, "dismissed", who, why, at)
        self._move(name, CANARY, None)
        return replace(self.version(name, trial.number), alias=None)

    def rollback(self, name: str, who: str, why: str, at: datetime) -> Version:
        """Give the alias back to the version that the champion replaced."""
        live = self.alias(name, CHAMPION)
        if live is None or not live.tags.get("replaces"):
            found = f"champion {live.number} replaced nothing" if live else "there is no champion"
            raise LookupError(f"nothing to roll {name} back to: {found}")
        previous = self.version(name, live.tags["replaces"])
        self._turns.check(name)
        self._note(live, "rolled_back", who, why, at)
        self._move(name, CHAMPION, previous.number)
        return replace(previous, alias=CHAMPION)

    def _move(self, name: str, alias: str, number: str | None) -> None:
        self._turns.check(name)
        if number is None:
            self._client.delete_registered_model_alias(name, alias)
        else:
            self._client.set_registered_model_alias(name, alias, number)

    def _note(self, version: Version, act: str, who: str, why: str, at: datetime) -> None:
        self.tag(version, {f"{act}_by": who, f"{act}_why": why, f"{act}_at": at.isoformat()})

    def _register(self, name: str, uri: str, run_id: str, model_id: str) -> str:
        with suppress(MlflowException):  # it exists already
            self._client.create_registered_model(name)
        return str(self._client.create_model_version(name, uri, run_id, model_id=model_id).version)

    def _experiment(self, name: str) -> str:
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._client.create_experiment(name, f"{self.artifacts}/{name}"))
        except MlflowException:
            if (found := self._client.get_experiment_by_name(name)) is None:
                raise
            return str(found.experiment_id)  # another who trains made it meanwhile


def _version(found: ModelVersion, alias: str | None) -> Version:
    created = _moment(found.creation_timestamp)
    return Version(found.name, str(found.version), found.run_id or "", alias, created, dict(found.tags))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
