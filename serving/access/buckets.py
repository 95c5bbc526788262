"""Token buckets: how many requests of one name may come, refilled by the second; in memory, for many names."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

_NAMES_KEPT = 20_000
_TOLD = 2
"""Bursts. What a worker spent beyond that while it could tell nobody is forgotten, or all would pay for it at once."""

_ROUNDING = 1e-9
"""Of a token: two seconds behind 0.3 are a little less than two, and whoever waited them as told is to get in."""


@dataclass(frozen=True)
class Limit:
    """`rate` requests a second in the long run, up to `burst` at once; `name` is what headers call it."""

    name: str
    rate: float
    burst: float

    @property
    def policy(self) -> str:
        """The value of `RateLimit-Policy`, draft-ietf-httpapi-ratelimit-headers-11: so many in so many seconds."""
        return f'"{self.name}";q={int(self.burst)};w={max(1, ceil(self.burst / self.rate))}'


@dataclass(frozen=True, slots=True)
class Left:
    """What became of one request: whether it may pass, what is left, and in how many seconds the next may."""

    allowed: bool
    remaining: int
    wait: int
    full: int


class _Bucket:
    __slots__ = ("at", "spent", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        """Below 0 when all workers together took more than there was."""

        self.at = at
        self.spent = 0
        """Here, and not yet told to the others; at most `_TOLD` times the burst."""


class Buckets:
    """The buckets of one limit, by name. The names used least recently are forgotten above 20,000.

    >>> buckets = Buckets(Limit("key", rate=1, burst=2), clock=lambda: 0.0)
    >>> [buckets.take("a").allowed for _ in range(3)], buckets.take("b").remaining
    ([True, True, False], 1)
    """

    def __init__(self, limit: Limit, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> Left:
        """Spend one token of `name` if there is one."""
        with self._lock:
            bucket = self._filled(name)
            allowed = bucket.tokens >= 1.0 - _ROUNDING
            if allowed:
                bucket.tokens -= 1.0
                bucket.spent = min(bucket.spent + 1, ceil(_TOLD * self.limit.burst))
            rate = self.limit.rate
            wait = 0 if allowed else ceil((1.0 - bucket.tokens) / rate)
            full = ceil((self.limit.burst - bucket.tokens) / rate)
            return Left(allowed, max(0, int(bucket.tokens)), wait, full)

    def spent(self, most: int) -> dict[str, int]:
        """What was spent here since the last `learn`, the `most` names that spent most; to be told to the others."""
        with self._lock:
            found = [(name, bucket.spent) for name, bucket in self._buckets.items() if bucket.spent]
        return dict(sorted(found, key=lambda pair: -pair[1])[:most])

    def learn(self, told: Mapping[str, int], missing: Mapping[str, float]) -> None:
        """Go on from what all workers together have left: `missing` from a full bucket of each name, `told` included.

        Nobody has more than before by it, as clocks differ.
        """
        with self._lock:
            for name, shared in missing.items():
                if name not in self._buckets:
                    continue
                bucket = self._filled(name)
                bucket.spent = max(0, bucket.spent - told[name])  # forgotten meanwhile, it began anew
                bucket.tokens = min(bucket.tokens, self.limit.burst - shared - bucket.spent)

    def _filled(self, name: str) -> _Bucket:
        now, burst = self._clock(), self.limit.burst
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(burst, now)
            if len(self._buckets) > _NAMES_KEPT:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(name)
        bucket.tokens = min(bucket.tokens + (now - bucket.at) * self.limit.rate, burst)
        bucket.at = now
        return bucket
