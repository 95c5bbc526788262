"""What is counted and how it adds up over workers: counters, histograms, levels, and gauges that others own.

Values are kept here and not in prometheus_client's own counters: importing Feast switches those to files that every
registry of the process shares, depending on which of the two was imported first.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds of a histogram of times."""
SHARES = (0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Bounds of a histogram of probabilities."""
MOST_LABEL_SETS = 2_000
"""Further ones of a measure are counted as `other`: labels are bounded, but a mistake must not fill the memory."""

Labels = tuple[str, ...]
State = dict[Labels, list[float]]


class Measure(Protocol):
    """One name that `/metrics` shows."""

    @property
    def name(self) -> str:
        """Without the endings of its samples."""

    @property
    def lasting(self) -> bool:
        """Whether its values still count when their worker is gone."""

    def state(self) -> State:
        """The values of this process by labels."""

    def together(self, values: list[float], other: list[float]) -> list[float]:
        """The values of two workers as one."""

    def family(self, state: Mapping[Labels, list[float]]) -> Metric:
        """The state as Prometheus shows it."""


@dataclass(frozen=True, eq=False)
class Counter:
    """Counts by labels, from any thread.

    Shown from the start at 0 without labels, or under those that are `expected`: of a series that begins with its first
    count Prometheus sees no increase.
    """

    name: str
    help: str
    labels: Labels = ()
    expected: tuple[Labels, ...] = ()
    lasting: bool = True
    _values: State = field(default_factory=lambda: defaultdict(lambda: [0.0]))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for labels in self.expected if self.labels else ((),):
            self._values[labels] = [0.0]

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count `amount` more under `labels`, given in the order of the counter's own."""
        with self._lock:
            self._values[_bounded(labels, self._values)][0] += amount

    def state(self) -> State:
        """The counts of this process."""
        with self._lock:
            return {labels: list(values) for labels, values in self._values.items()}

    def together(self, values: list[float], other: list[float]) -> list[float]:
        """Both workers' as one."""
        return _sum(values, other)

    def family(self, state: Mapping[Labels, list[float]]) -> Metric:
        """The counts as Prometheus shows them."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for labels, (value,) in sorted(state.items()):
            family.add_metric(labels, value)
        return family


@dataclass(frozen=True, eq=False)
class Histogram:
    """How large something was, by labels, in the buckets of `bounds`; the last value of a state is the sum."""

    name: str
    help: str
    labels: Labels
    bounds: tuple[float, ...] = SECONDS
    lasting: bool = True
    _values: State = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, *labels: str, value: float) -> None:
        """Count one more of this size."""
        with self._lock:
            labels = _bounded(labels, self._values)
            values = self._values.setdefault(labels, [])
            if not values:
                values.extend([0.0] * (len(self.bounds) + 2))
            values[bisect_left(self.bounds, value)] += 1
            values[-1] += value

    def state(self) -> State:
        """The counts of this process."""
        with self._lock:
            return {labels: list(values) for labels, values in self._values.items()}

    def together(self, values: list[float], other: list[float]) -> list[float]:
        """Both workers' as one."""
        return _sum(values, other)

    def family(self, state: Mapping[Labels, list[float]]) -> Metric:
        """The counts as Prometheus shows them: cumulative."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        bounds = [*map(str, self.bounds), "+Inf"]
        for labels, (*counts, total) in sorted(state.items()):
            family.add_metric(labels, list(zip(bounds, accumulate(counts), strict=True)), total)
        return family


@dataclass(frozen=True, eq=False)
class Level(Counter):
    """A count that goes up and down: of the workers that live alone.

    >>> level = Level("kairos_requests_in_flight", "Requests that are being answered")
    >>> level.add(amount=2)
    >>> level.add(amount=-1)
    >>> level.state()
    {(): [1.0]}
    """

    lasting: bool = False

    def family(self, state: Mapping[Labels, list[float]]) -> Metric:
        """The level as Prometheus shows it."""
        return _gauge(self.name, self.help, self.labels, state)


@dataclass(frozen=True, eq=False)
class Gauge:
    """What others own, read when somebody asks; what is not known is left out. `join` makes two workers' values one."""

    name: str
    help: str
    read: Callable[[], Iterable[tuple[Labels, float]]]
    labels: Labels = ()
    join: Callable[[Iterable[float]], float] = sum
    lasting: bool = False

    def state(self) -> State:
        """What is read now."""
        return {labels: [float(value)] for labels, value in self.read()}

    def together(self, values: list[float], other: list[float]) -> list[float]:
        """Both workers' as one."""
        return [self.join([values[0], other[0]])]

    def family(self, state: Mapping[Labels, list[float]]) -> Metric:
        """The values as Prometheus shows them."""
        return _gauge(self.name, self.help, self.labels, state)


def _gauge(name: str, help_: str, labels: Labels, state: Mapping[Labels, list[float]]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for values, (value,) in sorted(state.items()):
        family.add_metric(values, value)
    return family


def _bounded(labels: Labels, known: Mapping[Labels, object]) -> Labels:
    if labels in known or len(known) < MOST_LABEL_SETS:
        return labels
    return ("other",) * len(labels)


def _sum(values: list[float], other: list[float]) -> list[float]:
    return [one + more for one, more in zip(values, other, strict=True)]
