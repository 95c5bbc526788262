"""What arrives in one tick is written at once, and each hears of its own, also when it fails or is not waited for."""

import asyncio
import queue
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Lock, Thread

import pytest

from features.log import Record
from serving.tick import Tick
from tests.waiting import PATIENCE


def record(key: str) -> Record:
    return Record(key, "page_viewed", 0, 0, "u1", None, "{}")


class Written:
    """Stands for a writer: whatever it is given waits until it is told what became of it."""

    def __init__(self) -> None:
        self.given: list[tuple[list[str], Future[list[bool]]]] = []
        self._one_at_a_time = Lock()

    def submit(self, records: Sequence[Record]) -> "Future[list[bool]]":
        done: Future[list[bool]] = Future()
        self.given.append(([one.key for one in records], done))
        return done

    def commit(self, known: Sequence[str] = ()) -> None:
        with self._one_at_a_time:
            for keys, done in self.given:
                if not done.done():
                    done.set_result([key not in known for key in keys])


async def asked(tick: Tick, *keys: Sequence[str]) -> "list[asyncio.Task[list[bool]]]":
    tasks = [asyncio.create_task(tick.written([record(key) for key in some])) for some in keys]
    await asyncio.sleep(0.01)
    return tasks


def test_those_of_one_tick_are_one_request_and_each_hears_of_its_own() -> None:
    async def run() -> None:
        writer = Written()
        tick = Tick(writer.submit)
        first = await asked(tick, ["a"], ["b", "c"], [])
        second = await asked(tick, ["d"])
        assert [keys for keys, _ in writer.given] == [["a", "b", "c"], ["d"]]
        assert not any(task.done() for task in first), "nothing is on disk yet"
        writer.commit(known=["b"])
        assert await asyncio.gather(*first, *second) == [[True], [False, True], [], [True]]

    asyncio.run(run())


def test_many_records_are_a_request_of_their_own() -> None:
    async def run() -> None:
        writer = Written()
        tasks = await asked(Tick(writer.submit), ["a"], [f"m{number}" for number in range(1_000)], ["b"])
        assert sorted(len(keys) for keys, _ in writer.given) == [2, 1_000]
        writer.commit()
        assert [len(await task) for task in tasks] == [1, 1_000, 1]

    asyncio.run(run())


def test_whoever_gives_up_takes_nothing_back() -> None:
    async def run() -> None:
        writer = Written()
        patient, hasty = await asked(Tick(writer.submit), ["a"], ["b"])
        hasty.cancel()
        await asyncio.sleep(0)
        assert not writer.given[0][1].cancelled()
        writer.commit()
        assert await patient == [True]

    asyncio.run(run())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_failure_is_told_to_all_and_the_next_tick_goes_on(at_once: bool) -> None:
    async def run() -> None:
        writer, fails = Written(), True

        def submit(records: Sequence[Record]) -> "Future[list[bool]]":
            if fails and at_once:
                raise queue.Full
            return writer.submit(records)

        tick = Tick(submit)
        tasks = await asked(tick, ["a"], ["b"])
        if not at_once:
            writer.given[0][1].set_exception(queue.Full())
        assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [queue.Full, queue.Full]
        fails = False
        (task,) = await asked(tick, ["c"])
        writer.commit()
        assert await task == [True]

    asyncio.run(run())


def test_loops_of_two_threads_do_not_meet() -> None:
    writer, heard = Written(), list[list[bool]]()
    tick = Tick(writer.submit)

    async def run(key: str) -> None:
        (task,) = await asked(tick, [key])
        writer.commit()
        heard.append(await task)

    threads = [Thread(target=asyncio.run, args=[run(f"k{number}")]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert heard == [[True]] * 4
    assert sorted(keys for keys, _ in writer.given) == [[f"k{number}"] for number in range(4)]
