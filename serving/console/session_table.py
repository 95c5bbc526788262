"""The sessions of the console in the database: the hash of a token and whose it is, never the token."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Engine, Table, Text, delete, select, update

from features.database import metadata
from features.log import microseconds, moment

LASTS = timedelta(hours=12)
IDLE = timedelta(hours=2)
_TOUCHED_EVERY = timedelta(minutes=1)

_SESSIONS = Table(
    "console_session",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("key_prefix", Text, nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
)


@dataclass(frozen=True)
class Kept:
    """One session: whose key opened it, and until when it holds if nobody comes."""

    digest: str
    key_prefix: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime

    def alive(self, now: datetime) -> bool:
        """Whether it opens the console still: for twelve hours, and two after the last page."""
        return now < self.expires_at and now < self.seen_at + IDLE


class SessionTable:
    """What a cookie is looked up in, at every request: what ends here ends in every worker at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def begin(self, digest: str, key_prefix: str, now: datetime) -> None:
        """Keep a new session, and forget those that are over."""
        row = {
            "digest": digest,
            "key_prefix": key_prefix,
            "created_at": microseconds(now),
            "seen_at": microseconds(now),
            "expires_at": microseconds(now + LASTS),
        }
        with self.engine.begin() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.expires_at <= microseconds(now)))
            connection.execute(_SESSIONS.insert(), row)

    def find(self, digest: str, now: datetime) -> Kept | None:
        """The session of a token's hash, while it is alive; that somebody was here is written once a minute."""
        with self.engine.connect() as connection:
            row = connection.execute(select(_SESSIONS).where(_SESSIONS.c.digest == digest)).one_or_none()
        if row is None:
            return None
        kept = Kept(row.digest, row.key_prefix, moment(row.created_at), moment(row.seen_at), moment(row.expires_at))
        if not kept.alive(now):
            self.end(digest)
            return None
        if now - kept.seen_at >= _TOUCHED_EVERY:
            touched = update(_SESSIONS).where(_SESSIONS.c.digest == digest).values(seen_at=microseconds(now))
            with self.engine.begin() as connection:
                connection.execute(touched)
        return kept

    def end(self, digest: str) -> None:
        """Forget a session; the cookie that is still about opens nothing."""
        with self.engine.begin() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.digest == digest))
