"""What the registry holds, for people: read at most every few seconds, and what a run measured once for all."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from features.reports.finding import Finding, from_text
from features.reports.models import Models, ModelVersion, RegisteredModel
from models.published import CHAMPION, FAMILY, Version
from models.registry import Registry
from models.runs import LoggedRun

_KEPT_SECONDS = 5.0
_MOST = 30
"""Versions of a model that are shown: one that learns leaves a version every few minutes."""


class ModelVersions:
    """Reads the registry for pages and reports. Blocks, so not from the event loop."""

    def __init__(self, registry: Registry, link: str | None, clock: Callable[[], datetime]) -> None:
        self.registry = registry
        self._link = link.rstrip("/") if link else None
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: dict[str, LoggedRun] = {}
        self._found: Models | None = None
        self._until = 0.0

    def read(self) -> Models:
        """Every model, as of a few seconds ago at most."""
        with self._lock:
            if self._found is None or time.monotonic() >= self._until:
                now = self._clock()
                found = tuple(self._model(name) for name in self.registry.names())
                shown = {version.run_id for model in found for version in model.versions}
                self._runs = {run_id: run for run_id, run in self._runs.items() if run_id in shown}
                self._found = Models(now, now, found)
                self._until = time.monotonic() + _KEPT_SECONDS
            return self._found

    def changed(self) -> None:
        """Somebody has just moved an alias: read anew."""
        with self._lock:  # a reading that began before it must not pass for one that came after
            self._until = 0.0

    def _model(self, name: str) -> RegisteredModel:
        aliases = self.registry.aliases(name)
        found = self.registry.versions(name)
        carrying = set(aliases.values())
        shown = [version for place, version in enumerate(found) if place < _MOST or version.number in carrying]
        unread = [version.run_id for version in shown if version.run_id and version.run_id not in self._runs]
        self._runs |= self.registry.runs(name, unread)
        champion = next((version for version in shown if version.number == aliases.get(CHAMPION)), None)
        return RegisteredModel(
            name=name,
            family=next((version.tags[FAMILY] for version in shown if FAMILY in version.tags), None),
            champion=champion.number if champion else None,
            previous=(champion.tags.get("replaces") or None) if champion else None,
            versions=tuple(self._version(version, aliases) for version in shown),
            versions_in_all=len(found),
        )

    def _version(self, version: Version, aliases: dict[str, str]) -> ModelVersion:
        tags = version.tags
        mine = tuple(sorted(alias for alias, number in aliases.items() if number == version.number))
        logged = self._runs.get(version.run_id)
        link = None
        if self._link is not None and logged is not None:
            link = f"{self._link}/#/experiments/{quote(logged.experiment_id)}/runs/{quote(version.run_id)}"
        return ModelVersion(
            number=version.number,
            aliases=mine,
            created_at=version.created_at,
            gate=tags.get("gate"),
            gate_words=tags.get("gate.words"),
            gate_findings=from_text(tags.get("gate.findings")),
            metrics=dict(sorted(logged.metrics.items())) if logged else {},
            run_id=version.run_id,
            link=link,
            promotable=CHAMPION not in mine and tags.get("gate") == "passed",
            promoted_by=tags.get("promoted_by"),
            promoted_why=tags.get("promoted_why"),
            promoted_findings=_trial_that_won(tags),
            promoted_at=_moment(tags.get("promoted_at")),
            rolled_back_by=tags.get("rolled_back_by"),
            rolled_back_why=tags.get("rolled_back_why"),
            rolled_back_at=_moment(tags.get("rolled_back_at")),
        )


def _trial_that_won(tags: Mapping[str, str]) -> tuple[Finding, ...]:
    """What the trial found, where that is why the version went live: `learn` promotes with the trial's words."""
    won = "promoted_why" in tags and tags["promoted_why"] == tags.get("canary.words")
    return from_text(tags.get("canary.findings")) if won else ()


def _moment(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None
