"""The calls as methods, grouped by what they are about: written once for the blocking and the async client."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, overload

from serving.calling import calls
from serving.calling.calls import Call

if TYPE_CHECKING:
    from serving.client import AsyncClient, Client

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C")


class Group(Generic[C]):
    """The calls about one thing, sent by one client."""

    def __init__(self, client: C) -> None:
        self._client = client


class Endpoint(Generic[P, T]):
    """A call as a method: of a blocking client it returns the answer, of an async one something to await."""

    def __init__(self, make: Callable[P, Call[T]]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, group: None, owner: object = None) -> Self: ...
    @overload
    def __get__(self, group: "Group[Client]", owner: object = None) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: "Group[AsyncClient]", owner: object = None) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, group: "Group[Any] | None", owner: object = None) -> Any:
        """The method of `group`; of the class, this description."""
        if group is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group._client.send(self._make(*args, **kwargs))

        call.__doc__ = self.__doc__
        return call


class Events(Group[C]):
    """What happens in the shop."""

    track = Endpoint(calls.track)
    identify = Endpoint(calls.identify)
    batch = Endpoint(calls.batch)


class Catalog(Group[C]):
    """What the shop sells."""

    put = Endpoint(calls.put_items)


class Recommendations(Group[C]):
    """What to show."""

    create = Endpoint(calls.recommend)
    batch = Endpoint(calls.recommend_batch)


class Decisions(Group[C]):
    """Whether, when, where and with what to write, and what came of it."""

    create = Endpoint(calls.decide)
    batch = Endpoint(calls.decide_batch)
    check = Endpoint(calls.check)
    activate = Endpoint(calls.activate)
    outcome = Endpoint(calls.outcome)


class Consents(Group[C]):
    """Who may be written to."""

    create = Endpoint(calls.consent)


class Carts(Group[C]):
    """What was left behind."""

    abandoned = Endpoint(calls.abandoned)


class Restock(Group[C]):
    """What is needed again."""

    forecast = Endpoint(calls.forecast)
    due = Endpoint(calls.due)
    cart = Endpoint(calls.prepare)
    feedback = Endpoint(calls.feedback)


class Groups(Generic[C]):
    """The groups of calls that both clients have."""

    def __init__(self, client: C) -> None:
        self.events: Events[C] = Events(client)
        self.catalog: Catalog[C] = Catalog(client)
        self.recommendations: Recommendations[C] = Recommendations(client)
        self.decisions: Decisions[C] = Decisions(client)
        self.consents: Consents[C] = Consents(client)
        self.carts: Carts[C] = Carts(client)
        self.restock: Restock[C] = Restock(client)
