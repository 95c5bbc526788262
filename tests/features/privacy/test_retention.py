"""What is older than the settings say goes; what a reward, the history or a consent still needs stays."""

import os
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.contact import contact_of
from features.database import open_database
from features.history import FILES
from features.log import Record, from_record, microseconds, moment, to_record
from features.outcomes import outcomes
from features.people import records_of
from features.person import Person
from features.privacy.retention import Pruned, Retention, prune
from features.results import FOLDER as UNFINISHED
from tests.features.decided import decision
from tests.features.person import at, event
from tests.features.privacy.world import AS_OF, HER, HIM, World, build_world

DAY = 60 * 24


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), tmp_path)


def pruned(world: World, days_on: float = 0.0, **keep: int) -> Pruned:
    now = AS_OF + timedelta(days=days_on)
    return prune(world.engine, world.places.history, world.places.feature_data, Retention(**keep), now)


def test_without_settings_nothing_goes(world: World) -> None:
    assert pruned(world, 10_000) == Pruned()


def test_old_events_go_and_consents_and_links_stay(world: World) -> None:
    person = world.identities.person(HER, None)
    links = world.identities.table()
    before = contact_of(map(from_record, _records(world, person)), AS_OF).consents
    gone = pruned(world, 100, events=90)
    assert gone.events > 0
    left = world.events.read()
    assert {record.type for record in left if moment(record.occurred_at) < AS_OF} <= {
        "identified", "aliased", "consent_changed", "product_viewed", "erased"
    }  # fmt: skip
    assert contact_of(map(from_record, _records(world, person)), AS_OF).consents == before != {}
    world.identities.rebuild(world.events)
    assert world.identities.table() == links


def test_events_that_the_history_does_not_hold_stay(world: World) -> None:
    world.events.append([to_record(event("product_viewed", 500, "tea", user=HIM))])
    pruned(world, 100, events=1)
    assert "product_viewed-500-him-user-None-tea" in {record.key for record in world.events.read()}


def test_an_event_that_no_history_holds_as_it_cannot_be_read_goes_with_its_age(world: World) -> None:
    damaged = Record("damaged", "product_viewed", microseconds(AS_OF), microseconds(AS_OF), HIM, None, "[]")
    world.events.append([damaged])
    world.compact()
    pruned(world, 50, events=90)
    assert world.events.find("damaged") is not None
    pruned(world, 100, events=90)
    assert world.events.find("damaged") is None


def test_events_that_a_reward_may_depend_on_stay_until_it_is_final(world: World) -> None:
    world.decisions.append([decision("dec_late", 60 * DAY, user=HIM, window_hours=72)])
    world.events.append([to_record(event("order_completed", 60 * DAY + 60, "milk", user=HIM, order_id="late"))])
    world.compact()
    asked = [record for record in world.decisions.read() if record.key == "dec_late"]

    def value() -> object:
        return outcomes(world.events, world.decisions, world.identities, asked, at(70 * DAY))[0]

    known = value()
    pruned(world, 31, events=1, decisions=1)  # the window is open
    assert value() == known
    assert world.decisions.find("dec_late") is not None
    pruned(world, 40, events=1, decisions=1)
    assert world.decisions.find("dec_late") is None or "dec_late" not in {one.key for one in world.decisions.read()}


def test_what_was_shown_goes_and_decisions_stay(world: World) -> None:
    assert pruned(world, 0, shown=1).shown == 2
    kinds = [record.type for record in world.decisions.read()]
    assert kinds.count("decision") == 3
    assert "recommendation" not in kinds
    last = world.decisions.last_position()
    assert pruned(world, 100, shown=1, decisions=1).decisions == 3
    assert world.decisions.last_position() == last


def test_days_of_the_history_go_as_a_whole(world: World) -> None:
    days = {path.parts[-3] for path in world.places.history.glob(FILES)}
    assert pruned(world, -13.5, history=17).history_days == 1
    left = {path.parts[-3] for path in world.places.history.glob(FILES)}
    assert left < days
    assert min(left) > min(days)
    world.compact()
    assert {path.parts[-3] for path in world.places.history.glob(FILES)} == left


def test_the_newest_table_of_features_stays_however_old(world: World) -> None:
    folder = world.places.feature_data / "customer"
    (newest,) = folder.glob("*.parquet")
    pq.write_table(pq.read_table(newest), folder / "20200101T000000.000000Z.parquet")
    assert pruned(world, 10_000, features=1).feature_tables == 1
    assert list(folder.glob("*.parquet")) == [newest]


def test_what_a_work_left_that_failed_goes_after_a_day_without_any_setting(world: World) -> None:
    left = world.places.feature_data / UNFINISHED / "restock due" / "of-some-state"
    left.mkdir(parents=True)
    (left / "begun.json").touch()
    os.utime(left, (AS_OF.timestamp(), AS_OF.timestamp()))
    assert pruned(world, 0.9) == Pruned()
    assert left.exists()
    assert pruned(world, 1.1) == Pruned(unfinished=1)
    assert not left.exists()


def _records(world: World, person: Person) -> list:  # type: ignore[type-arg]
    return [record for _, records in records_of(world.events, [person], ()) for record in records]
