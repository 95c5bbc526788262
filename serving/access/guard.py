"""Who may pass: the key of a request, its scope, its page of the web, its limits; from memory and before the body."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine
from starlette.responses import Response
from starlette.types import Scope as AsgiScope

from features.database import is_outage
from serving.access import cors
from serving.access.addresses import Addresses
from serving.access.buckets import Buckets, Left, Limit
from serving.access.credentials import CHALLENGE, Presented, presented
from serving.access.key_ring import KeyRing
from serving.access.key_table import KeyTable
from serving.access.keys import Key, digest_of, is_origin, well_formed
from serving.access.scopes import GRANTS, NEEDS, PROBES, UNMATCHED, Kind, Scope
from serving.access.shared_limits import EXCHANGE_SECONDS, SharedLimits
from serving.follower import Follower
from serving.measures import Counter
from serving.metrics import Metrics
from serving.problems import Refused
from serving.settings import Settings

_BURST_SECONDS = 2.0
_FAILURES_AT_ONCE = 30.0
_FIRST = "The service has no key yet. `python -m pipelines keys create sk --label shop` makes one"


@dataclass(frozen=True)
class Caller:
    """Who was let in, and the headers that the answer is to carry. Whoever needed no key has none."""

    key_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


ANYBODY = Caller()


class _Unfamiliar(Exception):
    """A key that may have been made since the last look."""


class Guard:
    """Lets a request in or raises Refused: `unauthorized`, `forbidden_scope`, `forbidden_origin` or `rate_limited`."""

    def __init__(
        self,
        ring: KeyRing,
        addresses: Addresses,
        keys: Mapping[Kind, Buckets],
        by_address: Buckets,
        failures: Buckets,
        pages: Buckets,
        clock: Callable[[], datetime],
        limited: Counter,
    ) -> None:
        self.ring = ring
        self.addresses = addresses
        self._keys = keys
        self._by_address = by_address
        self._failures = failures
        self._pages = pages
        self._clock = clock
        self._limited = limited

    async def let_in(self, scope: AsgiScope, template: str) -> Caller:
        """`admit`, with one look into the database for a key that is not known here."""
        try:
            return self.admit(scope, template)
        except _Unfamiliar as unfamiliar:
            digest = str(unfamiliar)
        await asyncio.to_thread(self.ring.look_up, digest)
        return self.admit(scope, template, digest)

    async def preflight(self, scope: AsgiScope, template: str) -> Response | None:
        """The answer to a browser that asks whether it may ask; None for any other request.

        A page that no key known here names is looked for once, as its key may just have been made. Who asks for too
        many pages has none of them looked for; that takes nothing from who brings a new key from the same address.
        While the database is away what is known here decides.
        """
        if not cors.is_preflight(scope):
            return None
        address = self.addresses.of(scope)
        self._spend_address(address)
        origin = cors.page_of(scope, template)
        seen = cors.allowed(origin, self.ring.origins) or self.ring.unknown(origin) or not is_origin(origin)
        if not seen and self._pages.take(address).allowed:
            try:
                await asyncio.to_thread(self.ring.look_for_page, origin)
            except Exception as error:
                if not is_outage(error):
                    raise
        return cors.preflight(origin, self.ring.origins)

    def admit(self, scope: AsgiScope, template: str, looked_up: str | None = None) -> Caller:
        """Who asks for the route `template`, if they may. In memory: raises before anything of the body is read.

        A key of the digest `looked_up` that is not known was looked for just now, and there is none.
        """
        if template in PROBES:
            return ANYBODY
        address = self.addresses.of(scope)
        needed = NEEDS.get(template)
        if needed is None and (template == UNMATCHED or template in NEEDS):
            self._spend_address(address)
            return ANYBODY
        told = presented(scope)
        key = self._key(told, address, looked_up)
        headers = _seen_by(key, told)
        if needed not in key.scopes:
            raise Refused(
                "forbidden_scope",
                f"The key {key.prefix}… lacks the scope {needed}; {_who_has(needed)}",
                headers=headers,
            )
        self._spend_key(key, address, headers)
        return Caller(key.prefix, headers)

    def key_of(self, scope: AsgiScope, secret: str) -> Key:
        """The live key of a secret that a person typed. Blocks, so not from the event loop.

        Raises Refused, `unauthorized`, for any other secret, and `rate_limited` where an address tries too many.
        """
        digest = digest_of(secret)
        key = self.ring.get(digest)
        if key is not None and key.alive(self._clock()):
            return key
        self._refuse_if(self._failures.take(self.addresses.of(scope)), self._failures.limit, {})
        if key is None and well_formed(secret) and not self.ring.unknown(digest):
            self.ring.look_up(digest)
            key = self.ring.get(digest)
        if key is not None and key.alive(self._clock()):
            return key
        if self.ring.empty:
            raise Refused("unauthorized", _FIRST)
        raise Refused("unauthorized", "No live key of this shop; `python -m pipelines keys list` names those")

    def _key(self, told: Presented, address: str, looked_up: str | None) -> Key:
        if told.secret is None:
            self._spend_address(address)
            if self.ring.empty:
                raise Refused("unauthorized", _FIRST, headers=CHALLENGE)
            raise Refused("unauthorized", "Send a key: Authorization: Bearer sk_…, or X-API-Key", headers=CHALLENGE)
        digest = digest_of(told.secret)
        key = self.ring.get(digest)
        if key is not None and key.alive(self._clock()):
            return key
        known = key is not None or digest == looked_up or self.ring.unknown(digest)
        seen = known or not well_formed(told.secret)
        if not seen:
            self._refuse_if(self._failures.take(address), self._failures.limit, {})
            raise _Unfamiliar(digest)
        self._spend_address(address)
        state = "not known" if key is None else key.state(self._clock())
        if self.ring.empty:
            raise Refused("unauthorized", _FIRST, headers=CHALLENGE)
        told_of = f"The key is {state}; `python -m pipelines keys list` names those that are live"
        raise Refused("unauthorized", told_of, headers=CHALLENGE)

    def _spend_address(self, address: str) -> None:
        self._refuse_if(self._by_address.take(address), self._by_address.limit, {})

    def _spend_key(self, key: Key, address: str, headers: dict[str, str]) -> None:
        """Of a key that is public, an address must not use up what is there for all."""
        spent = []
        if key.kind == "pk":
            spent.append((self._by_address.limit, self._by_address.take(address)))
        if not spent or spent[0][1].allowed:
            spent.append((self._keys[key.kind].limit, self._keys[key.kind].take(key.prefix)))
        headers["RateLimit-Policy"] = ", ".join(limit.policy for limit, _ in spent)
        headers["RateLimit"] = ", ".join(f'"{limit.name}";r={left.remaining};t={left.full}' for limit, left in spent)
        for limit, left in spent:
            self._refuse_if(left, limit, headers)

    def _refuse_if(self, left: Left, limit: Limit, headers: Mapping[str, str]) -> None:
        if left.allowed:
            return
        self._limited.add(limit.name)
        told = {"RateLimit-Policy": limit.policy, "RateLimit": f'"{limit.name}";r=0;t={left.full}', **headers}
        what = f"More than {limit.rate:g} requests a second, {limit.burst:g} at once: the limit by {limit.name}"
        raise Refused("rate_limited", what, headers={**told, "Retry-After": str(left.wait)})


def _seen_by(key: Key, told: Presented) -> dict[str, str]:
    """The headers for the page of the web that asked. Raises Refused where it may not use this key."""
    if not told.browser:
        return {}
    if key.kind != "pk":
        raise Refused(
            "forbidden_origin",
            f"A page of the web sent the key {key.prefix}…, which everybody who opens the page can read. Revoke it, "
            f"`python -m pipelines keys revoke {key.prefix}`, and put a publishable key (pk) into pages.",
        )
    if told.origin is None:
        return {}
    if not cors.allowed(told.origin, key.origins):
        raise Refused("forbidden_origin", f"The key {key.prefix}… does not name {told.origin} among its origins")
    return cors.shared_with(told.origin)


def _who_has(needed: Scope | None) -> str:
    kinds = " or ".join(kind for kind, granted in GRANTS.items() if needed in granted)
    return f"a key of kind {kinds} can have it"


@contextmanager
def open_guard(
    engine: Engine, settings: Settings, secret: bytes, clock: Callable[[], datetime], metrics: Metrics
) -> Iterator[Guard]:
    """The guard of one worker, which follows the keys of the database and shares its limits with other workers.

    `secret` keys the names that limits are shared under.
    """
    rates: Mapping[Kind, float] = {
        "pk": settings.rate_publishable,
        "sk": settings.rate_secret,
        "adm": settings.rate_admin,
    }
    keys = {
        kind: Buckets(Limit("key", rate, max(1.0, rate * _BURST_SECONDS)), time.monotonic)
        for kind, rate in rates.items()
    }
    rate = settings.rate_address
    by_address = Buckets(Limit("address", rate, max(1.0, rate * _BURST_SECONDS)), time.monotonic)
    failures, pages = (
        Buckets(Limit(name, settings.rate_failures, _FAILURES_AT_ONCE), time.monotonic)
        for name in ("failures", "pages")
    )
    ring = KeyRing(KeyTable(engine), settings.refresh_seconds, metrics.refresh_failures)
    shared = SharedLimits(engine, secret, [*keys.values(), by_address, failures, pages], clock)
    exchange = Follower("limits", shared.exchange, EXCHANGE_SECONDS, metrics.refresh_failures)
    ring.start()
    exchange.start()
    try:
        addresses = Addresses(settings.trusted_proxies.split(","))
        yield Guard(ring, addresses, keys, by_address, failures, pages, clock, metrics.limited)
    finally:
        exchange.close()
        ring.close()
