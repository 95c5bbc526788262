"""Two replicas of a shop, as `deploy/production.env` has them: PostgreSQL, Valkey, MLflow in PostgreSQL, shared files.

Each is a `bentoml serve` of its own on a port of its own, the first with two workers; a caller comes over a connection
of his own each time, which any worker may take.
"""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from features.catalog import Catalog
from features.database import open_database
from features.log import DECISIONS, EVENTS, Log, to_record
from features.store import apply, materialize, open_store
from models.evidence import Evidence, Snapshot
from models.policies.uniform import Uniform
from models.published import Version
from models.registry import Registry
from serving.settings import Settings
from tests.serving.server import Server, serving
from tests.serving.world import FEATURES, NOW, catalogue, data, orders, settings_in, suite
from tests.waiting import BEGINS, PATIENCE, until

WORKERS = {"a": 2, "b": 1}
PUBLISHABLE = 1 / 500
"""Requests a second of a publishable key: few, so that a test can use them up on any machine."""

_LIVE = re.compile(r'^kairos_model_info\{name="recommender",version="(\d+)"\}', re.MULTILINE)


@dataclass
class Replicas:
    """The two, by name; `headers` hold a key that may do everything."""

    settings: Settings
    folder: Path
    running: ExitStack
    servers: dict[str, Server] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Begin one, and end it with the others."""
        self.servers[name] = self.running.enter_context(replica(self.settings, self.folder, name))

    @property
    def headers(self) -> dict[str, str]:
        return self.servers["a"].headers

    @property
    def registry(self) -> Registry:
        return Registry(self.settings.mlflow_uri, str(self.folder / "artifacts"))

    def ask(self, name: str, method: str, path: str, **told: Any) -> httpx.Response:
        """One request to one of them, over a connection of its own."""
        return httpx.request(
            method, f"{self.servers[name].url}{path}", **{"headers": self.headers, "timeout": PATIENCE, **told}
        )

    def post(self, name: str, path: str, /, **body: Any) -> Any:
        """The body of an answer of status 2xx."""
        response = self.ask(name, "POST", path, json=body)
        assert response.is_success, response.text
        return response.json()

    def everywhere(self, asked: int = 8) -> list[httpx.Response]:
        """What all workers of both say of themselves, each most likely several times."""
        with ThreadPoolExecutor(4) as callers:
            return list(callers.map(lambda name: self.ask(name, "GET", "/v1/version"), [*"ab"] * asked))

    def live(self) -> set[str]:
        """The versions of the recommender that answer now, of every worker: each tells the others of its service."""
        found = [self.ask(name, "GET", "/metrics") for name in self.servers]
        return {version for answer in found for version in _LIVE.findall(answer.text)}

    def keys(self, table: Any) -> list[str]:
        """The keys of a log, in their order."""
        engine = open_database(self.settings.database_url)
        found = [record.key for part in Log(engine, table).scan() for record in part]
        engine.dispose()
        return found

    def events(self) -> list[str]:
        return self.keys(EVENTS)

    def decisions(self) -> list[str]:
        return self.keys(DECISIONS)

    def publish(self, half_life: float, features: tuple[str, ...] = FEATURES) -> Version:
        """Another version made of the same history."""
        registry, recipe = self.registry, suite(half_life)
        fitted, told = recipe.fit(data(self.folder)), Evidence({}, {}, Snapshot("shop", "0", NOW, NOW, 0, 0, 0))
        return registry.publish("recommender", recipe, fitted, features, told)


def settings_of(world: Path, folder: Path, postgresql_url: str, valkey: str) -> Settings:
    """The shop of `world` moved to PostgreSQL and Valkey; its files are below `folder`."""
    shutil.copytree(world, folder, ignore=shutil.ignore_patterns("artifacts", "mlflow.db"))
    admin = create_engine(driven(postgresql_url), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for name in ("replicas", "replicas_mlflow"):
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    settings = settings_in(
        folder,
        database_url=driven(postgresql_url, "replicas"),
        mlflow_uri=driven(postgresql_url, "replicas_mlflow"),
        online_store=valkey,
        refresh_seconds=0.5,
        rate_admin=1_000_000.0,
        rate_address=1_000_000.0,
        rate_failures=1_000_000.0,
        rate_publishable=PUBLISHABLE,
    )
    engine = open_database(settings.database_url)
    Log(engine, EVENTS).append([to_record(event) for event in orders()])
    Catalog(engine).upsert(catalogue(), NOW)
    engine.dispose()
    store = open_store(settings.feature_data, valkey)
    apply(store)
    materialize(store)
    shop = Replicas(settings, folder, ExitStack())
    shop.registry.promote(shop.publish(30.0), "a test", "the first", NOW)
    policy = Uniform()
    evidence = Evidence({}, {}, Snapshot("shop", "0", NOW, NOW, 0, 0, 0))
    chance = shop.registry.publish("cart-policy", policy, policy.fit(), (), evidence)
    shop.registry.promote(chance, "a test", "the first", NOW)
    return settings


@contextmanager
def replica(settings: Settings, folder: Path, name: str) -> Iterator[Server]:
    """One of them: a journal and a folder for its workers of its own, as on a machine of its own."""
    own = folder / name
    own.mkdir(exist_ok=True)
    workers = WORKERS[name]
    alone = {"journal": own / "journal", "run_folder": own / "run" if workers > 1 else None}
    overrides = json.dumps({"services": {"kairos": {"workers": workers}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENTOML_CONFIG_OVERRIDES", overrides)
        with serving(settings.model_copy(update=alone), own) as server:
            yield replace(server, folder=folder)


def ready(server: Server) -> None:
    """Wait until every worker of it answers."""

    def one() -> bool:
        try:
            return httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
        except httpx.TransportError:
            return False

    until(lambda: all(one() for _ in range(8)), f"{server.url} is ready; see {server.log}", BEGINS)


def driven(url: str, database: str | None = None) -> str:
    """The address with the driver named, as MLflow wants it."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    if database:
        address = address.set(database=database)
    return address.render_as_string(hide_password=False)
