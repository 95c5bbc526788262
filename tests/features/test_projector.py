"""The projector changes no answer: with its rows, with old ones, with those of before a build, or with none."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from feast import FeatureStore
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

import features.projector
from features.compute import NOBODY
from features.database import open_database
from features.events import Event
from features.history import compact
from features.identity import Identities
from features.lease import Lease
from features.log import EVENTS, Log, Record, from_record, microseconds
from features.offsets import offset
from features.online_rows import rows_of
from features.projector import Lag, Projector
from features.recent import TAIL_EVENTS, Base, Recent, from_json, recents_of, tail
from features.recent_rows import base_of, read_recents, write_recents
from features.snapshots import build
from features.store import apply, materialize, open_store
from tests.features.forked import forked
from tests.features.shop import bought, day, happened
from tests.waiting import until

IDS = ["u1", "u2", "?a", "?b"]
KEYS = {"u1": "u1", "u2": "u2", "?a": "anonymous:a", "?b": "anonymous:b"}
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from([*TAIL_EVENTS, "page_viewed", "identified", "aliased"]),
        st.sampled_from(["u1", "u2", None]),
        st.sampled_from(["a", "b", None]),
        st.integers(0, 9),
        st.sampled_from(["o1", "o2"]),
        st.lists(st.sampled_from(["milk", "tea"]), max_size=2),
    ).filter(lambda one: one[1] or one[2]),
    min_size=1,
    max_size=30,
)


def record_of(number: int, one: Any) -> Record:
    kind, user, visitor, hour, order, products = one
    made = happened(kind, user or f"?{visitor}", hour, *products, order=order if kind.startswith("order_") else None)
    body = json.loads(made.payload) | ({"previous_id": visitor or "u1"} if kind == "aliased" else {})
    return replace(made, key=str(number), user_id=user, anonymous_id=visitor, payload=json.dumps(body))


def without(log: Log, person: Any, base: Base, limit: int) -> list[Event]:
    """What the law compares with: all that a person did, looked through one by one."""
    unknown = [
        from_record(record)
        for record in log.read()
        if record.type in TAIL_EVENTS
        and (record.position > base.position or (base.since is not None and record.occurred_at >= base.since))
        and (
            record.user_id in person.user_ids
            or (record.user_id is None and record.anonymous_id in person.anonymous_ids)
        )
    ]
    return unknown[-limit:]


@settings(max_examples=40)
@given(
    HAPPENINGS,
    st.integers(0, 30),
    st.integers(0, 30),
    st.tuples(st.integers(0, 30), st.integers(0, 9)),
    st.tuples(st.integers(0, 10), st.integers(0, 5)),
    st.integers(1, 6),
    st.sets(st.sampled_from(sorted(KEYS.values()))),
)
def test_the_tail_is_the_same_with_recent_rows_and_without(
    happenings: list[Any],
    cut: int,
    upto: int,
    built: tuple[int, int],
    later: tuple[int, int],
    limit: int,
    known: set[str],
) -> None:
    """Rows of any age, for any base of before or of now, of any of the ids, in any state of who is who."""
    log = Log(open_database("sqlite://"), EVENTS)
    identities = Identities(log.engine)
    records = [record_of(number, one) for number, one in enumerate(happenings)]
    log.append(records[:cut])
    made_for = Base(built[0], microseconds(day(built[1]))) if built[0] else Base()
    upto = min(upto, log.last_position())
    ids = [(None, key.removeprefix("anonymous:")) if ":" in key else (key, None) for key in sorted(known)]
    recents = recents_of(log, ids, made_for, upto, limit)
    recents = {id_: from_json(row.position, row.base, row.to_json()) for id_, row in recents.items()}
    log.append(records[cut:])
    identities.catch_up(log)
    answered = Base(built[0] + later[0], microseconds(day(built[1] + later[1]))) if built[0] else Base()
    for now in (made_for, answered, Base(), Base(max(0, built[0] - 1), microseconds(day(built[1] - 1)))):
        since = None if now.since is None else day((now.since - microseconds(day(0))) / 86_400e6)
        for id_ in IDS:
            person = identities.person(*((None, id_[1:]) if id_.startswith("?") else (id_, None)))
            wanted = without(log, person, now, limit)
            assert tail(log, person, now.position, since, recents, limit) == wanted
            assert tail(log, person, now.position, since, {}, limit) == wanted
    log.engine.dispose()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Log, FeatureStore, Path]]:
    """A log of three events that are in the features online, and a projector that may begin behind them."""
    log = Log(open_database(f"sqlite:///{tmp_path / 'kairos.db'}"), EVENTS)
    log.append(
        [bought("u1", 1, "o1", "milk"), bought("u2", 2, "o2", "tea"), happened("product_viewed", "?a", 2, "tea")]
    )
    store = open_store(tmp_path / "features", "sqlite")
    rebuild(log, store, tmp_path, 10)
    yield log, store, tmp_path
    log.engine.dispose()


def rebuild(log: Log, store: FeatureStore, folder: Path, at: float) -> None:
    compact(log, folder / "history", 2)
    build(folder / "history", NOBODY, folder / "features", day(at))
    apply(store)
    materialize(store)


def projector(log: Log, store: FeatureStore, owner: str = "me") -> Projector:
    return Projector(log, store, Lease(log.engine, "projector", owner, timedelta(seconds=10)))


def rows(store: FeatureStore) -> dict[str, Recent]:
    return read_recents(rows_of(store), sorted(KEYS.values()))


def test_what_was_done_since_goes_online_and_nothing_is_done_twice(shop: tuple[Log, FeatureStore, Path]) -> None:
    log, store, folder = shop
    pushing = projector(log, store)
    assert pushing.step(day(11)).pushed == 0
    assert base_of(store) == Base(3, microseconds(day(10)))
    log.append([happened("product_viewed", "u1", 11, "rye"), happened("page_viewed", "u1", 11)])
    log.append([happened("product_viewed", "?b", 11, "tea")])
    assert pushing.lag() == Lag(3, day(11))
    assert pushing.step(day(11)).pushed == 2
    assert pushing.lag() == Lag(0)
    found = rows(store)
    assert {id_: [one.position for one in row.records] for id_, row in found.items()} == {"u1": [4], "anonymous:b": [6]}
    assert (found["u1"].base, found["anonymous:b"].base) == (base_of(store), Base()), "who is new is known as a whole"
    assert pushing.step(day(11)).pushed == 0
    rebuild(log, store, folder, 12)
    assert pushing.step(day(12)).pushed == 0
    assert rows(store) == found, "a build leaves them alone, and they serve nobody who has its rows"
    assert not tail(log, Identities(log.engine).person("u1", None), 6, day(12), found, 500)
    log.append([happened("product_viewed", "u1", 13, "tea")])
    assert pushing.step(day(13)).pushed == 1
    assert [one.position for one in rows(store)["u1"].records] == [7]


def test_a_step_that_ends_anywhere_is_done_again(
    shop: tuple[Log, FeatureStore, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, store, _ = shop
    log.append([happened("product_viewed", f"u{number % 2 + 1}", 11, "rye") for number in range(5)])

    def gone(*_: object) -> None:
        raise OSError("gone")

    found = base_of(store)
    for place in ("recents_of", "write_recents", "move"):
        with monkeypatch.context() as patched:
            patched.setattr(f"features.projector.{place}", gone)
            if place == "write_recents":
                patched.setattr("features.projector.base_of", Mock(side_effect=[found, OSError("gone")]))
            with pytest.raises(OSError, match="gone"):
                projector(log, store).step(day(11))
    assert projector(log, store).step(day(11)).pushed == 5
    assert {id_: len(row.records) for id_, row in rows(store).items()} == {"u1": 3, "u2": 2}


def test_one_event_that_cannot_be_read_or_written_stops_nothing(
    shop: tuple[Log, FeatureStore, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log, store, _ = shop
    poison = replace(happened("product_viewed", "u1", 11, "rye"), payload="{")
    log.append([happened("product_viewed", "u1", 11, "rye"), poison, happened("product_viewed", "u2", 11, "rye")])
    wrong = "features.projector.write_recents"

    def picky(store: FeatureStore, recents: Any) -> None:
        if "u2" in recents:
            raise ValueError("not this one")
        write_recents(store, recents)

    with monkeypatch.context() as patched:
        patched.setattr(wrong, picky)
        done = projector(log, store).step(day(11))
    assert (done.pushed, done.unreadable, done.refused) == (1, 1, 1)
    assert rows(store).keys() == {"u1"}
    assert "position 5" in caplog.text
    assert "position 6" in caplog.text
    person = Identities(log.engine).person("u1", None)
    for recents in ({}, rows(store)):
        assert [one.body.lines[0].product_id for one in tail(log, person, 3, day(10), recents, 500)] == ["rye"]
    assert projector(log, store).step(day(11)).pushed == 0


def test_who_is_far_behind_begins_at_the_end(
    shop: tuple[Log, FeatureStore, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, store, _ = shop
    projector(log, store).step(day(11))
    log.append([happened("product_viewed", "u1", 11, "rye") for _ in range(20)])
    monkeypatch.setattr("features.projector.MOST_BEHIND", 5)
    done = projector(log, store).step(day(11))
    assert (done.pushed, done.skipped) == (5, 15)
    assert len(rows(store)["u1"].records) == 20, "a row is whole, however little was looked at"


def test_many_ids_go_in_several_steps(shop: tuple[Log, FeatureStore, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    log, store, _ = shop
    monkeypatch.setattr("features.projector.IDS_AT_ONCE", 2)
    log.append([happened("product_viewed", who, 11, "rye") for who in ("u1", "u2", "u1", "?a", "?b", "u1")])
    steps = [projector(log, store).step(day(11)) for _ in range(4)]
    assert [(one.pushed, one.more) for one in steps] == [(3, True), (2, True), (1, False), (0, False)]
    assert {id_: len(row.records) for id_, row in rows(store).items()} == {
        "u1": 3,
        "u2": 1,
        "anonymous:a": 1,
        "anonymous:b": 1,
    }


def test_a_projector_that_is_killed_is_followed_by_another(shop: tuple[Log, FeatureStore, Path]) -> None:
    log, _, folder = shop
    log.append([happened("product_viewed", f"u{number % 40}", 11, "rye") for number in range(400)])
    log.engine.dispose()

    def push_on() -> None:
        theirs = Log(open_database(f"sqlite:///{folder / 'kairos.db'}"), EVENTS)
        features.projector.EVENTS_AT_ONCE = 10
        pushing = projector(theirs, open_store(folder / "features", "sqlite"), "child")
        while True:
            pushing.step(day(11))

    child = forked(push_on)
    store = open_store(folder / "features", "sqlite")

    def moved() -> bool:
        """By the log, which readers do not wait for; who writes the rows locks them."""
        with log.engine.connect() as connection:
            return offset(connection, features.projector.NAME) > 3

    try:
        until(moved, "rows are written")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert not projector(log, store).step(day(11)).held, "the lease outlives its holder"
    later = day(11) + timedelta(seconds=11)
    while projector(log, store).step(later).more:
        pass
    people = [(f"u{number}", None) for number in range(40)]
    wanted = recents_of(log, people, base_of(store), log.last_position(), 500)
    found = read_recents(rows_of(store), [user for user, _ in people])
    assert {id_: row.records for id_, row in found.items()} == {id_: row.records for id_, row in wanted.items()}


def test_a_lease_has_one_holder_until_it_ends(engine: Engine) -> None:
    one, other = (Lease(engine, "x", owner, timedelta(minutes=10)) for owner in ("one", "other"))

    def passes(minutes: int) -> None:
        """By whichever clock counts."""
        with engine.begin() as connection:
            connection.execute(text("UPDATE lease SET until = until - :gone"), {"gone": minutes * 60_000_000})

    assert (one.hold(day(1)), other.hold(day(1)), one.hold(day(1))) == (True, False, True)
    passes(9)
    assert not other.hold(day(1))
    assert one.hold(day(1)), "it is kept longer by who holds it"
    passes(2)
    assert not other.hold(day(1))
    passes(9)
    assert one.renew(day(1)), "one that ended is kept as long as nobody took it"
    passes(11)
    assert other.hold(day(1))
    assert (one.hold(day(1)), one.renew(day(1)), other.renew(day(1))) == (False, False, True)
    one.release()
    assert not one.hold(day(1)), "nobody gives back what another holds"
    other.release()
    assert not other.renew(day(1)), "nobody has it, who may have come after another"
    assert one.hold(day(1))
    passes(-4)
    assert not other.hold(day(1)), "a clock that is a little behind is bound"
    passes(-7)
    assert other.hold(day(1)), "a clock that ran far ahead binds nobody"
