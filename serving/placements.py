"""Placements: a place in the shop, who is asked about it in which order, and what may stand there. Configuration.

A shop names a placement, never a model. The table below is the default, which `placement_file.py` changes. Two places
speak of the visitor himself, `recently_viewed` and `buy_again`: nobody fills in there, and a stranger finds them empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from models.recommenders.base import FittedRecommender
from models.recommenders.combinator import FittedCombinator
from models.recommenders.fallback import FittedFallback
from models.recommenders.suite import FittedSuite
from serving.rules.rules import Rules

MAIN = "main"
"""The recommender that a version was judged by: the first member of its suite."""

DUE_AGAIN = "due_again"
"""The live replenishment model as a recommender; there only where one is live."""

Ask = Literal["history", "page", "similar", "search"]
PlacementName = Literal[
    "home",
    "product",
    "cart",
    "category",
    "search",
    "email",
    "recently_viewed",
    "trending",
    "new",
    "buy_again",
    "wishlist",
]


@dataclass(frozen=True)
class Source:
    """One recommender of a placement, by its name in the published version or `main`.

    It is asked what follows from the visitor's `history`, what from the products on the `page` as if they were wanted
    right now, what is `similar` to those, or for what was `search`ed. With `same_category` it keeps to the categories
    of the page's products. A `last_resort` is asked only when no other source found anything, so that a list of what is
    new is never filled up with what is popular.
    """

    recommender: str
    ask: Ask = "history"
    same_category: bool = False
    last_resort: bool = False


@dataclass(frozen=True)
class Placement:
    """A place: `sources` in order of trust, each filling what those before left open, under one set of `rules`.

    With `keep_category`, a category in the request's context is a condition; without it, it is only told. With
    `cart_on_page`, what is in the cart is what the answer is to go with, beside the products of the page.
    """

    name: PlacementName
    sources: tuple[Source, ...]
    rules: Rules = field(default_factory=Rules)
    keep_category: bool = False
    cart_on_page: bool = False


@dataclass(frozen=True)
class Stage:
    """A source that the live version has."""

    source: Source
    model: FittedRecommender


Placements = Mapping[str, Placement]

_HOME = (Source(MAIN), Source("popularity"))
_ELSE_HOME = tuple(replace(source, last_resort=True) for source in _HOME)

DEFAULT: Placements = {
    placement.name: placement
    for placement in (
        Placement("home", _HOME),
        Placement(
            "product",
            (
                Source("content", "similar", same_category=True),
                Source("item_item", "similar", same_category=True),
                Source("rp3beta", "similar", same_category=True),
                Source("category_popularity", "page", same_category=True),
                Source("rp3beta", "page"),
                *_HOME,
            ),
            Rules(avoid_rejected=True),
        ),
        Placement(
            "cart",
            (
                Source("bought_together", "page"),
                Source("rp3beta", "page"),
                Source("category_popularity", "page"),
                *_HOME,
            ),
            cart_on_page=True,
        ),
        Placement("category", (*_HOME, Source("category_popularity")), keep_category=True),
        Placement(
            "search",
            (Source("content", "search"), Source("rp3beta", "page"), *_ELSE_HOME),
            keep_category=True,
        ),
        Placement("email", _HOME, Rules(diversity=0.3)),
        Placement("recently_viewed", (Source("recently_viewed"),)),
        Placement("trending", (Source("trending"), *_ELSE_HOME), keep_category=True),
        Placement("new", (Source("new"), *_ELSE_HOME), keep_category=True),
        Placement("buy_again", (Source(DUE_AGAIN), Source("buy_again"))),
        Placement("wishlist", (Source("item_item", "page"), Source("rp3beta", "page"), *_HOME)),
    )
}


def members(model: FittedRecommender) -> dict[str, FittedRecommender]:
    """Everybody in a published version by name, and who is `main`; a version that is no suite is its own member.

    Also what combinators are made of has a name here, unless a member of the suite has the same.
    """
    top = model.sources if isinstance(model, FittedSuite) else (model,)
    found = {MAIN: top[0]} | {member.name: member for member in top}
    for member in top:
        for part in _parts(member):
            found.setdefault(part.name, part)
    return found


def stages(placement: Placement, known: Mapping[str, FittedRecommender], fallback: bool = True) -> list[Stage]:
    """Who is asked, in order: the sources that the version has, a chain as its links, nobody twice for one thing.

    With `fallback=False`, the first of them alone. When the version has none of them, whoever is `main` answers.
    """
    found: dict[tuple[str, Ask, bool], Stage] = {}
    for source in (*placement.sources, Source(MAIN)):
        if source.recommender not in known or (found and source not in placement.sources):
            continue
        for model in _links(known[source.recommender]):
            found.setdefault((model.name, source.ask, source.same_category), Stage(source, model))
    return list(found.values())[: None if fallback else 1]


def _parts(model: FittedRecommender) -> Iterator[FittedRecommender]:
    if isinstance(model, FittedCombinator):
        for source in model.sources:
            yield source
            yield from _parts(source)


def _links(model: FittedRecommender) -> Iterator[FittedRecommender]:
    """Who answers in turn: a fallback is asked link by link here, so that it shows which of them had to fill in."""
    if isinstance(model, FittedFallback):
        for source in model.sources:
            yield from _links(source)
    else:
        yield model
