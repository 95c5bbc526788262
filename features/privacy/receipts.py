"""What turns up of who was erased, in files that the worker of the job does not see: told in the job's receipt.

Each replica looks through files of its own, soon after the erasure or when it comes back, which may be long after it.
"""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Engine, select, update

from features.privacy.jobs import COUNTS, HASHES, JOBS, changing

_ERASURES = select(JOBS.c.id, JOBS.c.hashes, JOBS.c.updated_at, JOBS.c.counts).where(JOBS.c.kind == "erase")


def erased_until(engine: Engine) -> dict[str, int]:
    """The moment (microseconds) up to which everything is to be forgotten of whom a keyed hash stands for.

    That of who was taken off the suppression list again counts as well; a receipt that is gone says nothing any more.
    """
    until: dict[str, int] = {}
    with engine.connect() as connection:
        for row in connection.execute(_ERASURES):
            until |= {hash_: max(row.updated_at, until.get(hash_, 0)) for hash_ in HASHES.decode(row.hashes)}
    return until


def add_found(engine: Engine, name: str, found: Sequence[Collection[str]]) -> None:
    """Count rows under `name`, each by the hashes of its ids, in the latest erasure of its person.

    Rows of whom no erasure was about, as they were suppressed alone, are counted nowhere.
    """
    with changing(engine) as connection:
        for row in connection.execute(_ERASURES.order_by(JOBS.c.created_at.desc(), JOBS.c.id)).all():
            known = set(HASHES.decode(row.hashes))
            theirs = [hashes for hashes in found if not known.isdisjoint(hashes)]
            if theirs:
                counts = COUNTS.decode(row.counts)
                counts[name] = counts.get(name, 0) + len(theirs)
                told = {"counts": msgspec.json.encode(counts).decode()}
                connection.execute(update(JOBS).where(JOBS.c.id == row.id).values(**told))
            found = [hashes for hashes in found if known.isdisjoint(hashes)]
