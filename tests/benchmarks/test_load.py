"""The load tool keeps what HTTP promises about connections, and tells of what came after it settled alone."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]
import pytest

from benchmarks.load import Load, Service, at_rate, closed, request
from tests.waiting import PATIENCE, until

ASKED = [request("/", {})]


@contextmanager
def answering(every: int) -> Iterator[tuple[Service, list[int]]]:
    """A server that ends each connection with its `every`-th answer; beside it, the answers that each one gave."""
    answers: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(answers)
        answers.append(0)
        try:
            while answers[place] < every and await reader.readline():
                while await reader.readline() != b"\r\n":
                    pass
                await reader.readexactly(2)
                answers[place] += 1
                close = b"Connection: close\r\n" * (answers[place] == every)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + close + b"\r\n{}")
        finally:
            writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield Service(f"http://127.0.0.1:{port}", psutil.Process(os.getpid())), answers
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_closed(server))
        loop.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
    await asyncio.sleep(0)


@pytest.mark.parametrize("rate", [None, 50.0])
def test_a_connection_that_ends_is_replaced_and_nothing_is_lost(rate: float | None) -> None:
    def replaced() -> bool:
        """A process that sleeps as it is to answer gets less far in the time; never does it lose an answer."""
        with answering(every=3) as (service, answers):
            load: Load
            load = closed(service, ASKED, 4, 0.5) if rate is None else at_rate(service, ASKED, rate, 0.8, callers=4)
        assert set(load.statuses) <= {200}
        assert max(answers) <= 3
        return len(answers) > 2 * 4

    until(replaced, "each of the four is replaced again and again")


def test_what_came_before_it_settled_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.load._OVER", PATIENCE)  # however late they come, all answers are waited for
    with answering(every=1_000) as (service, answers):
        load = at_rate(service, ASKED, 25, 2.0, callers=4, settle=1.0)
    assert sum(answers) == 75
    assert load.statuses == {200: 50}
    assert len(load.milliseconds) == 50
