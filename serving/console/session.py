"""Who looks at the console: the name, the role, the language, and what the key behind it may do."""

from dataclasses import dataclass
from typing import Literal

from serving.access.scopes import Scope

Role = Literal["viewer", "administrator"]


def role_of(scopes: frozenset[Scope]) -> Role:
    """An administrator may change which model is live; a viewer looks."""
    return "administrator" if "admin" in scopes else "viewer"


@dataclass(frozen=True)
class Session:
    """One person at one request; what it may do was read from the key in this very request.

    `actor` is the prefix of a key, or the name that a proxy told. `csrf` goes into every form, and into `X-CSRF-Token`
    of every other change.
    """

    actor: str
    scopes: frozenset[Scope]
    locale: str
    csrf: str

    @property
    def role(self) -> Role:
        """What the scopes make of whoever looks."""
        return role_of(self.scopes)

    @property
    def sees_customers(self) -> bool:
        """Whether pages about single customers open."""
        return "customers:read" in self.scopes
