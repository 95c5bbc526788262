"""How made customers are told from real ones in a report: by how their ids begin."""

from collections.abc import Iterable

PREFIX = "simulated-"


def count(customer_ids: Iterable[str]) -> int:
    """How many of these customers were made.

    >>> count(["simulated-0-1", "ann"])
    1
    """
    return sum(id_.startswith(PREFIX) for id_ in customer_ids)
