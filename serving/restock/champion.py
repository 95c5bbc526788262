"""Following what restocking answers with: the live version of `replenishment`, and the table of who is due.

As with the recommender, a request reads each of them once and works with that; a swap is one assignment.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from features.catalog import Catalog
from features.identity import Identities
from features.log import Log
from features.purchases import last_day
from features.restock_table import newest, read
from models.published import PublishedReplenishment
from models.registry import Registry
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.replenishment import FittedReplenishment, Replenishment
from serving.bundle import Bundle
from serving.follower import Follower
from serving.metrics import LiveModel, Metrics
from serving.problems import Refused
from serving.restock.due_again import following, with_due_again
from serving.restock.history import OrderHistories
from serving.restock.touched import ScoredCustomers
from serving.versions import Versions

MODEL = "replenishment"
_NO_MODEL = (
    "No version of the model `replenishment` carries the alias `champion` yet. Run `python -m pipelines train "
    "replenishment`, then `python -m pipelines promote replenishment`; the running service follows within seconds."
)
_NO_TABLE = (
    "Nobody was scored yet. Run `python -m pipelines restock score`; the running service follows within seconds."
)
_OUTDATED = (
    "Too many customers did something since everybody was scored. Run `python -m pipelines restock score`; the running "
    "service follows within seconds."
)

log = logging.getLogger(__name__)


class RestockChampion:
    """Kept up to date by `refresh`, which a thread calls every `refresh_seconds`; what fails leaves it as it was."""

    def __init__(
        self,
        registry: Registry,
        catalog: Catalog,
        feature_data: Path,
        events: Log,
        identities: Identities,
        metrics: Metrics,
        clock: Callable[[], datetime],
        refresh_seconds: float,
    ) -> None:
        self.versions: Versions[Replenishment, FittedReplenishment] = Versions(registry, MODEL, clock)
        self.catalog = catalog
        self.feature_data = feature_data
        self.events = events
        self.histories = OrderHistories(events)
        self.identities = identities
        self.metrics = metrics
        self.clock = clock
        self.scored: ScoredCustomers | None = None
        self._answering: PublishedReplenishment | None = None
        self._revision = 0
        self._places: tuple[Groups, Mapping[str, int]] | None = None
        self._joined: tuple[Bundle, PublishedReplenishment, Bundle] | None = None
        self._read: tuple[Path, int] | None = None
        self._follower = Follower("restock-champion", self.refresh, refresh_seconds, metrics.refresh_failures)

    def start(self) -> None:
        """Begin to look."""
        self._follower.start()

    def close(self) -> None:
        """End the thread."""
        self._follower.close()

    def published(self) -> PublishedReplenishment:
        """The live version, which knows the products of now. Raises `Refused` that says why there is none."""
        live = self._answering
        if live is None:
            raise Refused("model_unavailable", self._reason("The replenishment model", _NO_MODEL))
        return live

    def places(self, groups: Groups) -> Mapping[str, int]:
        """The code of each product in `groups`, made once for those of the live version."""
        known = self._places
        if known is None or known[0] is not groups:
            known = groups, {id_: code for code, id_ in enumerate(groups.product_ids)}
            self._places = known
        return known[1]

    def joined(self, bundle: Bundle) -> Bundle:
        """The bundle with the live version among its recommenders, as `due_again`; as it is where none is live."""
        live, known = self._answering, self._joined
        if live is None:
            return bundle
        if known is None or known[0] is not bundle or known[1] is not live:
            known = bundle, live, with_due_again(bundle, live.model)
            self._joined = known
        return known[2]

    def customers(self) -> ScoredCustomers:
        """Everybody who was scored. Raises `Refused` when nobody was, or too long ago."""
        scored = self.scored
        if scored is None:
            raise Refused("nobody_scored", self._reason("The table of who is due", _NO_TABLE))
        if scored.outdated:
            raise Refused("nobody_scored", _OUTDATED)
        return scored

    def live(self) -> LiveModel | None:
        """The live version, for the metrics."""
        if self._answering is None:
            return None
        version = self._answering.version
        return LiveModel(version.name, version.number, version.created_at)

    def table_as_of(self) -> datetime | None:
        """How new the table of who is due is, for the metrics."""
        return self.scored.table.as_of if self.scored else None

    def refresh(self) -> None:
        """Look once. Raises what the registry, the table or the probe raise, after the others were looked at too."""
        failed: list[Exception] = []
        for look in (self._refresh_table, self._refresh_version, self._refresh_products):
            try:
                look()
            except Exception as error:
                failed.append(error)
        if len(failed) > 1:
            raise ExceptionGroup("more than one thing that restocking answers with cannot be read", failed)
        if failed:
            raise failed[0]

    def _refresh_version(self) -> None:
        published = self.versions.candidate()
        if published is None:
            return
        try:
            _probe(published.model, self.clock())
        except Exception as error:
            self.versions.refuse(published, error)
            raise
        answering, revision = self._following(published, 0)
        self.versions.swap(published)
        self._answering, self._revision = answering, revision
        self.metrics.swaps.add()
        log.info("%s %s goes live", published.version.name, published.version.number)

    def _refresh_products(self) -> None:
        if self._answering is not None and self.catalog.state().revision > self._revision:
            self._answering, self._revision = self._following(self._answering, self._revision)

    def _following(self, published: PublishedReplenishment, revision: int) -> tuple[PublishedReplenishment, int]:
        """With the groups of products that are new or other since `revision` of the catalogue, and its revision now."""
        changes = self.catalog.changed_since(revision)
        return replace(published, model=following(published.model, changes, self.clock())), changes.revision

    def _refresh_table(self) -> None:
        try:
            path = newest(self.feature_data)
        except FileNotFoundError:
            return
        mark = path, path.stat().st_mtime_ns
        if mark != self._read:
            fresh = ScoredCustomers(read(path), self.events, self.identities)
            fresh.catch_up()
            self.scored, self._read = fresh, mark
        elif self.scored is not None:
            self.scored.catch_up()

    def _reason(self, what: str, missing: str) -> str:
        if not self._follower.looked:
            return f"{what} is being loaded; this takes a few seconds after a start."
        if self._follower.failing:
            return f"{what} cannot be loaded; the service's log says why, and it tries again by itself."
        return missing


def _probe(model: FittedReplenishment, now: datetime) -> None:
    """See that a version answers before customers ask: about nobody, and about whoever bought one product weekly."""
    day = last_day(now)
    for count in (0, 4):
        product_ids = model.groups.product_ids[: min(count, 1)]
        days = np.array([day - 7 * ago for ago in range(count, 0, -1)][: count * len(product_ids)], np.int32)
        zeros, ones = np.zeros(len(days), np.int32), np.ones(len(days))
        curves = model.forecast(Lines.of(zeros, zeros, days, ones, ones, product_ids, 1, day), day).curves
        if not (np.isfinite(curves).all() and (curves >= 0).all() and (curves <= 1).all()):
            raise ValueError(f"{model.name} answers with curves that are no probabilities")
