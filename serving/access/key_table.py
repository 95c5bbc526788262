"""The keys of a shop in the database, which every worker reads and `python -m pipelines keys` writes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast, get_args

from sqlalchemy import BigInteger, Column, Engine, Row, Table, Text, or_, select, update

from features.database import metadata
from features.log import microseconds, moment
from serving.access.cors import ANYWHERE
from serving.access.keys import Issued, Key, issue
from serving.access.scopes import Kind, Scope

_KEYS = Table(
    "api_key",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("origins", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)
_SCOPES = frozenset(get_args(Scope))


class KeyTable:
    """Every key that was ever made; a revoked one stays, so that its prefix in a log still says whose it was."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def create(
        self,
        kind: Kind,
        label: str,
        now: datetime,
        scopes: Sequence[Scope] | None = None,
        origins: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> Issued:
        """Make a key. Raises ValueError for what a key of this kind cannot have."""
        issued = issue(kind, label, now, scopes, origins, expires_at)
        self._insert(issued.key)
        return issued

    def rotate(self, prefix: str, now: datetime, grace: timedelta) -> Issued:
        """A new key that may do the same; the old one lives on for `grace`, while callers change over."""
        old = self.named(prefix)
        if not old.alive(now):
            raise ValueError(f"{prefix} is {old.state(now)} and opens nothing; make a new one")
        issued = issue(old.kind, old.label, now, sorted(old.scopes), old.origins)
        self._insert(issued.key)
        ends = now + grace if old.expires_at is None else min(old.expires_at, now + grace)
        self._set(prefix, "expires_at", ends)
        return issued

    def revoke(self, prefix: str, now: datetime) -> Key:
        """End a key; every worker refuses it within its `refresh_seconds`."""
        key = self.named(prefix)
        if key.revoked_at is None:
            self._set(prefix, "revoked_at", now)
            key = replace(key, revoked_at=now)
        return key

    def named(self, prefix: str) -> Key:
        """The key of this prefix. Raises LookupError when there is none."""
        found = self._select(_KEYS.c.prefix == prefix)
        if not found:
            raise LookupError(f"no key begins with {prefix!r}; `python -m pipelines keys list` names them")
        return found[0]

    def find(self, digest: str) -> Key | None:
        """The key whose secret has this digest."""
        return next(iter(self._select(_KEYS.c.digest == digest)), None)

    def naming(self, origin: str) -> list[Key]:
        """The keys that are not revoked whose origins may name a page of the web: this one, any, or one like it."""
        written = _KEYS.c.origins
        named = or_(written.contains(origin, autoescape=True), written.contains(ANYWHERE))
        return self._select(_KEYS.c.kind == "pk", _KEYS.c.revoked_at.is_(None), named)

    def all(self) -> list[Key]:
        """Every key, the eldest first."""
        return self._select()

    def _insert(self, key: Key) -> None:
        row = {
            "prefix": key.prefix,
            "digest": key.digest,
            "kind": key.kind,
            "label": key.label,
            "scopes": " ".join(sorted(key.scopes)),
            "origins": " ".join(key.origins),
            "created_at": microseconds(key.created_at),
            "expires_at": None if key.expires_at is None else microseconds(key.expires_at),
        }
        with self.engine.begin() as connection:
            connection.execute(_KEYS.insert(), row)

    def _set(self, prefix: str, column: str, at: datetime) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(_KEYS).where(_KEYS.c.prefix == prefix).values({column: microseconds(at)}))

    def _select(self, *wanted: object) -> list[Key]:
        query = select(_KEYS).where(*wanted).order_by(_KEYS.c.created_at, _KEYS.c.prefix)  # type: ignore[arg-type]
        with self.engine.connect() as connection:
            return [_key(row) for row in connection.execute(query)]


def _key(row: Row[tuple[object, ...]]) -> Key:
    return Key(
        prefix=row.prefix,
        digest=row.digest,
        kind=cast(Kind, row.kind),
        label=row.label,
        scopes=cast(frozenset[Scope], _SCOPES.intersection(row.scopes.split())),
        origins=tuple(row.origins.split()),
        created_at=moment(row.created_at),
        expires_at=None if row.expires_at is None else moment(row.expires_at),
        revoked_at=None if row.revoked_at is None else moment(row.revoked_at),
    )
