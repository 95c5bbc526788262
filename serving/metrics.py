"""What the service tells Prometheus: one registry an app, labels by route template, never by path or person.

`docs/operating.md` says what each means and what to do about it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from serving.breaker import Breaker
from serving.measures import SHARES, Counter, Gauge, Histogram, Labels, Level, Measure
from serving.process import PROCESS
from serving.worker_metrics import States, WorkerMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("closed", "half_open", "open")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True)
class LiveModel:
    """What `/metrics` says about the model that answers."""

    name: str
    version: str
    created_at: datetime


@dataclass(frozen=True, eq=False)
class Gauges:
    """What others own, read when Prometheus asks; None is left out."""

    models: Sequence[Callable[[], LiveModel | None]]
    features_as_of: Callable[[], datetime | None]
    restock_as_of: Callable[[], datetime | None]
    waiting: Sequence[tuple[str, Callable[[], int]]]
    clock: Callable[[], datetime]
    policies: Callable[[], Sequence[LiveModel]] = tuple
    breakers: Sequence[Breaker] = ()
    journaled: Sequence[tuple[str, Callable[[], int]]] = ()

    def measures(self) -> list[Measure]:
        """Each as one name that is shown."""
        return [
            Gauge("kairos_queue_requests", "Requests that wait for the next commit", self._queues, ("log",)),
            Gauge(
                "kairos_journal_bytes",
                "Of acknowledged records in journals of living workers",
                self._journals,
                ("log",),
            ),
            Gauge("kairos_circuit_state", "0 closed, 1 half open, 2 open", self._circuits, ("dependency",), max),
            Gauge("kairos_model_info", "The versions that answer", self._versions, ("name", "version"), max),
            Gauge("kairos_model_age_seconds", "Since the version was registered", self._model_ages, ("name",), max),
            Gauge(
                "kairos_product_features_age_seconds",
                "Since the features' as_of",
                lambda: self._age(self.features_as_of()),
                join=max,
            ),
            Gauge(
                "kairos_restock_table_age_seconds",
                "Since the as_of of the table of who is due",
                lambda: self._age(self.restock_as_of()),
                join=max,
            ),
        ]

    def _queues(self) -> Iterable[tuple[Labels, float]]:
        return [((log,), waiting()) for log, waiting in self.waiting]

    def _journals(self) -> Iterable[tuple[Labels, float]]:
        return [((log,), journaled()) for log, journaled in self.journaled]

    def _circuits(self) -> Iterable[tuple[Labels, float]]:
        return [((breaker.name,), _STATES.index(breaker.state)) for breaker in self.breakers]

    def _live(self) -> list[LiveModel]:
        return [*filter(None, (model() for model in self.models)), *self.policies()]

    def _versions(self) -> Iterable[tuple[Labels, float]]:
        return [((live.name, live.version), 1) for live in self._live()]

    def _model_ages(self) -> Iterable[tuple[Labels, float]]:
        return [((live.name,), (self.clock() - live.created_at).total_seconds()) for live in self._live()]

    def _age(self, as_of: datetime | None) -> Iterable[tuple[Labels, float]]:
        return [] if as_of is None else [((), (self.clock() - as_of).total_seconds())]


class Metrics:
    """Everything that one app counts; with `workers`, shown as what all workers of its service count together."""

    def __init__(self) -> None:
        self._requests = Counter("kairos_requests", "Answers given", ("method", "route", "status"))
        self._seconds = Histogram("kairos_request_seconds", "Time to answer", ("method", "route"))
        self.in_flight = Level("kairos_requests_in_flight", "Requests that are being answered")
        self.refusals = Counter("kairos_refusals", "Answers that were problems, by their code", ("route", "code"))
        self.limited = Counter("kairos_rate_limited", "Requests over a limit, by what the limit is for", ("limit",))
        self.events = Counter("kairos_events", "Messages: accepted, duplicate, rejected, ignored", _WHY, _TAKEN)
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
        self._actions = Counter("kairos_actions", "Actions that were chosen; channel is empty for none", _ACTION)
        self._propensities = Histogram(
            "kairos_decision_propensity", "Probability with which the chosen action was drawn", ("point",), SHARES
        )
        self.sticky = Counter("kairos_sticky_decisions", "Questions that a decision of before answered", ("point",))
        self.checks = Counter("kairos_decision_checks", "Looks whether a message may still go out", ("point", "reason"))
        self.projected = Counter(
            "kairos_projected_events", "Events that went into the online store, or why not", _WHY, _PUSHED
        )
        self.projector_failures = Counter("kairos_projector_failures", "Batches that the projector could not push")
        self.projector_taken_over = Counter(
            "kairos_projector_taken_over", "Ranges of the log that a worker took from one that did not finish them"
        )
        self._measures: list[Measure] = [*vars(self).values(), *PROCESS]
        self.workers: WorkerMetrics | None = None

    def show(self, gauges: Iterable[Measure]) -> None:
        """Show these as well."""
        self._measures.extend(gauges)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        method = method if method in _METHODS else "other"
        self._requests.add(method, route, str(status))
        self._seconds.observe(method, route, value=seconds)

    def count_recommendation(
        self, placement: str, fallback: str | None, degraded_reason: str | None, sources: Mapping[str, int]
    ) -> None:
        """Count one answer with recommendations, and how many of its items came from each source."""
        self._recommendations.add(placement, fallback or "", degraded_reason or "")
        for source, items in sources.items():
            self._items.add(source, amount=items)

    def count_decision(self, point: str, arm: str, mode: str, sent: bool, degraded_reason: str | None) -> None:
        """Count one decision that was made and logged."""
        self._decisions.add(point, arm, mode, str(sent).lower(), degraded_reason or "")

    def count_action(self, point: str, channel: str | None, explored: bool, propensity: float) -> None:
        """Count what such a decision chose, and how likely that was."""
        self._actions.add(point, channel or "", str(explored).lower())
        self._propensities.observe(point, value=propensity)

    def measures(self) -> Sequence[Measure]:
        """Everything that is shown, but for the number of workers."""
        return [*self._measures, _WORKERS]

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        if self.workers is None:
            states: States = {measure.name: measure.state() for measure in self._measures}
            workers = 1
        else:
            states, workers = self.workers.summed()
        states[_WORKERS.name] = {(): [float(workers)]}
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Shown([one.family(states.get(one.name, {})) for one in self.measures()]))
        return generate_latest(registry)


@contextmanager
def counting(folder: Path | None) -> Iterator[Metrics]:
    """The metrics of one app; with a folder, those of the other workers of its service are shown with them."""
    metrics = Metrics()
    if folder is None:
        yield metrics
        return
    metrics.workers = WorkerMetrics(folder, metrics.measures)
    metrics.workers.start()
    try:
        yield metrics
    finally:
        metrics.workers.close()


@dataclass(frozen=True, eq=False)
class _Shown:
    families: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.families


_ACTION = ("point", "channel", "explored")
_WHY = ("verdict",)
_TAKEN = (("accepted",), ("duplicate",), ("rejected",), ("ignored",))
_PUSHED = (("pushed",), ("refused",), ("unreadable",), ("skipped",))
_WORKERS = Gauge("kairos_workers", "Workers that live", tuple)
