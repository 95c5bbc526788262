"""Rows are those of one projector: in any order, twice, with projectors killed, or with the server gone."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from feast import FeatureStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError

import features.shared_projector
from features.compute import NOBODY
from features.database import open_database
from features.events import INTERACTION_WEIGHTS
from features.lease import Lease
from features.log import EVENTS, Log
from features.newer_rows import client_of
from features.projector import Lag, Projector, push
from features.recent import Recent, recents_of
from features.recent_rows import base_of, write_recents
from features.snapshots import build
from features.store import apply, folder_of, materialize, open_store
from features.stream import Depth
from tests.features.forked import forked
from tests.features.pushed import Served, at_rest, everything, projector, serving, written
from tests.features.shop import day, happened
from tests.valkeys import started
from tests.waiting import PATIENCE, until

WHO = ("u1", "u2", "?a", "?b")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shop")) as served:
        yield served


class Killed(BaseException):
    """Ends a step where it is, as nothing in it catches it."""


ACTIONS = st.lists(
    st.tuples(st.just("happens"), st.sampled_from(WHO))
    | st.tuples(st.just("steps"), st.integers(0, 2))
    | st.tuples(st.sampled_from(["dies before it writes", "dies before it acknowledges"]), st.integers(0, 2))
    | st.tuples(st.just("derives and sleeps"), st.sets(st.sampled_from(WHO), min_size=1))
    | st.tuples(st.just("wakes up"), st.integers(0, 3))
    | st.tuples(st.just("somebody adds to the stream"), st.sampled_from(["*", "7-0", "9-3"]))
    | st.tuples(st.just("the server comes back empty"), st.none()),
    min_size=3,
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ACTIONS)
def test_any_order_of_deliveries_twice_late_or_cut_off_gives_the_rows_of_one_projector(
    served: Served, actions: list[tuple[str, Any]]
) -> None:
    log, store = served.log(), served.online()
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
            case "somebody adds to the stream":
                with suppress(ResponseError):  # an id that is not above the last
                    client_of(store).xadd(projectors[0].stream.key, {"junk": 1}, id=given_)
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


@pytest.mark.parametrize("foreign", [False, True], ids=["alone", "with an entry of somebody else"])
def test_consumers_that_are_killed_in_the_middle_lose_nothing(served: Served, tmp_path: Path, foreign: bool) -> None:
    """Two real processes, each killed with a range in its hands; who comes after takes them over, and feeds none.

    There are a hundred ranges and each pushes three, so there is a fourth for both whoever is the slower.
    """
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    log, store = served.log(url), served.online()
    kinds = sorted(INTERACTION_WEIGHTS)
    log.append([happened(kinds[number % 3], f"u{number * 7 % 61}", 11, "rye") for number in range(600)])
    log.engine.dispose()
    client_of(store).connection_pool.disconnect()

    def push_on(name: str) -> None:
        features.shared_projector.EVENTS_AT_ONCE = 6
        features.shared_projector.push = hanging(tmp_path / name)
        theirs = projector(Log(open_database(url), EVENTS), served.store(), name, timedelta(hours=1))
        while True:
            theirs.step(day(11))

    children = [forked(partial(push_on, name)) for name in ("first", "second")]
    log, store = Log(open_database(url), EVENTS), served.store()
    heir = projector(log, store, "heir")
    try:
        until(lambda: (tmp_path / "first").exists() and (tmp_path / "second").exists(), "both have a range in hand")
        was = heir.stream.fed(), heir.stream.depth()
        if foreign:
            client_of(store).xadd(heir.stream.key, {"junk": 1})
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    assert (heir.stream.fed(), heir.stream.depth()) == was, "both have what they had"
    assert was[1].taken == 2
    assert heir.stream.foreign == foreign
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


def hanging(told: Path) -> Callable[[FeatureStore, Mapping[str, Recent]], list[str]]:
    """A push that does three ranges, and of the fourth tells that it is in hand and ends no more."""
    pushed = count()

    def push_or_hang(store: FeatureStore, recents: Mapping[str, Recent]) -> list[str]:
        if next(pushed) == 3:
            told.touch()
            signal.pause()
        return push(store, recents)

    return push_or_hang


def _as_one(log: Log, store: FeatureStore, folder: Path) -> None:
    """The rows of one projector that read the log from where the features end."""
    build(folder / "history", NOBODY, folder_of(store), day(10))
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
    disk = {"appendonly": "yes", "appendfsync": "always"} if kept else {}  # else a slow disk keeps the last 2 s
    mine = replace(served, server=started(data_dir=tmp_path / "valkey", **disk))
    port = mine.server.port
    log, store = mine.log(), mine.online()
    one, other = projector(log, store, "one"), projector(log, store, "other")
    log.append([happened("product_viewed", f"u{number % 9}", 11, "rye") for number in range(30)])
    for _ in range(3):
        one.step(day(11))
    with monkeypatch.context() as patched:
        patched.setattr(one.stream, "done", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.step(day(11))
    process = mine.server._process
    assert process is not None
    mine.server.terminate()
    process.wait(PATIENCE)  # which waits itself for a second
    log.append([happened("product_viewed", f"u{number % 9}", 11, "tea") for number in range(5)])
    for each in (one, other):
        with pytest.raises(Unreachable):
            each.step(day(11))
    server = started(data_dir=tmp_path / "valkey", port=port, **disk)
    try:
        if not kept:
            assert one.step(day(11)).pushed == 0
            materialize(store)
        at_rest(one, other)
        assert written(log, store) == everything(log, store)
        assert sum(map(len, written(log, store).values())) == 35
    finally:
        server.stop(PATIENCE)
    log.engine.dispose()
