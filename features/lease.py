"""Who of several workers does what only one shall do: a lease in the database, which ends by itself.

What is done under it has to bear being done twice: a holder who sleeps longer than the lease does not know that another
took over, until it asks.
"""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, Engine, Table, Text, select

from features.database import insert_into, metadata, writing
from features.log import moment
from features.shared_clock import present

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

        One that ends later than twice `lasting` from now was written by a clock that ran far ahead, and binds nobody.
        """
        with self.engine.connect() as connection:
            asked = select(_LEASES, present(self.engine, now).label("present")).where(_LEASES.c.name == self.name)
            found = connection.execute(asked).one_or_none()
        if found is not None and found.present < found.until <= found.present + 2 * self._lasting():
            if found.owner != self.owner:
                return False
            if found.until - found.present > self._lasting() / 2:
                return True
        return self._take(now)

    def renew(self, now: datetime) -> bool:
        """Keep what was taken: False when another took it since then, or nobody has it, which may have come after that.

        One that ended and that nobody took meanwhile is kept: no other owner ever stood there.
        """
        mine = _LEASES.c.name == self.name, _LEASES.c.owner == self.owner
        kept = _LEASES.update().where(*mine).values(until=present(self.engine, now) + self._lasting())
        with self.engine.begin() as connection:
            return connection.execute(kept).rowcount == 1

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
        instant = present(self.engine, now)
        ends = instant + self._lasting()
        insert = insert_into(_LEASES, self.engine.dialect.name)
        free = (
            (_LEASES.c.owner == self.owner)
            | (_LEASES.c.until <= instant)
            | (_LEASES.c.until > instant + 2 * self._lasting())
        )
        taken = (
            insert.values(name=self.name, owner=self.owner, until=ends)
            .on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": insert.excluded.owner, "until": insert.excluded.until},
                where=free,
            )
            .returning(_LEASES.c.owner)
        )
        with writing(self.engine, _LOCK) as connection:
            return connection.execute(taken).first() is not None

    def _lasting(self) -> int:
        return self.lasting // timedelta(microseconds=1)
