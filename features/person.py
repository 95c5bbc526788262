"""A person: one customer under every id that is known to be theirs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One customer and every id that is known to be theirs."""

    customer_id: str
    user_ids: tuple[str, ...]
    anonymous_ids: tuple[str, ...]

    def did(self, user_id: str | None) -> bool:
        """Whether a record that names `user_id`, found by any of the ids, is theirs: a device may be shared."""
        return user_id is None or user_id in self.user_ids


def default_customer(user_id: str | None, anonymous_id: str | None) -> str:
    """The customer of an event as long as nobody was identified.

    >>> default_customer(None, "a1"), default_customer("u1", "a1")
    ('anonymous:a1', 'u1')
    """
    return user_id if user_id is not None else f"anonymous:{anonymous_id}"


_ANONYMOUS = default_customer(None, "")


def person_of(customer_id: str) -> Person:
    """Who a row of a table is by its customer alone, as long as nobody was joined to them since; what
    `default_customer` made of an id is taken apart.

    >>> person_of("anonymous:a1")
    Person(customer_id='anonymous:a1', user_ids=(), anonymous_ids=('a1',))
    >>> person_of("u1")
    Person(customer_id='u1', user_ids=('u1',), anonymous_ids=())
    """
    own = customer_id.removeprefix(_ANONYMOUS)
    return Person(customer_id, (), (own,)) if own != customer_id else Person(customer_id, (customer_id,), ())
