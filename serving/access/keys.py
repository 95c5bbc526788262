"""API keys: how a secret is made, and what is kept of it. The secret itself is shown once and kept nowhere."""

import hashlib
import re
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from serving.access.scopes import GRANTS, Kind, Scope

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43
"""Of 62 letters: 256 bits."""

_SHOWN = 8
"""Letters of the secret that name the key in lists and logs; 208 bits remain to be guessed."""

_FORM = re.compile(r"(?:pk|sk|adm)_[A-Za-z0-9]{43}")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?|\*")


@dataclass(frozen=True)
class Key:
    """What is kept of a key. `prefix` names it; `origins` are the pages of the web that may send a publishable one."""

    prefix: str
    digest: str
    kind: Kind
    label: str
    scopes: frozenset[Scope]
    origins: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def alive(self, now: datetime) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def state(self, now: datetime) -> str:
        """The same in a word."""
        return "live" if self.alive(now) else "expired" if self.revoked_at is None else "revoked"


@dataclass(frozen=True)
class Issued:
    """A new key with its secret, which nobody can read again."""

    key: Key
    secret: str


def digest_of(secret: str) -> str:
    """What is kept in place of a secret. SHA-256 without salt is enough, as no two secrets are alike or guessable."""
    return hashlib.sha256(secret.encode()).hexdigest()


def well_formed(secret: str) -> bool:
    """Whether it could be a key of ours; anything else needs no look into the database.

    >>> well_formed("sk_" + "a" * 43), well_formed("sk_secret")
    (True, False)
    """
    return _FORM.fullmatch(secret) is not None


def is_origin(text: str) -> bool:
    """Whether a key could name it as a page of the web, as a browser writes it; `*` is any.

    >>> is_origin("https://shop.example"), is_origin("null")
    (True, False)
    """
    return _ORIGIN.fullmatch(text) is not None


def issue(
    kind: Kind,
    label: str,
    now: datetime,
    scopes: Sequence[Scope] | None = None,
    origins: Sequence[str] = (),
    expires_at: datetime | None = None,
) -> Issued:
    """A new key that may do what its kind may, or only `scopes` of that.

    Raises ValueError for a kind, a scope or an origin that there is not, or that does not go with the kind.
    """
    if kind not in GRANTS:
        raise ValueError(f"there is no kind {kind!r} of keys; there are {', '.join(GRANTS)}")
    granted = GRANTS[kind] if scopes is None else frozenset(scopes)
    if beyond := granted - GRANTS[kind]:
        may = ", ".join(sorted(GRANTS[kind]))
        raise ValueError(f"a key of kind {kind} cannot have {', '.join(sorted(beyond))}; it can have {may}")
    if not granted:
        raise ValueError("a key without any scope opens nothing; leave out the scopes for all of its kind")
    if origins and kind != "pk":
        raise ValueError("only a publishable key, of kind pk, belongs into a browser and has origins")
    for origin in origins:
        if not is_origin(origin):
            raise ValueError(f"{origin!r} is no origin; write it as the browser does: https://shop.example")
    if expires_at is not None and expires_at <= now:
        raise ValueError(f"it would have expired at {expires_at.isoformat()} already")
    secret = f"{kind}_{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"
    prefix = secret[: len(kind) + 1 + _SHOWN]
    return Issued(Key(prefix, digest_of(secret), kind, label, granted, tuple(origins), now, expires_at), secret)
