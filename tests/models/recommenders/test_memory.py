"""What a fit needs is known before it starts, is about what it takes, and the way out is one."""

import re
import tracemalloc
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import ClassVar

import pytest

from benchmarks.fit_time import shop
from benchmarks.memory import peak
from models.recommenders.als import ALS
from models.recommenders.base import Interactions, Recommender
from models.recommenders.combinator import fit_all
from models.recommenders.ease import EASE
from models.recommenders.item_item import ItemItem
from models.recommenders.memory import Heavy, threads_that_fit
from models.recommenders.popularity import FittedPopularity, Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.sasrec import SASRec
from models.recommenders.two_stage import TwoStage

SHOP = shop(120_000, 3_000, 0)
HEAVY: tuple[Recommender, ...] = (
    EASE(min_customers=1, neighbours=50),
    ALS(iterations=1),
    RP3Beta(),
    ItemItem(),
)


@dataclass(frozen=True)
class Weighed(Popularity):
    """Popularity that says it needs so much, and remembers that it was fitted."""

    name: ClassVar[str] = "weighed"
    needed: int = 100
    fits: list[int] = field(default_factory=list, compare=False)

    def fit(self, interactions: Interactions) -> FittedPopularity:
        self.fits.append(self.needed)
        return super().fit(interactions)

    def bytes_needed(self, interactions: Interactions) -> int:
        return self.needed

    def way_out(self, interactions: Interactions, memory: int) -> str:
        return f"make do with {memory}"


@pytest.mark.parametrize("recipe", HEAVY, ids=lambda recipe: recipe.name)
def test_a_fit_takes_what_it_said_and_not_much_less(recipe: Recommender) -> None:
    assert isinstance(recipe, Heavy)
    needed = recipe.bytes_needed(SHOP)
    tracemalloc.start()
    try:
        recipe.fit(SHOP)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A fixed part for blocks of products is not filled by so small a shop.
    assert (needed - 2**26) / 3 < peak < 1.15 * needed


@pytest.mark.slow
def test_what_torch_takes_is_said_too() -> None:
    """Its tensors are no memory of Python's, so the process is looked at."""
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.apply(peak, (SASRec(epochs=1, batch=512), 120_000, 3_000))
    assert 0.5 < found.taken / found.said < 1.05


def test_what_does_not_fit_is_refused_before_anything_is_begun() -> None:
    small, large = Weighed(needed=10), Weighed(needed=5_000_000_000)
    with pytest.raises(
        ValueError, match=r"weighed over .* customers, 3,000 products and 120,000 interactions needs 5\.0 GB"
    ):
        fit_all([small, large], SHOP, memory=2_000_000_000)
    assert not small.fits
    with pytest.raises(ValueError, match=r"2\.0 GB are free: make do with 2000000000"):
        fit_all([small, large], SHOP, memory=2_000_000_000)
    fit_all([small, large], SHOP, memory=6_000_000_000)
    assert (small.fits, large.fits) == ([10], [5_000_000_000])


@pytest.mark.parametrize(("memory", "threads"), [(179, 1), (180, 2), (239, 2), (240, 3), (1_000, 3), (100, 1)])
def test_as_many_are_fitted_side_by_side_as_there_is_room_for(memory: int, threads: int) -> None:
    """By the heaviest, as nobody knows which will meet; what weighs nothing does not count."""
    parts = [Weighed(needed=needed) for needed in (60, 100, 80, 5)] + [Popularity()]
    assert threads_that_fit(parts, SHOP, 3, memory) == threads


@pytest.mark.parametrize(
    "recipe",
    [EASE(min_customers=1, neighbours=50), ALS(factors=256), TwoStage(), SASRec(batch=1024)],
    ids=lambda each: each.name,
)
def test_the_way_out_is_one(recipe: EASE | ALS | TwoStage | SASRec) -> None:
    memory = int(0.6 * recipe.bytes_needed(SHOP))
    with pytest.raises(ValueError, match="are free: take") as refused:
        threads_that_fit([recipe], SHOP, 1, memory)
    found = re.search(r"(min_customers|factors|questions|batch)=(\d+)", str(refused.value))
    assert found
    smaller = replace(recipe, **{found[1]: int(found[2])})
    assert memory / 6 < smaller.bytes_needed(SHOP) <= memory


def test_where_nothing_smaller_would_do_no_number_is_promised() -> None:
    recipe = ALS()
    assert "factors=" not in recipe.way_out(SHOP, 60 * len(SHOP.items))
    assert "batch=" not in SASRec().way_out(SHOP, 400_000_000)
