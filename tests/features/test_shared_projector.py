"""Many projectors write what one alone would have written, whoever feeds and whoever pushes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from feast import FeatureStore

import features.shared_projector
from features.compute import NOBODY
from features.history import compact
from features.log import Log
from features.newer_rows import client_of
from features.projector import Lag, Step
from features.recent import recents_of
from features.recent_rows import base_of, write_recents
from features.snapshots import build
from features.store import apply, materialize, open_store
from tests.features.pushed import Served, at_rest, projector, rows, serving
from tests.features.shop import day, happened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shop")) as served:
        yield served


@pytest.fixture
def shop(served: Served, tmp_path: Path) -> Iterator[tuple[Log, FeatureStore]]:
    log, store = served.log(f"sqlite:///{tmp_path / 'kairos.db'}"), served.online()
    yield log, store
    log.engine.dispose()


def test_one_feeds_and_whoever_steps_pushes(shop: tuple[Log, FeatureStore], monkeypatch: pytest.MonkeyPatch) -> None:
    log, store = shop
    monkeypatch.setattr(features.shared_projector, "EVENTS_AT_ONCE", 2)
    one, other = projector(log, store, "one", timedelta(hours=1)), projector(log, store, "other", timedelta(hours=1))
    assert one.step(day(11)) == Step(joins=True)
    log.append([happened(kind, "u1", 11, "rye") for kind in ("product_viewed", "page_viewed", "product_viewed")])
    log.append([happened("product_viewed", "?b", 11, "rye")])
    assert one.lag() == Lag(4, day(11)), "nothing is in the stream yet"
    assert one.step(day(11)) == Step(pushed=1, more=True, joins=True)
    assert one.lag() == Lag(2, day(11), waiting=1)
    assert other.step(day(11)) == Step(pushed=2, more=True, held=False, joins=True)
    assert one.lag() == other.lag() == Lag(0)
    assert (one.step(day(11)).more, other.step(day(11)).more) == (False, False)
    found = rows(log, store)
    assert {id_: [record.position for record in row.records] for id_, row in found.items()} == {
        "u1": [4, 6],
        "anonymous:b": [7],
    }
    assert found["u1"].position == 7, "a row knows the log as it stood when it was made"
    one.close()
    log.append([happened("product_viewed", "u1", 11, "rye")])
    assert other.step(day(11)).pushed == 1


def test_without_features_nothing_is_fed_and_what_they_know_is_not_pushed(served: Served, tmp_path: Path) -> None:
    log = served.log()
    empty = replace(served, folder=tmp_path).store()
    client_of(empty).flushdb()
    alone = projector(log, empty, "one")
    with pytest.raises(LookupError, match="materialize"):
        alone.step(day(11))
    store = served.store()
    apply(store)
    alone = projector(log, store, "one")
    log.append([happened("product_viewed", "u1", 11, "rye")])
    assert alone.step(day(11)) == Step(joins=True)
    assert alone.lag() == Lag(0)
    materialize(store)
    assert alone.step(day(11)).pushed == 1
    assert rows(log, store).keys() == {"u1"}
    log.engine.dispose()


def test_a_range_that_the_features_came_to_know_meanwhile_is_done_without_a_row(
    shop: tuple[Log, FeatureStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, store = shop
    log.append([happened("product_viewed", "u1", 11, "rye")])
    with monkeypatch.context() as patched:
        patched.setattr(features.shared_projector, "push", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            projector(log, store, "one").step(day(11))
    again = open_store(tmp_path / "features", store.config.online_store.connection_string)
    compact(log, tmp_path / "history", 2)
    build(tmp_path / "history", NOBODY, tmp_path / "features", day(12))
    apply(again)
    materialize(again)
    done = projector(log, again, "one").step(day(12))
    assert (done.pushed, done.taken_over) == (0, 1)
    assert rows(log, again) == {}


def test_an_event_that_cannot_be_read_and_a_row_that_is_refused_stop_nothing(
    shop: tuple[Log, FeatureStore], caplog: pytest.LogCaptureFixture
) -> None:
    log, store = shop
    alone = projector(log, store, "one")
    poison = replace(happened("product_viewed", "u1", 11, "rye"), payload="{")
    log.append([happened("product_viewed", "u1", 11, "rye"), poison, happened("product_viewed", "?b", 11, "rye")])
    write_recents(store, recents_of(log, [(None, "b")], base_of(store), 6, 500))
    client = client_of(store)
    (key,) = (key for key in client.keys("*anonymous:b*"))
    client.set(key, "not a hash")
    done = alone.step(day(11))
    assert (done.pushed, done.unreadable, done.refused) == (1, 1, 1)
    assert "position 5" in caplog.text
    assert "position 6" in caplog.text
    assert alone.lag() == Lag(0), "it is not tried for ever"
    client.unlink(key)
    assert rows(log, store).keys() == {"u1"}


def test_who_is_far_behind_begins_near_the_end_and_the_stream_stays_short(
    shop: tuple[Log, FeatureStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, store = shop
    monkeypatch.setattr(features.shared_projector, "MOST_BEHIND", 50)
    monkeypatch.setattr(features.shared_projector, "EVENTS_AT_ONCE", 2)
    monkeypatch.setattr(features.shared_projector, "_MOST_RANGES", 5)
    alone = projector(log, store, "one")
    log.append([happened("product_viewed", f"u{number}", 11, "rye") for number in range(3)])
    assert alone.step(day(11)).pushed == 2
    log.append([happened("product_viewed", f"u{number}", 11, "rye") for number in range(3, 103)])
    assert alone.step(day(11)).skipped == 50, "of the one that was in the stream already nothing is lost"
    assert alone.stream.depth().waiting == 4
    at_rest(alone)
    pushed = {id_ for id_ in rows(log, store) if id_.startswith("u")}
    assert pushed == {"u0", "u1", "u2", *(f"u{number}" for number in range(53, 103))}


def test_a_stream_of_another_log_is_begun_anew(shop: tuple[Log, FeatureStore], served: Served) -> None:
    log, store = shop
    log.append([happened("product_viewed", "u1", 11, "rye") for _ in range(9)])
    at_rest(projector(log, store, "one"))
    restored = served.log()
    restored.append([happened("product_viewed", "?b", 11, "rye")])
    alone = projector(restored, store, "one")
    assert alone.step(day(11)).pushed == 1
    assert [record.position for record in rows(restored, store)["anonymous:b"].records] == [4]
    restored.engine.dispose()


def test_an_entry_that_is_no_range_is_counted_and_what_is_behind_it_pushed(shop: tuple[Log, FeatureStore]) -> None:
    log, store = shop
    alone = projector(log, store, "alone")
    alone.step(day(11))
    client_of(store).xadd(alone.stream.key, {"junk": 1}, id=f"{log.last_position()}-1")
    log.append([happened("product_viewed", "u1", 11, "rye")])
    done = [alone.step(day(11)) for _ in range(2)]
    assert [(one.unreadable, one.pushed, one.more) for one in done] == [(1, 1, True), (0, 0, False)]


def test_an_entry_with_an_id_of_redis_own_is_counted_and_nothing_pushed_again(
    shop: tuple[Log, FeatureStore], caplog: pytest.LogCaptureFixture
) -> None:
    log, store = shop
    alone = projector(log, store, "alone")
    log.append([happened("product_viewed", "u1", 11, "rye")])
    assert alone.step(day(11)).pushed == 1
    id_ = client_of(store).xadd(alone.stream.key, {"junk": 1})
    log.append([happened("product_viewed", "?b", 11, "rye")])
    done = [alone.step(day(11)) for _ in range(2)]
    assert [(one.unreadable, one.pushed, one.more) for one in done] == [(1, 1, True), (0, 0, False)]
    assert id_.decode() in caplog.text
    assert "begins anew" not in caplog.text
    assert rows(log, store).keys() == {"u1", "anonymous:b"}


def test_an_entry_that_was_found_between_two_steps_is_counted_by_the_next(shop: tuple[Log, FeatureStore]) -> None:
    log, store = shop
    alone = projector(log, store, "alone")
    alone.step(day(11))
    client_of(store).xadd(alone.stream.key, {"junk": 1})
    assert alone.lag() == Lag(0)
    assert alone.step(day(11)).unreadable == 1


def test_a_stream_whose_end_nobody_knows_any_more_is_begun_anew(
    shop: tuple[Log, FeatureStore], caplog: pytest.LogCaptureFixture
) -> None:
    log, store = shop
    alone = projector(log, store, "alone")
    log.append([happened("product_viewed", "u1", 11, "rye")])
    assert alone.step(day(11)).pushed == 1
    client = client_of(store)
    client.xdel(alone.stream.key, client.xadd(alone.stream.key, {"junk": 1}))
    log.append([happened("product_viewed", "?b", 11, "rye")])
    assert alone.step(day(11)).pushed == 2
    assert "begins anew" in caplog.text
