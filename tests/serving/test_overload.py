"""Never more at once than there are places, whatever comes and goes; whoever waits gets a place or is told soon."""

import asyncio
import random

import pytest

from serving.overload import Overload
from serving.problems import Refused
from tests.waiting import PATIENCE


async def visit(places: Overload, seconds: float, most: list[int]) -> bool:
    try:
        await places.enter()
    except Refused as refused:
        return refused.code != "rate_limited"
    most.append(places.in_flight)
    try:
        await asyncio.sleep(seconds)
    finally:
        places.leave()
    return True


@pytest.mark.parametrize("seed", range(5))
def test_places_are_never_exceeded_and_never_lost(seed: int) -> None:
    chance = random.Random(seed)

    async def day() -> tuple[list[bool | BaseException], Overload, list[int]]:
        places, most = Overload(4), [0]
        visits = []
        for _ in range(200):
            visits.append(asyncio.create_task(visit(places, chance.uniform(0, 0.01), most)))
            if chance.random() < 0.2:
                visits[chance.randrange(len(visits))].cancel()
            await asyncio.sleep(chance.choice([0, 0, 0.002]))
        return await asyncio.gather(*visits, return_exceptions=True), places, most

    outcomes, places, most = asyncio.run(day())
    assert max(most) <= 4
    assert (places.in_flight, len(places._queue)) == (0, 0)
    assert outcomes.count(True) > 10


def test_a_burst_waits_and_what_is_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.overload._WAIT_SECONDS", PATIENCE)  # a machine may stand still for longer than 0.1 s

    async def burst() -> list[bool]:
        places = Overload(3)
        return await asyncio.gather(*(visit(places, 0.001, []) for _ in range(10)))

    assert asyncio.run(burst()) == [True] * 6 + [False] * 4


def test_one_alone_is_no_crowd_however_few_places_there_are() -> None:
    async def scene() -> None:
        places = Overload(4)
        await places.enter()
        assert not places.crowded

    asyncio.run(scene())


def test_it_is_crowded_where_an_eighth_of_the_places_is_taken() -> None:
    async def scene() -> None:
        places = Overload(16)
        await places.enter()
        assert not places.crowded
        await places.enter()
        assert places.crowded
        places.leave()
        assert not places.crowded

    asyncio.run(scene())


def test_nobody_waits_behind_a_worker_that_stands_still() -> None:
    async def stuck() -> Overload:
        places = Overload(1)
        holder = asyncio.create_task(visit(places, 60, []))
        await asyncio.sleep(0)
        assert not await visit(places, 0, [])
        assert not places._queue
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        assert await visit(places, 0, [])
        return places

    assert asyncio.run(stuck()).in_flight == 0
