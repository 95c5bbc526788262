"""The demo draws groups of its own, and nobody else's bank is touched."""

from pathlib import Path

from features.database import open_database
from features.decisions import DECISION
from features.log import DECISIONS, Log, Record
from pipelines.demo_groups import with_groups
from pipelines.demo_history import CARTS, RUN, WEEKS
from pipelines.policies import decider
from pipelines.settings import Settings


def test_every_group_of_the_demo_has_somebody_in_it(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'kairos.db'}")
    found = with_groups(settings, tmp_path / "var" / "bank.toml")
    shares = decider(found, "cart-policy").shares
    assert min(shares.values()) * WEEKS * CARTS > 40
    assert shares["policy"] > 0.5
    assert with_groups(found, tmp_path / "other.toml") is found
    assert not (tmp_path / "other.toml").exists()


def test_groups_that_an_earlier_demo_drew_stay_as_they_are(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'kairos.db'}")
    log = Log(open_database(settings.database_url), DECISIONS)
    log.append([Record("last", DECISION, 2, 2, f"{RUN}-{WEEKS * CARTS - 1}", None, "{}")])
    assert with_groups(settings, tmp_path / "bank.toml") is settings
