"""Whose an id is: the rules, over links that events state.

An anonymous id belongs to the customer who was identified with it first (ties by id), and so does the previous id of an
`alias`: two customer ids are one person only when an `alias` says so of the two, never because they shared a device.
Both rules take minima over recorded links, so the result does not depend on the order of arrival, and taking a link
away undoes its merge.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from features.events import Body, Event
from features.log import microseconds

Link = tuple[str, str, str, int]
"""(kind, id, user id, since): from then on, in microseconds, the id is the user's; `kind` is user or anonymous."""

Seen = tuple[str, int, str | None, str | None, Body | str]
"""Of an event what links are in: type, when it occurred, user id, anonymous id, and the body or its JSON."""


class _Alias(msgspec.Struct, frozen=True, gc=False):
    """Of a `Body` what an alias is about."""

    previous_id: str | None = None


_alias = msgspec.json.Decoder(_Alias)


def seen(event: Event) -> Seen:
    """What is looked at of an event."""
    return event.type, microseconds(event.occurred_at), event.user_id, event.anonymous_id, event.body


def links_of(seen: Seen) -> list[Link]:
    """The links that one event states. The previous id of an alias may be of either kind, Segment does not tell.

    An alias of the log whose previous id cannot be read states none of it: it must not stop all that follow.

    >>> links_of(("identified", 5, "u1", "a1", "{}"))
    [('anonymous', 'a1', 'u1', 5)]
    """
    kind, since, user_id, anonymous_id, body = seen
    links: list[Link] = []
    if user_id is not None and anonymous_id is not None:
        links.append(("anonymous", anonymous_id, user_id, since))
    if kind == "aliased" and user_id is not None:
        previous = (previous_of(body) if isinstance(body, str) else body.previous_id) or user_id
        if previous != user_id:
            links += [("user", previous, user_id, since), ("anonymous", previous, user_id, since)]
    return links


def earliest(links: Iterable[Link]) -> dict[tuple[str, str, str], int]:
    """Since when each (kind, id, user id) holds."""
    found: dict[tuple[str, str, str], int] = {}
    for kind, id_, user, since in links:
        found[kind, id_, user] = min(since, found.get((kind, id_, user), since))
    return found


def owners(links: Iterable[Link]) -> dict[str, str]:
    """The customer of each id: who was identified with it, or took it over by an alias, first; ties by id.

    >>> owners([("anonymous", "a1", "u2", 5), ("anonymous", "a1", "u3", 3), ("anonymous", "a1", "u1", 5)])
    {'a1': 'u3'}
    """
    claims: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for _, id_, user, since in links:
        claims[id_].append((since, user))
    return {id_: min(claim)[1] for id_, claim in claims.items()}


def components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The smallest id of each connected component, by id (union-find).

    >>> components([("u3", "u2"), ("u2", "u1"), ("v2", "v1")])
    {'u3': 'u1', 'u2': 'u1', 'u1': 'u1', 'v2': 'v1', 'v1': 'v1'}
    """
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        parent.setdefault(id_, id_)
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {id_: root(id_) for id_ in list(parent)}


def previous_of(payload: str) -> str | None:
    """Whom an alias takes over, out of the JSON of its body; None where that cannot be read.

    >>> previous_of('{"previous_id":"u1"}')
    'u1'
    """
    try:
        return _alias.decode(payload).previous_id
    except (msgspec.MsgspecError, RecursionError):
        return None
