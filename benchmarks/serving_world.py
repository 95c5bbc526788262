"""The shop that serving is measured on: Complete Journey's 20,000 most bought products, live below one folder.

Everything is real: the households' orders in the log, their features online, the catalogue, and a ranker of LightGBM
(100 trees of 31 leaves) in the registry, once over some 50 candidates and once over some 200.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from features.catalog import Catalog
from features.database import open_database
from features.definitions import RECOMMENDER_FEATURES
from features.events import Event
from features.identity import Identities
from features.log import EVENTS, Log, from_record, to_record
from models.evidence import Evidence
from models.published import CHAMPION
from models.recommenders.popularity import Popularity
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.suite import Suite
from models.recommenders.two_stage import TwoStage
from models.registry import Registry
from pipelines.refresh import build_features, compact_history, end_of_history, materialize_features
from pipelines.settings import Settings
from training.reading import read
from training.recommender import snapshot

PRODUCTS = 20_000
END = datetime(2018, 1, 2, tzinfo=UTC)
"""The year of the households is over by then; what the demo itself orders is of today, and no past to learn from."""

NAME = "recommender"
DEPTHS = {50: (45, 15), 200: (180, 40)}
"""How many of each source are ranked, so that about as many candidates as the key come together."""


def settings_of(folder: Path) -> Settings:
    """Where everything of the shop stands."""
    return Settings(
        database_url=f"sqlite:///{folder / 'kairos.db'}",
        history=folder / "history",
        feature_data=folder / "features",
        mlflow_uri=f"sqlite:///{folder / 'mlflow.db'}",
        mlflow_artifacts=str(folder / "artifacts"),
        journal=folder / "journal",
        privacy_key=folder / "privacy.key",
    )


def build(folder: Path, demo: Settings, products: int = PRODUCTS) -> None:
    """Make the shop of the database that `make demo` has filled; takes minutes. A folder that is complete is kept."""
    done = folder / "done"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    settings = settings_of(folder)
    source, target = open_database(demo.database_url), open_database(settings.database_url)
    bought: Counter[str] = Counter()
    for events in _events(Log(source, EVENTS)):
        bought.update(line.product_id for event in events for line in event.body.lines)
    kept = {id_ for id_, _ in bought.most_common(products)}
    log = Log(target, EVENTS)
    for events in _events(Log(source, EVENTS)):
        log.append([to_record(found) for event in events if (found := _only(event, kept))])
    known = Catalog(source).changed_since(0).products
    Catalog(target).upsert([product for product in known if product.product_id in kept], datetime.now(UTC))
    compact_history(settings, lambda _: None)
    end = end_of_history(settings)
    build_features(settings, end, end)
    materialize_features(settings, lambda _: None)
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    data = read(settings.history, Identities(target).table(), end).data
    for candidates, (depth, others) in DEPTHS.items():
        ranker = TwoStage((RP3Beta(), Popularity()), depth=depth, others=others)
        suite = Suite((ranker, Popularity()))
        told = Evidence({"candidates": candidates}, {}, snapshot(data, end))
        registry.publish(NAME, suite, suite.fit(data), RECOMMENDER_FEATURES, told)
    done.touch()


def promote(folder: Path, candidates: int) -> None:
    """Make the ranker of so many candidates the champion."""
    settings = settings_of(folder)
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    number = 1 + list(DEPTHS).index(candidates)
    live = registry.alias(NAME, CHAMPION)
    if live is None or live.number != str(number):
        registry.promote(registry.version(NAME, str(number)), "benchmark", "to be measured", datetime.now(UTC))


def customers(folder: Path) -> list[str]:
    """Whom to ask about: everybody who has bought anything."""
    log = Log(open_database(settings_of(folder).database_url), EVENTS)
    return sorted({record.user_id for records in log.scan() for record in records if record.user_id})


def _events(log: Log) -> Iterator[list[Event]]:
    for records in log.scan():
        yield [from_record(record) for record in records]


def _only(event: Event, kept: set[str]) -> Event | None:
    lines = tuple(line for line in event.body.lines if line.product_id in kept and event.occurred_at < END)
    body = msgspec.structs.replace(event.body, lines=lines)
    return msgspec.structs.replace(event, body=body) if lines else None
