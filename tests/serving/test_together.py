"""Who asks at the same time is answered together, nobody waits for company, and nobody pays for another's mistake."""

import asyncio
from collections.abc import Sequence

import pytest

from serving.together import Together
from tests.waiting import PATIENCE


class Work:
    """Remembers the batches that it was given; waits at the gate while it is shut."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, asked: Sequence[int]) -> list[int | Exception]:
        self.batches.append([*asked])
        await self.gate.wait()
        return [ValueError(f"{number}") if number < 0 else 10 * number for number in asked]


def test_those_of_one_moment_are_one_batch_in_their_order() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=8, at_once=1)
        assert await asyncio.gather(*(together.ask(number) for number in range(5))) == [0, 10, 20, 30, 40]
        assert work.batches == [[0, 1, 2, 3, 4]]
        assert await together.ask(7) == 70
        assert work.batches[1:] == [[7]]

    asyncio.run(scene())


def test_whoever_comes_meanwhile_is_next_and_no_batch_is_larger_than_allowed() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=3, at_once=1)
        work.gate.clear()
        asked = [asyncio.ensure_future(together.ask(0))]
        await asyncio.sleep(0.01)
        asked += [asyncio.ensure_future(together.ask(number)) for number in range(1, 6)]
        await asyncio.sleep(0.01)
        assert work.batches == [[0]]
        work.gate.set()
        assert await asyncio.gather(*asked) == [0, 10, 20, 30, 40, 50]
        assert work.batches == [[0], [1, 2, 3], [4, 5]]

    asyncio.run(scene())


def test_an_error_is_its_callers_and_one_of_the_work_is_everybodys() -> None:
    async def broken(_asked: Sequence[int]) -> list[int]:
        raise OSError("gone")

    async def scene() -> None:
        found = await asyncio.gather(*map(Together(Work(), 8, 1).ask, (1, -2, 3)), return_exceptions=True)
        assert (found[0], found[2]) == (10, 30)
        assert isinstance(found[1], ValueError)
        assert all(
            isinstance(one, OSError)
            for one in await asyncio.gather(*map(Together(broken, 8, 1).ask, (1, 2)), return_exceptions=True)
        )

    asyncio.run(scene())


def test_who_goes_away_harms_nobody_and_is_not_asked_for() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=8, at_once=1)
        work.gate.clear()
        first = asyncio.ensure_future(together.ask(1))
        await asyncio.sleep(0.01)
        gone, stays = asyncio.ensure_future(together.ask(2)), asyncio.ensure_future(together.ask(3))
        await asyncio.sleep(0)
        gone.cancel()
        first.cancel()
        await asyncio.sleep(0)
        work.gate.set()
        assert await stays == 30
        assert work.batches == [[1], [3]]
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(scene())


def test_a_batch_that_hangs_does_not_hold_the_others() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=8, at_once=2)
        work.gate.clear()
        hangs = asyncio.ensure_future(together.ask(1))
        await asyncio.sleep(0.01)
        work.gate = asyncio.Event()
        work.gate.set()
        assert await together.ask(2) == 20
        hangs.cancel()

    asyncio.run(scene())


def test_whoever_asks_in_the_round_in_which_a_batch_ends_is_answered() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=8, at_once=1)

        async def again_and_again() -> list[int]:
            return [await together.ask(number) for number in range(20)]

        assert await asyncio.wait_for(again_and_again(), PATIENCE) == [10 * number for number in range(20)]

    asyncio.run(scene())


def test_it_is_settled_when_every_batch_is_answered_and_a_batch_that_hangs_is_not_waited_for() -> None:
    async def scene() -> None:
        work = Work()
        together = Together(work, most=8, at_once=2)
        await asyncio.wait_for(together.settled(2 * PATIENCE), PATIENCE)
        work.gate.clear()
        asked = asyncio.ensure_future(together.ask(1))
        await asyncio.sleep(0)
        await asyncio.wait_for(together.settled(0.01), PATIENCE)
        assert not asked.done()
        work.gate.set()
        await asyncio.wait_for(together.settled(2 * PATIENCE), PATIENCE)
        assert await asked == 10

    asyncio.run(scene())
