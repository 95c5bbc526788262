"""What the service tells Prometheus: one registry an app, labels by route template, never by path or person.

Values are kept here and not in prometheus_client's own counters: importing Feast switches those to files that every
registry of the process shares, depending on which of the two was imported first.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})

Labels = tuple[str, ...]


@dataclass(frozen=True)
class LiveModel:
    """What `/metrics` says about the model that answers."""

    name: str
    version: str
    created_at: datetime


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts by labels, from any thread."""

    name: str
    help: str
    labels: Labels = ()
    _values: dict[Labels, float] = field(default_factory=lambda: defaultdict(float))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count `amount` more under `labels`, given in the order of the counter's own."""
        with self._lock:
            self._values[labels] += amount

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        with self._lock:
            for labels, value in sorted(self._values.items()):
                family.add_metric(labels, value)
        yield family


@dataclass(frozen=True, eq=False)
class Histogram:
    """Seconds by labels, in the buckets of `_SECONDS`."""

    name: str
    help: str
    labels: Labels
    _values: dict[Labels, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0] * (len(_SECONDS) + 2)))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, *labels: str, seconds: float) -> None:
        """Count one more that took `seconds`."""
        with self._lock:
            values = self._values[labels]
            values[bisect_left(_SECONDS, seconds)] += 1
            values[-1] += seconds

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        bounds = [*map(str, _SECONDS), "+Inf"]
        with self._lock:
            for labels, (*counts, total) in sorted(self._values.items()):
                family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
        yield family


@dataclass(frozen=True, eq=False)
class Gauges:
    """What others own, read when Prometheus asks; None is left out."""

    models: Sequence[Callable[[], LiveModel | None]]
    features_as_of: Callable[[], datetime | None]
    restock_as_of: Callable[[], datetime | None]
    waiting: Sequence[tuple[str, Callable[[], int]]]
    clock: Callable[[], datetime]
    policies: Callable[[], Sequence[LiveModel]] = tuple

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for."""
        queues = GaugeMetricFamily("kairos_queue_requests", "Requests that wait for the next commit", labels=["log"])
        for log, waiting in self.waiting:
            queues.add_metric([log], waiting())
        yield queues
        info = GaugeMetricFamily("kairos_model_info", "The versions that answer", labels=["name", "version"])
        ages = GaugeMetricFamily("kairos_model_age_seconds", "Since the version was registered", labels=["name"])
        for live in (*filter(None, (model() for model in self.models)), *self.policies()):
            info.add_metric([live.name, live.version], 1)
            ages.add_metric([live.name], (self.clock() - live.created_at).total_seconds())
        yield info
        yield ages
        for name, help_, as_of in (
            ("kairos_product_features_age_seconds", "Since the features' as_of", self.features_as_of()),
            ("kairos_restock_table_age_seconds", "Since the as_of of the table of who is due", self.restock_as_of()),
        ):
            if as_of is not None:
                yield GaugeMetricFamily(name, help_, (self.clock() - as_of).total_seconds())


class Metrics:
    """Everything that one app counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter("kairos_requests", "Answers given", ("method", "route", "status"))
        self._seconds = Histogram("kairos_request_seconds", "Time to answer", ("method", "route"))
        self.events = Counter("kairos_events", "Messages: accepted, duplicate, rejected, ignored", ("verdict",))
        self._recommendations = Counter(
            "kairos_recommendations",
            "Answers with recommendations; fallback and degraded_reason are empty in the normal case",
            ("placement", "fallback", "degraded_reason"),
        )
        self._items = Counter("kairos_recommended_items", "Recommended items by source", ("source",))
        self.refresh_failures = Counter("kairos_refresh_failures", "Looks for what is new that failed")
        self.swaps = Counter("kairos_model_swaps", "Times that another version went live")
        self.restock_carts = Counter("kairos_restock_carts", "Prepared carts that were answered")
        self.restock_feedback = Counter("kairos_restock_feedback", "What became of prepared carts", ("type",))
        self._decisions = Counter(
            "kairos_decisions",
            "Decisions that were made; degraded_reason is empty in the normal case",
            ("point", "arm", "mode", "sent", "degraded_reason"),
        )
        self.sticky = Counter("kairos_sticky_decisions", "Questions that a decision of before answered", ("point",))
        self.checks = Counter("kairos_decision_checks", "Looks whether a message may still go out", ("point", "reason"))
        counters = (self._requests, self.events, self._recommendations, self._items, self.refresh_failures, self.swaps)
        decided = self._decisions, self.sticky, self.checks
        for collector in (*counters, self.restock_carts, self.restock_feedback, *decided, self._seconds):
            self._registry.register(collector)

    def watch(self, gauges: Gauges) -> None:
        """Show these as well."""
        self._registry.register(gauges)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        method = method if method in _METHODS else "other"
        self._requests.add(method, route, str(status))
        self._seconds.observe(method, route, seconds=seconds)

    def count_recommendation(
        self, placement: str, fallback: str | None, degraded_reason: str | None, sources: Iterable[str]
    ) -> None:
        """Count one answer with recommendations and the sources of its items."""
        self._recommendations.add(placement, fallback or "", degraded_reason or "")
        for source in sources:
            self._items.add(source)

    def count_decision(self, point: str, arm: str, mode: str, sent: bool, degraded_reason: str | None) -> None:
        """Count one decision that was made and logged."""
        self._decisions.add(point, arm, mode, str(sent).lower(), degraded_reason or "")

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
