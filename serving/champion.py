"""Following what changes: a thread looks for a new champion, catalogue, features, placements, and swaps them in whole.

A request reads `Champion.bundle` once and works with that; a swap is one assignment, so no request is dropped and none
sees half of two versions.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from features.catalog import Catalog
from features.definitions import CUSTOMER_VIEWS
from features.snapshots import ProductFeatures, newest, product_table
from models.published import PublishedRecommender
from models.recommenders.base import FittedRecommender, Query, Ranking, Recommender, days
from models.registry import Registry
from serving.answers import answered
from serving.bundle import Bundle, Shelf
from serving.follower import Follower
from serving.metrics import LiveModel, Metrics
from serving.placement_file import PlacementFile
from serving.placements import DEFAULT
from serving.problems import KINDS
from serving.rules.allow import allow
from serving.rules.check import check
from serving.rules.page import Page
from serving.rules.rules import Rules
from serving.schemas import Context, RecommendationRequest
from serving.versions import Versions
from serving.visitor import Visitor

MODEL = "recommender"
_CATALOGUE_SECONDS = 0.5
"""How often the catalogue is looked at, as other processes write it too, and a new product is to be shown at once."""

_FEATURES = frozenset(field.name for fields in CUSTOMER_VIEWS.values() for field in fields)
_LOADING_SECONDS = 30.0
_SETTLING_SECONDS = 120.0
_BREATH_SECONDS = 0.005
_PROBE_ITEMS = 5
_PROBE_K = 10

log = logging.getLogger(__name__)


class Champion:
    """The model that is live, kept up to date by `refresh`, which a thread calls every `refresh_seconds`.

    The catalogue and the placements are followed oftener, by a thread of their own: a registry that hangs must not keep
    what is sold out on the page. `warm_up` hears of the features that the next version will ask for, before it goes
    live. Whatever fails is counted and logged, and what was live stays live. A version that fails its probe is not
    tried again until the alias moves.
    """

    def __init__(
        self,
        registry: Registry,
        catalog: Catalog,
        feature_data: Path,
        placement_file: PlacementFile,
        metrics: Metrics,
        clock: Callable[[], datetime],
        refresh_seconds: float,
        warm_up: Callable[[Sequence[str], datetime], None],
    ) -> None:
        self.versions: Versions[Recommender, FittedRecommender] = Versions(registry, MODEL, clock)
        self.catalog = catalog
        self.feature_data = feature_data
        self.placement_file = placement_file
        self.placements = placement_file.read()
        self.metrics = metrics
        self.clock = clock
        self.refresh_seconds = refresh_seconds
        self.warm_up = warm_up
        self.bundle: Bundle | None = None
        self.shelf = Shelf()
        self.told_at: datetime | None = None
        self.product_features: ProductFeatures | None = None
        self._snapshot: tuple[Path, int] | None = None
        self._swapping = threading.Lock()
        self._known = False
        self._began = time.monotonic()
        often = min(refresh_seconds, _CATALOGUE_SECONDS)
        self._follower = Follower("champion", self.refresh, refresh_seconds, metrics.refresh_failures)
        self._catalogue = Follower("catalogue", self.follow, often, metrics.refresh_failures)

    def start(self) -> None:
        """Begin to look, at once and then again and again.

        Returns when the first look is over: a worker takes no request before it can answer, as the others can. A
        registry that hangs does not keep it for ever.
        """
        self._follower.start()
        self._catalogue.start()
        self._follower.wait(_LOADING_SECONDS)

    @property
    def settled(self) -> bool:
        """Whether the first look is over: a champion is live, or there is none. One that cannot be looked for or loaded
        is waited for no longer than two minutes, as events would be turned away meanwhile."""
        return self._known or time.monotonic() - self._began > _SETTLING_SECONDS

    def wake(self) -> None:
        """Look at the catalogue now, as somebody knows that it changed."""
        self._catalogue.wake()

    def close(self) -> None:
        """End the threads."""
        self._follower.close()
        self._catalogue.close()

    def missing(self) -> str:
        """Why there is no model to answer with, and what to do about it."""
        if not self._follower.looked:
            return "The champion is being loaded; this takes a few seconds after a start."
        if self._follower.failing:
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

    def stale(self, now: datetime, most_hours: float) -> bool:
        """Whether the shop has not spoken of its catalogue for more than `most_hours`."""
        return self.told_at is not None and now - self.told_at > timedelta(hours=most_hours)

    def refresh(self) -> None:
        """Look once. Raises what the stores, the registry or the probe raise; what was live stays live then."""
        self.follow()
        self._refresh_product_features()
        self._refresh_version()
        if self.bundle is not None or self.versions.refusal is None:
            self._known = True

    def follow(self) -> None:
        """Take over what the shop has changed: products, and the file of placements."""
        with self._swapping:
            self._follow()

    def _follow(self) -> None:
        state = self.catalog.state()
        if state.revision > self.shelf.revision:
            changes = self.catalog.changed_since(self.shelf.revision)
            shelf = self.shelf.following(changes)
            if self.bundle is not None:
                self.bundle = self.bundle.following(changes, shelf, days(self.clock()))
            self.shelf = shelf
        self.told_at = state.told_at
        if self.placement_file.changed():
            self._refresh_placements()

    def _refresh_placements(self) -> None:
        try:
            self.placements = self.placement_file.read()
            log.info("the placements are those of %s", self.placement_file.path)
            self._check_placements()
        except (ValueError, OSError) as error:
            self.metrics.refresh_failures.add()
            log.error("the placements stay as they were: %s", error)

    def _check_placements(self) -> None:
        """Say which rules ask for what the catalogue lacks: they serve all the same, as if it were unknown."""
        if self.bundle is not None and self.bundle.shelf.revision:
            for placement in self.placements.values():
                for complaint in check(placement.rules, self.bundle.columns):
                    log.warning("placement %s: %s", placement.name, complaint)

    def _refresh_product_features(self) -> None:
        try:
            path = newest(self.feature_data, "product")
        except FileNotFoundError:
            return
        snapshot = path, path.stat().st_mtime_ns
        if snapshot != self._snapshot:
            table = product_table(self.feature_data)
            with self._swapping:
                self.product_features = table
                if self.bundle is not None:
                    self.bundle = self._assembled(self.bundle.published)
            self._snapshot = snapshot

    def _refresh_version(self) -> None:
        published = self.versions.candidate()
        if published is None:
            return
        self.warm_up(published.features, self.clock())
        with self._swapping:
            try:
                fresh = self._assembled(published)
                self._probe(fresh)
            except Exception as error:
                self.versions.refuse(published, error)
                raise
            self.versions.swap(published)
            self.bundle = fresh
        self.metrics.swaps.add()
        self._check_placements()

    def _assembled(self, published: PublishedRecommender) -> Bundle:
        return Bundle.assembled(published, self.shelf, self.product_features, days(self.clock()))

    def _probe(self, fresh: Bundle) -> None:
        """Warm up, and see that a version answers as it should before customers do. Raises ValueError if not."""
        model, version = fresh.model, fresh.published.version
        if unknown := set(fresh.published.features) - _FEATURES:
            raise ValueError(f"{version.name} {version.number} asks for features that there are not: {sorted(unknown)}")
        answer = _ask(fresh, days(self.clock()))
        rows = [answer.row(row) for row in range(len(answer.ids))]
        if len(rows) != 2 or any(len(row) > _PROBE_K for row in rows):
            raise ValueError(f"{version.name} {version.number} gives {answer.ids.shape} answers to two questions")
        if not any(rows) and allow(Rules(), Page(0.0), fresh.columns).any():
            raise ValueError(f"{version.name} {version.number} recommends nothing to anybody")
        if not all(np.isfinite(score) for row in rows for _, score, _ in row):
            raise ValueError(f"{version.name} {version.number} gives scores that are no numbers")
        if strange := _strange(fresh, rows):
            raise ValueError(f"{version.name} {version.number} recommends {len(strange)} products that nobody knows")
        agreement = ""
        if self.bundle is not None:
            before = {id_ for id_, _, _ in _ask(self.bundle, days(self.clock())).row(1)}
            same = before & {id_ for id_, _, _ in answer.row(1)}
            agreement = f", {len(same)} of {_PROBE_K} answers to the probe as before"
        if self.bundle is None or _kinds(fresh) != _kinds(self.bundle):
            _answer_every_page(fresh, self.clock())
        log.info("%s %s goes live with %d products%s", version.name, version.number, len(model.item_ids), agreement)


def _kinds(bundle: Bundle) -> frozenset[type]:
    """Of the models in it: what one of another kind needs may not be compiled yet."""
    return frozenset(map(type, bundle.members.values()))


def _answer_every_page(bundle: Bundle, now: datetime) -> None:
    """So that whatever answers need, reasons too, is in memory and compiled before somebody waits for it: of one
    visitor alone, and of several."""
    ids = bundle.published.model.item_ids[:_PROBE_ITEMS]
    visitor = Visitor(ids, np.full(len(ids), days(now) - 1), np.ones(len(ids)))
    context = Context(item_ids=tuple(map(str, ids[:1])), query="a")
    for placement in DEFAULT.values():
        request = RecommendationRequest(placement=placement.name, context=context)
        for count in (1, 2):
            answered(bundle, placement, [request] * count, [visitor] * count, now)
            time.sleep(_BREATH_SECONDS)  # whoever is being answered by the version before goes first


def _strange(bundle: Bundle, rows: Sequence[Sequence[tuple[str, float, str]]]) -> list[str]:
    known = set(bundle.model.item_ids)
    return [id_ for row in rows for id_, _, _ in row if id_ not in known]


def _ask(bundle: Bundle, now: float) -> Ranking:
    """The answers to a customer without history, and to one who wanted the first few products yesterday."""
    model = bundle.model
    ids = bundle.published.model.item_ids[:_PROBE_ITEMS]
    known = Query(now, ids, np.full(len(ids), now - 1), np.ones(len(ids)))
    return model.recommend([Query(now), known], _PROBE_K, allow(Rules(), Page(now), bundle.columns))
