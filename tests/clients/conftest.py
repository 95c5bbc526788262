"""One running service for all pages, over a shop whose bank lets a message about a cart go out at any hour."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.database import open_database
from features.log import EVENTS, Log, Record
from serving.client import Client
from tests.clients.pages import ROOT, snippet
from tests.serving.server import Server, serving
from tests.serving.world import SELDOM, copy_world, settings_in
from tests.waiting import PATIENCE, until

BANK = """
[channels.email]
quiet = false
[points.cart_recovery]
delays = ["1h", "24h", "48h"]
rule = [{ channel = "email", delay = "1h", argument = "reminder" }]
[groups]
random = 0.0
holdout = 0.0
"""


@dataclass(frozen=True)
class Keys:
    """What the first page makes: one for a back end, one for pages."""

    secret: str
    publishable: str


@pytest.fixture(scope="package")
def server(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = copy_world(world, tmp_path_factory.mktemp("clients") / "shop")
    bank = folder / "bank.toml"
    bank.write_text(BANK)
    with serving(settings_in(folder, action_bank=bank, refresh_seconds=SELDOM), folder) as found:
        until(lambda: found.client.get("/readyz").status_code == 200, "the service is ready")
        yield found


@pytest.fixture(scope="package")
def keys(server: Server) -> Keys:
    """The lines of the page, run by a shell; `python` is this one."""
    script = snippet("README.md", "keys") + '\necho "$SECRET"; echo "$PUBLISHABLE"\n'
    script = re.sub(r"\bpython\b", sys.executable, script)
    told = {**os.environ, "KAIROS_DATABASE_URL": f"sqlite:///{server.folder / 'kairos.db'}"}
    run = subprocess.run(
        ["sh", "-e", "-c", script], cwd=ROOT, env=told, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    secret, publishable = run.stdout.split()
    return Keys(secret, publishable)


@pytest.fixture
def kairos(server: Server, keys: Keys) -> Iterator[Client]:
    with Client(server.url, keys.secret, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def logged(server: Server) -> Callable[[str], list[Record]]:
    """The events of one person, by user or anonymous id, as they are on disk."""

    def of(person: str) -> list[Record]:
        engine = open_database(f"sqlite:///{server.folder / 'kairos.db'}")
        found = [
            one for part in Log(engine, EVENTS).scan() for one in part if person in (one.user_id, one.anonymous_id)
        ]
        engine.dispose()
        return found

    return of


@pytest.fixture
def left_behind(kairos: Client) -> Callable[[str], None]:
    """Leaves a cart, so long ago that a message about it is due."""

    def leave(user_id: str) -> None:
        product: dict[str, Any] = {"product_id": "tea-1", "quantity": 1, "price": 3.5, "currency": "EUR"}
        at = datetime.now(UTC) - timedelta(hours=3)
        told = kairos.events.track(event="Product Added", user_id=user_id, properties=product, timestamp=at)
        assert told.accepted == 1

    return leave
