"""Who of several workers does what only one shall do: a lease in the database, which ends by itself.

What is done under it has to bear being done twice: a holder who sleeps longer than the lease does not know that another
took over.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Engine, Table, Text, select

from features.database import insert_into, metadata, writing
from features.log import microseconds, moment

_LEASES = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
_LOCK = 7_061_776_691


class Lease:
    """The right of `owner` to do what `name` says, for `lasting` at a time."""

    def __init__(self, engine: Engine, name: str, owner: str, lasting: timedelta) -> None:
        self.engine = engine
        self.name = name
        self.owner = owner
        self.lasting = lasting

    def hold(self, now: datetime) -> bool:
        """Take it, or keep it: True for the one holder. Writes only when less than half of it is left.

        So clocks of two machines may differ by less than that half. One that ends later than twice `lasting` from now
        was written by a clock that ran far ahead, and binds nobody.
        """
        present, latest = microseconds(now), microseconds(now + 2 * self.lasting)
        with self.engine.connect() as connection:
            found = connection.execute(select(_LEASES).where(_LEASES.c.name == self.name)).one_or_none()
        if found is not None and present < found.until <= latest:
            if found.owner != self.owner:
                return False
            if found.until - present > self.lasting / timedelta(microseconds=2):
                return True
        return self._take(now)

    def holder(self) -> tuple[str, datetime] | None:
        """Who took it last, and until when; None when it was given back."""
        with self.engine.connect() as connection:
            found = connection.execute(select(_LEASES).where(_LEASES.c.name == self.name)).one_or_none()
        return None if found is None else (found.owner, moment(found.until))

    def release(self) -> None:
        """Let another begin at once."""
        with self.engine.begin() as connection:
            mine = _LEASES.c.name == self.name, _LEASES.c.owner == self.owner
            connection.execute(_LEASES.delete().where(*mine))

    def _take(self, now: datetime) -> bool:
        present, latest = microseconds(now), microseconds(now + 2 * self.lasting)
        insert = insert_into(_LEASES, self.engine.dialect.name)
        free = (_LEASES.c.owner == self.owner) | (_LEASES.c.until <= present) | (_LEASES.c.until > latest)
        taken = insert.on_conflict_do_update(
            index_elements=["name"], set_={"owner": insert.excluded.owner, "until": insert.excluded.until}, where=free
        ).returning(_LEASES.c.owner)
        with writing(self.engine, _LOCK) as connection:
            row = {"name": self.name, "owner": self.owner, "until": microseconds(now + self.lasting)}
            return connection.execute(taken, row).first() is not None
