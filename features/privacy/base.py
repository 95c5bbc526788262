"""What every place that holds something about persons can do: tell what it holds of one, and forget it.

Forgetting is idempotent and leaves nothing half done, so a run that was killed is made good by doing it again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from features.person import Person, default_customer

Row = Mapping[str, Any]
"""What is held, in words that a person can read; it can be written as JSON."""


class Store(Protocol):
    """One place."""

    @property
    def name(self) -> str:
        """That of its section in an export and in a receipt."""
        ...

    def held(self, person: Person) -> Iterator[Row]:
        """Everything that is held about a person."""
        ...

    def erase(self, person: Person) -> None:
        """Forget it all."""
        ...


def customers(person: Person) -> list[str]:
    """Every customer id under which rows about a person may stand, also such as were made before ids were joined.

    >>> customers(Person("u1", ("u1", "u2"), ("a1",)))
    ['anonymous:a1', 'u1', 'u2']
    """
    visitors = (default_customer(None, id_) for id_ in person.anonymous_ids)
    return sorted({person.customer_id, *person.user_ids, *visitors})
