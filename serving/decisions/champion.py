"""Following the live versions of every policy that the action bank names: champion, and canary where there is one.

As with the recommender, a request reads a version once and works with that; a swap is one assignment. A version that
fails its probe is not tried again until the alias moves.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from models.policies.base import FittedPolicy
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.hour_of_week import FittedHourOfWeek
from models.published import CANARY, CHAMPION, PublishedPolicy, Version
from models.registry import Registry
from serving.decisions import send_time
from serving.decisions.asking import asked
from serving.decisions.live_bank import LiveBank
from serving.follower import Follower
from serving.metrics import LiveModel, Metrics

_KEPT = 8
"""Versions that stay in memory, so that a rollback takes no loading."""

_MAIL = {"channel": "email", "delay": "24h", "hour": "09-12", "weekday": "mon", "argument": "reminder"}
_PROBES = Eligible.of(
    [
        [({}, {})],
        [({}, {}), (_MAIL, {"delay_hours": 24.0, "cost": 0.01})],
        [({}, {}), (_MAIL, {"delay_hours": 24.0}), ({"channel": "a channel that nobody knows"}, {"discount": 5.0})],
    ]
)
_KNOWN = Contexts.of([{}, {"cart_value": 100.0, "step": 1.0}, {"recency_days": 3.0}])

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LivePolicy:
    """A version that answers, and the alias that it does so by."""

    version: Version
    model: FittedPolicy
    alias: str


class Policies:
    """Kept up to date by `refresh`, which a thread calls every `refresh_seconds`; what fails leaves it as it was.

    The action bank is followed by the same look. `warm_up` is called once, before the first version goes live.
    """

    def __init__(
        self,
        registry: Registry,
        bank: LiveBank,
        metrics: Metrics,
        refresh_seconds: float,
        warm_up: Callable[[], None],
    ) -> None:
        self.registry = registry
        self.bank = bank
        self.metrics = metrics
        self.warm_up = warm_up
        self.hours: FittedHourOfWeek | None = None
        """The live version of `send-time`; None when there is none."""

        self._hours: str | None = None
        self._live: dict[tuple[str, str], LivePolicy] = {}
        self._refused: dict[tuple[str, str], str] = {}
        self._loaded: dict[tuple[str, str], FittedPolicy] = {}
        self._follower = Follower("policies", self.refresh, refresh_seconds, metrics.refresh_failures)

    def start(self) -> None:
        """Begin to look."""
        self._follower.start()

    def wake(self) -> None:
        """Look now, as somebody knows that something changed."""
        self._follower.wake()

    def close(self) -> None:
        """End the thread."""
        self._follower.close()

    @property
    def looked(self) -> bool:
        """Whether the first look is over: before, that there is no policy means nothing."""
        return self._follower.looked

    def champion(self, name: str) -> LivePolicy | None:
        """The live version of a registered model; None when there is none."""
        return self._live.get((name, CHAMPION))

    def canary(self, name: str) -> LivePolicy | None:
        """The version that is being tried on some customers; None when none is."""
        return self._live.get((name, CANARY))

    def live(self) -> list[LiveModel]:
        """Every version that answers, for the metrics."""
        versions = (policy.version for _, policy in sorted(self._live.items()))
        return [LiveModel(version.name, version.number, version.created_at) for version in versions]

    def refresh(self) -> None:
        """Look once. Raises what the registry or a probe raise, after the others were looked at too."""
        if not self._follower.looked:
            self.warm_up()
        self.bank.follow()
        failed: list[Exception] = []
        wanted = [(name, alias) for name in sorted(self._names()) for alias in (CHAMPION, CANARY)]
        for place in wanted:
            try:
                self._follow(*place)
            except Exception as error:
                failed.append(error)
        try:
            self._follow_hours()
        except Exception as error:
            failed.append(error)
        for place in self._live.keys() - set(wanted):
            del self._live[place]
        if len(failed) > 1:
            raise ExceptionGroup("more than one policy cannot be read", failed)
        if failed:
            raise failed[0]

    def _follow_hours(self) -> None:
        version = self.registry.alias(send_time.MODEL, CHAMPION)
        number = version.number if version else None
        if number == self._hours:
            return
        self._hours = number  # also when it fails: it is not tried again until the alias moves
        if version is None:
            self.hours = None
            return
        model: FittedHourOfWeek = self.registry.load(version).model
        send_time.probe(model)
        self.hours = model
        self.metrics.swaps.add()
        log.info("%s %s goes live", version.name, version.number)

    def _names(self) -> set[str]:
        """The registered models that the action bank names at the moment."""
        return {point.policy for point in self.bank.now.points.values()}

    def _follow(self, name: str, alias: str) -> None:
        place = name, alias
        version = self.registry.alias(name, alias)
        if version is None:
            if self._live.pop(place, None) is not None:
                log.info("%s has no %s any longer", name, alias)
            return
        live = self._live.get(place)
        if version.number in (self._refused.get(place), live.version.number if live else None):
            return
        try:
            model = self._model(version)
        except Exception:
            self._refused[place] = version.number
            raise
        self._refused.pop(place, None)
        self._live[place] = LivePolicy(version, model, alias)
        self.metrics.swaps.add()
        log.info("%s %s goes live as %s", name, version.number, alias)

    def _model(self, version: Version) -> FittedPolicy:
        """The policy of a version, probed once; the latest stay in memory."""
        key = version.name, version.number
        model = self._loaded.get(key)
        if model is None:
            published: PublishedPolicy = self.registry.load(version)
            model = published.model
            probe(model)
            while len(self._loaded) >= _KEPT * len(self._names()):
                del self._loaded[next(iter(self._loaded))]
            self._loaded[key] = model
        return model


def probe(model: FittedPolicy) -> None:
    """See that a policy answers before customers ask: about nobody, and with labels that it cannot know.

    Raises ValueError when what it answers are no probabilities.
    """
    asked(model, _KNOWN, _PROBES)
