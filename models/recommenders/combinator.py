"""Recommenders made of recommenders: what they share is fitted, saved, restored and extended once.

A recipe may stand in several places of a tree (RP3beta as a source of the ranker and as a fallback); since recipes are
values, equal ones are one model.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.arrays import Ids
from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.memory import threads_that_fit

Fitted = tuple[FittedRecommender, ...]
Fit = Callable[[Recommender, Interactions], FittedRecommender]
"""How a recipe that is made of no others is fitted: here, or by many elsewhere."""


@runtime_checkable
class Combinator(Protocol):
    """A recipe whose `sources` are recipes. Their fitted models come first, then its own part."""

    @property
    def sources(self) -> tuple[Recommender, ...]:
        """The recipes inside."""
        ...

    def fit_over(self, sources: Fitted, interactions: Interactions) -> "FittedCombinator":
        """Learn its own part; `sources` were fitted on the same `interactions`."""
        ...

    def restore_over(self, sources: Fitted, arrays: dict[str, NDArray[Any]]) -> "FittedCombinator":
        """The fitted model whose `own_arrays()` were saved, over restored sources."""
        ...


@runtime_checkable
class FittedCombinator(FittedRecommender, Protocol):
    """A fitted model over fitted `sources`, which all know the same products."""

    @property
    def recipe(self) -> Recommender:
        """What it was fitted by."""
        ...

    @property
    def sources(self) -> Fitted:
        """In the order of the recipe's."""
        ...

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """What was fitted beside the sources."""
        ...

    def over(self, sources: Fitted, catalogue: Catalogue) -> Self:
        """The same model over other sources, which know the products of `catalogue` too."""
        ...


class Combined:
    """What the recipes have in common that are made of recipes."""

    def fit(self: Recommender, interactions: Interactions) -> FittedRecommender:
        """Fit every source, and its own part over them."""
        return fit(self, interactions)

    def restore(self: Recommender, arrays: dict[str, NDArray[Any]]) -> FittedRecommender:
        """The fitted model whose `arrays()` were saved."""
        return restore(self, arrays)


class FittedCombined:
    """What their fitted models have in common; each names its `recipe` and `sources` as fields."""

    recipe: Any
    sources: Fitted

    @property
    def item_ids(self) -> Ids:
        """The products of all sources."""
        return self.sources[0].item_ids

    @property
    def until(self) -> float:
        """The latest end of any source's data."""
        return max(source.until for source in self.sources)

    def arrays(self: FittedCombinator) -> dict[str, NDArray[Any]]:
        """Those of all sources, and its own."""
        return arrays(self.recipe, self)

    def extended(self: FittedCombinator, catalogue: Catalogue) -> FittedRecommender:
        """Every source over the products of `catalogue` too."""
        return extended(self.recipe, self, catalogue)

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """Nothing beside the sources, unless it learned something."""
        return {}


def one_shop(sources: Fitted) -> None:
    """Raises ValueError where a source knows other products than the first one."""
    for source in sources[1:]:
        if not np.array_equal(source.item_ids, sources[0].item_ids):
            raise ValueError(f"{source.name} knows other products than {sources[0].name}; fit both on the same")


def fit(recipe: Recommender, interactions: Interactions) -> FittedRecommender:
    """Fit a tree of recipes, each distinct one once."""
    return fit_all([recipe], interactions)[recipe]


def here(recipe: Recommender, interactions: Interactions) -> FittedRecommender:
    """In this process."""
    return recipe.fit(interactions)


def fit_all(
    recipes: Iterable[Recommender],
    interactions: Interactions,
    threads: int = 2,
    memory: int | None = None,
    by: Fit = here,
) -> dict[Recommender, FittedRecommender]:
    """Fit several trees of recipes, each distinct recipe in them once, `threads` of them side by side.

    Sorting, trees and linear algebra let go of Python's lock, so two threads use two cores; what is learned is the
    same. As many matrices are in memory at once: with `memory` (bytes that are free) only as many as fit are made side
    by side, and ValueError is raised before the first fit when one alone does not.
    """
    parts = list(dict.fromkeys(part for recipe in recipes for part in distinct(recipe)))
    if memory is not None:
        threads = threads_that_fit(parts, interactions, threads, memory)
    if threads < 2 or len(parts) < 2:
        known: dict[Recommender, FittedRecommender] = {}
        for part in parts:
            known[part] = _fitted(part, known, interactions, by)
        return known
    # BLAS has threads of its own: two fits with two each would wait for each other on two cores.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads, thread_name_prefix="fit") as pool:
        fits: dict[Recommender, Future[FittedRecommender]] = {}

        def fitted(part: Recommender) -> FittedRecommender:
            sources = part.sources if isinstance(part, Combinator) else ()
            return _fitted(part, {source: fits[source].result() for source in sources}, interactions, by)

        # Sources begin before what is made of them, so whoever waits does so for one that is at work.
        for part in sorted(parts, key=lambda part: isinstance(part, Combinator)):
            fits[part] = pool.submit(fitted, part)
        try:
            return {part: fits[part].result() for part in parts}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fitted(
    part: Recommender, known: Mapping[Recommender, FittedRecommender], interactions: Interactions, by: Fit
) -> FittedRecommender:
    """Of a recipe whose sources are fitted."""
    if isinstance(part, Combinator):
        return part.fit_over(tuple(known[source] for source in part.sources), interactions)
    return by(part, interactions)


def arrays(recipe: Recommender, fitted: FittedRecommender) -> dict[str, NDArray[Any]]:
    """Those of every distinct recipe behind its place in `distinct(recipe)`: `0.weights`; the ids once."""
    models = _models(recipe, fitted)
    found: dict[str, NDArray[Any]] = {"item_ids": fitted.item_ids}
    for place, part in enumerate(distinct(recipe)):
        model = models[part]
        own = model.own_arrays() if isinstance(model, FittedCombinator) else model.arrays()
        found |= {f"{place}.{name}": array for name, array in own.items() if name != "item_ids"}
    return found


def restore(recipe: Recommender, saved: dict[str, NDArray[Any]]) -> FittedRecommender:
    """The fitted tree whose `arrays` were saved."""
    known: dict[Recommender, FittedRecommender] = {}
    for place, part in enumerate(distinct(recipe)):
        prefix = f"{place}."
        own = {name.removeprefix(prefix): array for name, array in saved.items() if name.startswith(prefix)}
        own["item_ids"] = saved["item_ids"]
        if isinstance(part, Combinator):
            known[part] = part.restore_over(tuple(known[source] for source in part.sources), own)
        else:
            known[part] = part.restore(own)
    return known[recipe]


def extended(recipe: Recommender, fitted: FittedRecommender, catalogue: Catalogue) -> FittedRecommender:
    """The tree over its own products and those of `catalogue`, each distinct model extended once."""
    models = _models(recipe, fitted)
    known: dict[Recommender, FittedRecommender] = {}
    for part in distinct(recipe):
        model = models[part]
        if isinstance(part, Combinator) and isinstance(model, FittedCombinator):
            known[part] = model.over(tuple(known[source] for source in part.sources), catalogue)
        else:
            known[part] = model.extended(catalogue)
    return known[recipe]


def distinct(recipe: Recommender) -> list[Recommender]:
    """Every recipe of a tree once, sources before what is made of them."""
    found: dict[Recommender, None] = {}
    if isinstance(recipe, Combinator):
        for source in recipe.sources:
            found |= dict.fromkeys(distinct(source))
    return [*found, recipe]


def _models(recipe: Recommender, fitted: FittedRecommender) -> dict[Recommender, FittedRecommender]:
    """The fitted model of each distinct recipe of a tree."""
    found = {recipe: fitted}
    if isinstance(recipe, Combinator) and isinstance(fitted, FittedCombinator):
        for source, model in zip(recipe.sources, fitted.sources, strict=True):
            found |= _models(source, model)
    return found
