"""How made customers are told from real ones: by how their ids begin.

A demonstration tells the real logs of them, so that all of it can be seen at work. Reports count them and say so; no
model of a shop learns of them.
"""

from collections.abc import Iterable

from sqlalchemy import Engine, select

from features.log import EVENTS

PREFIX = "simulated-"


def is_made(customer_id: str | None) -> bool:
    """Whether nobody stands behind this id.

    >>> is_made("simulated-0-1"), is_made("ann"), is_made(None)
    (True, False, False)
    """
    return customer_id is not None and customer_id.startswith(PREFIX)


def count(customer_ids: Iterable[str]) -> int:
    """How many of these customers were made.

    >>> count(["simulated-0-1", "ann"])
    1
    """
    return sum(map(is_made, customer_ids))


def made_ids(engine: Engine) -> frozenset[str]:
    """The ids of all made customers that the event log on `engine` knows."""
    id_ = EVENTS.c.user_id
    with engine.connect() as connection:
        found = connection.execute(select(id_).where(id_.startswith(PREFIX, autoescape=True)).distinct()).scalars()
        return frozenset(filter(is_made, found))
