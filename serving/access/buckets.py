"""Token buckets: how many requests of one name may come, refilled by the second; in memory, for many names."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

_NAMES_KEPT = 20_000
_DEBT = 8.0
"""How many times its burst a bucket may be overdrawn by what other workers spent; the rest is forgotten."""

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
    __slots__ = ("at", "known", "overflow", "spent", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at
        self.spent = 0
        """Here, since it was last told to the others."""
        self.overflow = 0.0
        """What ran over the rim since then: it pays for what others spent in that time."""
        self.known: int | None = None
        """What all workers together had spent when we last asked."""


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
                bucket.spent += 1
            rate = self.limit.rate
            wait = 0 if allowed else ceil((1.0 - bucket.tokens) / rate)
            full = ceil((self.limit.burst - bucket.tokens) / rate)
            return Left(allowed, max(0, int(bucket.tokens)), wait, full)

    def spent(self, most: int) -> dict[str, int]:
        """What was spent here since the last `learn`, the `most` names that spent most; to be told to the others."""
        with self._lock:
            found = [(name, bucket.spent) for name, bucket in self._buckets.items() if bucket.spent]
        return dict(sorted(found, key=lambda pair: -pair[1])[:most])

    def learn(self, told: Mapping[str, int], totals: Mapping[str, int]) -> None:
        """Others' spending counts as if it were our own: `totals` are of all workers, with what was `told` just now."""
        with self._lock:
            for name, total in totals.items():
                bucket = self._buckets.get(name)
                if bucket is None:
                    continue
                bucket = self._filled(name)
                own = told.get(name, 0)
                if bucket.known is not None:
                    others = max(0, total - bucket.known - own)
                    bucket.tokens = max(bucket.tokens - max(0.0, others - bucket.overflow), -_DEBT * self.limit.burst)
                bucket.known = total
                bucket.spent -= own
                bucket.overflow = 0.0

    def _filled(self, name: str) -> _Bucket:
        now, burst = self._clock(), self.limit.burst
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(burst, now)
            if len(self._buckets) > _NAMES_KEPT:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(name)
        tokens = bucket.tokens + (now - bucket.at) * self.limit.rate
        bucket.overflow += max(0.0, tokens - burst)
        bucket.tokens = min(tokens, burst)
        bucket.at = now
        return bucket
