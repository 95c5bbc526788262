"""Following what changes: a thread looks for a new champion, catalogue and product features, and swaps them in whole.

A request reads `Champion.bundle` once and works with that; a swap is one assignment, so no request is dropped and none
sees half of two versions.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from features.catalog import Catalog
from features.snapshots import ProductFeatures, newest, product_table
from models.recommenders.base import Query, Ranking, days
from models.registry import CHAMPION, Published, Registry
from serving.bundle import Bundle, Shelf
from serving.metrics import LiveModel, Metrics
from serving.problems import KINDS

MODEL = "recommender"
_PROBE_ITEMS = 5
_PROBE_K = 10

log = logging.getLogger(__name__)


class Champion:
    """The model that is live, kept up to date by `refresh`, which a thread calls every `refresh_seconds`.

    `warm_up` hears of the features that the next version will ask for, before it goes live. Whatever fails is counted
    and logged, and what was live stays live. A version that fails its probe is not tried
    again until the alias moves.
    """

    def __init__(
        self,
        registry: Registry,
        catalog: Catalog,
        feature_data: Path,
        metrics: Metrics,
        clock: Callable[[], datetime],
        refresh_seconds: float,
        warm_up: Callable[[Sequence[str], datetime], None],
    ) -> None:
        self.registry = registry
        self.catalog = catalog
        self.feature_data = feature_data
        self.metrics = metrics
        self.clock = clock
        self.refresh_seconds = refresh_seconds
        self.warm_up = warm_up
        self.bundle: Bundle | None = None
        self.previous: Published | None = None
        self.shelf = Shelf(0, {})
        self.product_features: ProductFeatures | None = None
        self._snapshot: Path | None = None
        self._refused: str | None = None
        self._failing = False
        self._looked = False
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="champion", daemon=True)

    def start(self) -> None:
        """Begin to look, at once and then every `refresh_seconds`."""
        self._thread.start()

    def wake(self) -> None:
        """Look now, as somebody knows that something changed."""
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def missing(self) -> str:
        """Why there is no model to answer with, and what to do about it."""
        if not self._looked:
            return "The champion is being loaded; this takes a few seconds after a start."
        if self._failing:
            return "The champion cannot be loaded; the service's log says why, and it tries again by itself."
        kind = KINDS["model_unavailable"]
        return f"{kind.title}. {kind.meaning}"

    def live(self) -> LiveModel | None:
        """The live version, for the metrics."""
        if self.bundle is None:
            return None
        version = self.bundle.published.version
        return LiveModel(version.name, version.number, version.created_at)

    def features_as_of(self) -> datetime | None:
        """How new the product features are, for the metrics."""
        return self.product_features.as_of if self.product_features else None

    def refresh(self) -> None:
        """Look once. Raises what the stores, the registry or the probe raise; what was live stays live then."""
        self._refresh_shelf()
        self._refresh_product_features()
        self._refresh_bundle()

    def _refresh_product_features(self) -> None:
        try:
            path = newest(self.feature_data, "product")
        except FileNotFoundError:
            return
        if path != self._snapshot:
            self.product_features = product_table(self.feature_data)
            self._snapshot = path
            if self.bundle is not None:
                self.bundle = replace(self.bundle, product_features=self.product_features)

    def _refresh_shelf(self) -> None:
        revision = self.catalog.revision()
        if revision != self.shelf.revision:
            self.shelf = Shelf(revision, {product.product_id: product for product in self.catalog.all()})

    def _refresh_bundle(self) -> None:
        live = self.bundle.published if self.bundle else None
        published = self._published(live)
        if published is None or (self.bundle and published is live and self.bundle.shelf is self.shelf):
            return
        fresh = Bundle(published, self.shelf, self.shelf.allow(published.model), self.product_features)
        if published is not live:
            self._probe(fresh)
            self.warm_up(published.features, self.clock())
            self.previous = live
            self.metrics.swaps.add()
        self.bundle = fresh

    def _published(self, live: Published | None) -> Published | None:
        version = self.registry.alias(MODEL, CHAMPION)
        if version is not None and version.number != self._refused:
            self._refused = None
        if version is None or version.number == self._refused or (live and live.version.number == version.number):
            return live
        if self.previous and self.previous.version.number == version.number:
            return self.previous
        return self.registry.load(version)

    def _probe(self, fresh: Bundle) -> None:
        """Warm up, and see that a version answers at all before customers do."""
        model, version = fresh.published.model, fresh.published.version
        try:
            answer = _ask(fresh, days(self.clock()))
            if fresh.allow.any() and not answer.row(0):
                raise ValueError(f"{version.name} {version.number} recommends nothing to a customer without history")
        except Exception:
            self._refused = version.number
            raise
        agreement = ""
        if self.bundle is not None:
            before = {id_ for id_, _, _ in _ask(self.bundle, days(self.clock())).row(1)}
            same = before & {id_ for id_, _, _ in answer.row(1)}
            agreement = f", {len(same)} of {_PROBE_K} answers to the probe as before"
        log.info("%s %s goes live with %d products%s", version.name, version.number, len(model.item_ids), agreement)

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            try:
                self.refresh()
                if self._failing:
                    log.info("everything can be read again")
                self._failing = False
            except Exception as error:
                self.metrics.refresh_failures.add()
                if not self._failing:
                    log.exception("looking for what is new failed with %s; what was live stays", type(error).__name__)
                self._failing = True
            self._looked = True
            self._wake.wait(self.refresh_seconds)


def _ask(bundle: Bundle, now: float) -> Ranking:
    """The answers to a customer without history, and to one who wanted the first few products yesterday."""
    model = bundle.published.model
    ids = model.item_ids[:_PROBE_ITEMS]
    known = Query(now, ids, np.full(len(ids), now - 1), np.ones(len(ids)))
    return model.recommend([Query(now), known], _PROBE_K, bundle.allow)
