"""The keys that are live, in memory: read again every few seconds, so that a revoked key stops in every worker."""

import hmac
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from serving.access.cors import allowed
from serving.access.key_table import KeyTable
from serving.access.keys import Key
from serving.follower import Follower
from serving.measures import Counter

_UNKNOWN_KEPT = 10_000


class KeyRing:
    """What is known of keys here. A key made since the last look is looked for once, when it first comes.

    Of digests that no key has, and pages that no key names, the latest 10,000 are remembered until the next look, so
    that repeating a wrong one costs no query; how many different ones may be tried is the business of a limit. When the
    database cannot be read, what was known stays: a key that is revoked meanwhile lives until it can be read again.
    """

    def __init__(self, table: KeyTable, seconds: float, failures: Counter) -> None:
        self._table = table
        self._keys: dict[str, Key] = {}
        self._origins: frozenset[str] = frozenset()
        self._unknown: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._follower = Follower("keys", self.refresh, seconds, failures)

    def start(self) -> None:
        """Read the keys, then follow them."""
        self.refresh()
        self._follower.start()

    def close(self) -> None:
        """Follow no longer."""
        self._follower.close()

    @property
    def empty(self) -> bool:
        """Whether the shop has no key at all yet."""
        return not self._keys

    @property
    def origins(self) -> frozenset[str]:
        """The pages of the web that some publishable key known here names, of whatever key that is not revoked."""
        return self._origins

    def refresh(self) -> None:
        """Read every key. What is found here meanwhile stays, as it may have been made after they were read."""
        before = self._keys
        read = {key.digest: key for key in self._table.all()}
        with self._lock:
            meanwhile = {digest: key for digest, key in self._keys.items() if digest not in before}
            keys = {**meanwhile, **read}
            self._keys, self._origins = keys, _origins_of(keys)
            self._unknown.clear()

    def get(self, digest: str) -> Key | None:
        """The key of a digest, as far as it is known here.

        The dictionary finds by a hash of the digest; what it found is compared in constant time. Neither tells anything
        about the secret, of which the digest says nothing.
        """
        key = self._keys.get(digest)
        return key if key is not None and hmac.compare_digest(key.digest, digest) else None

    def named(self, prefix: str) -> Key | None:
        """The key that begins so, if there is one; for a session that began with it. Blocks when it is not known here.

        Another worker may have let it in before this one has heard of it.
        """
        for key in self._keys.values():
            if key.prefix == prefix:
                return key
        try:
            return self._table.named(prefix)
        except LookupError:
            return None

    def unknown(self, asked: str) -> bool:
        """Whether a digest was looked for already, and no key has it, or a page of the web, which no key names."""
        return asked in self._unknown

    def look_up(self, digest: str) -> None:
        """Ask the database; afterwards it is known or `unknown`. Blocks, so not from the event loop.

        It waits for its own query and for nobody else's: a database may hang for one connection and not for the next.
        """
        key = self._table.find(digest)
        self._learn(digest, [key] if key is not None else [])

    def look_for_page(self, origin: str) -> None:
        """The same for a page of the web that no key names which is known here."""
        self._learn(origin, [key for key in self._table.naming(origin) if allowed(origin, key.origins)])

    def _learn(self, asked: str, found: Sequence[Key]) -> None:
        with self._lock:
            if not found:
                self._unknown[asked] = None
                if len(self._unknown) > _UNKNOWN_KEPT:
                    self._unknown.popitem(last=False)
            else:
                # what was read with all others meanwhile may be newer
                keys = {**{key.digest: key for key in found}, **self._keys}
                self._keys, self._origins = keys, _origins_of(keys)


def _origins_of(keys: Mapping[str, Key]) -> frozenset[str]:
    return frozenset(origin for key in keys.values() if key.revoked_at is None for origin in key.origins)
