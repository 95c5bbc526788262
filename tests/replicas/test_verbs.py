"""Two of a kind at once, as processes over one PostgreSQL: one works, the other waits or says so."""

import shutil
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from features.database import open_database
from features.history import FILES
from features.log import EVENTS, Log, to_record
from models.line import base_of
from models.promotion import promote
from models.published import CHALLENGER, CHAMPION, Version
from models.registry import Registry
from pipelines.settings import Settings
from tests.replicas.verb import verb
from tests.replicas.world import driven
from tests.serving.world import orders
from tests.training.policy.planted import MODEL, START, Planted, hours, logs_at
from tests.training.policy.test_learn import RULE, days_of_mail, same
from tests.waiting import BEGINS, until
from training.policy.train import train

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path, empty_mlflow: Path, postgresql_url: str) -> Settings:
    """A shop whose logs are in a PostgreSQL database of its own."""
    admin = create_engine(driven(postgresql_url), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS verbs WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE verbs"))
    admin.dispose()
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    return Settings(
        database_url=driven(postgresql_url, "verbs"),
        history=tmp_path / "history",
        feature_data=tmp_path / "features",
        mlflow_uri=f"sqlite:///{tmp_path / 'mlflow.db'}",
        mlflow_artifacts=str(tmp_path / "artifacts"),
        history_buckets=2,
    )


def live(registry: Registry) -> Version:
    found = registry.alias(MODEL, CHAMPION)
    assert found is not None
    return found


def knows_each_once(registry: Registry, shop: Planted) -> bool:
    """Whether what is live knows all that was decided, and everything once."""
    version = live(registry)
    base = registry.version(MODEL, base_of(version))
    return same(registry, version, shop.history(datetime.now(UTC)), base)


def waits(log: Path, holder: "subprocess.Popen[bytes]") -> bool:
    """Whether a verb told in its `log` that another process does what it would do."""
    return f"process {holder.pid} does this now" in log.read_text().replace("\n", " ")


def test_of_two_learners_one_learns_and_the_other_goes_on_when_it_is_killed(settings: Settings, tmp_path: Path) -> None:
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    shop = Planted(logs_at(settings.database_url))
    train(MODEL, shop.history(START), RULE, registry, 0)
    promote(registry, MODEL, None, "ann", "it does as the shop did", START)
    days_of_mail(shop, 20)
    assert shop.logs.decisions.last_position() == 20
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    loop = "learn", MODEL, "--every", "1", "--json"
    with verb(settings, one, *loop) as first:
        until(lambda: "live" in one.read_text(), "the first learns", BEGINS)
        with verb(settings, two, *loop) as second:
            until(lambda: waits(two, first) or waits(one, second), "one says that the other does", BEGINS)
            assert knows_each_once(registry, shop)
            # whoever sleeps for longer than the lease lasts finds that the other has it
            holder, other, log = (second, first, one) if waits(one, second) else (first, second, two)
            said = log.read_text().count("live")
            holder.kill()
            holder.wait()
            shop.ordered("c1", START + hours(31), "40")
            assert shop.logs.events.last_position() > 0
            until(lambda: log.read_text().count("live") > said, "the other goes on", BEGINS)
            until(lambda: knows_each_once(registry, shop), "nothing is lost, and nothing counts twice", BEGINS)
            assert other.poll() is None
    known = registry.versions(MODEL)
    assert len(known) == 3, "the base, what the first made of it, what the second did"
    shop.logs.decisions.engine.dispose()


def test_of_two_who_compact_at_once_one_works_or_both_in_turn(settings: Settings, tmp_path: Path) -> None:
    engine = open_database(settings.database_url)
    log = Log(engine, EVENTS)
    log.append([to_record(event) for event in orders()])
    told = [tmp_path / f"{number}.log" for number in range(2)]
    with ExitStack() as stack:
        both = [stack.enter_context(verb(settings, path, "compact")) for path in told]
        codes = [process.wait(BEGINS) for process in both]
    for code, path in zip(codes, told, strict=True):
        assert code == 0 or "history: " in path.read_text()
    if 0 not in codes:  # it slept for longer than its lease lasts, and says what to do
        slept = [path for path in told if "run it again" in path.read_text().replace("\n", " ")]
        assert slept, told[0].read_text()
        with verb(settings, slept[0], "compact") as again:
            assert again.wait(BEGINS) == 0, slept[0].read_text()
    keys = [key for path in settings.history.glob(FILES) for key in pq.read_table(path, partitioning=None)["position"]]
    lines = sum(len(event.body.lines) for event in orders())
    assert len(keys) == lines
    assert len(set(map(str, keys))) == log.last_position()
    engine.dispose()


def test_of_two_who_train_at_once_both_are_published_whole(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").unlink()  # as on a new installation, where one makes MLflow's tables
    told = [tmp_path / f"{number}.log" for number in range(2)]
    with ExitStack() as stack:
        fresh = "train", "policy", MODEL, "--fresh"
        both = [stack.enter_context(verb(settings, path, *fresh)) for path in told]
        assert [process.wait(BEGINS) for process in both] == [0, 0], "".join(path.read_text() for path in told)
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    versions = registry.versions(MODEL)
    assert [version.number for version in versions] == ["2", "1"]
    assert all(registry.load(version).model is not None for version in versions)
    challenger = registry.alias(MODEL, CHALLENGER)
    assert challenger is not None
    assert challenger.tags["gate"]
    assert registry.alias(MODEL, CHAMPION) is None
