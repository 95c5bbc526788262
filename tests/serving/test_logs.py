"""The log of a service: every line is JSON, belongs to its request, and names nobody."""

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from serving.logs import REQUEST_ID, in_context, write_json_lines


class Own(io.StringIO):
    """Takes nothing from threads that were there before: other tests leave applications running."""

    def __init__(self) -> None:
        super().__init__()
        self.others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}

    def write(self, told: str) -> int:
        return len(told) if threading.get_ident() in self.others else super().write(told)


@pytest.fixture
def lines() -> Iterator[Any]:
    """What a test writes while the loggers of this process go to the log of a service."""
    root = logging.getLogger()
    loggers = [logging.getLogger(name) for name in root.manager.loggerDict]
    before = [(one, one.handlers, one.propagate, one.level) for one in (root, *loggers)]
    stream = Own()
    write_json_lines("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(False)
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_a_record_is_a_line_with_its_request(lines: Any) -> None:
    REQUEST_ID.set("r-1")
    logging.getLogger("serving.door").info("one\ntwo %s", "three")
    with ThreadPoolExecutor(1) as threads:
        threads.submit(in_context(logging.getLogger("serving.visitor").warning, "from a thread")).result()
    first, second = lines()
    assert (first["message"], first["level"], first["logger"]) == ("one\ntwo three", "info", "serving.door")
    assert first["at"].endswith("Z")
    assert (second["message"], second["request_id"]) == ("from a thread", "r-1")
    REQUEST_ID.set(None)


def test_of_an_exception_its_type_and_places_are_told_and_not_its_message(lines: Any) -> None:
    try:
        raise ValueError("nobody knows ann@example.com")
    except ValueError:
        logging.getLogger("serving.writer").exception("it failed")
    (line,) = lines()
    assert line["error"] == "ValueError"
    assert line["places"][0].startswith(__file__)
    assert "ann" not in json.dumps(line)


def test_libraries_say_where_and_not_what(lines: Any) -> None:
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task exception=ValueError('ann')>")
    logging.getLogger("uvicorn.error").warning("closed %s", "ann@example.com")
    logging.getLogger("uvicorn.access").warning("GET /v1/recommendations?user_id=ann")
    logging.getLogger("uvicorn.error").info("Started server")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("ann@example.com is odd", UserWarning, stacklevel=1)
    first, second, third = lines()
    assert third["message"].endswith(": UserWarning")
    assert (first["message"], second["message"]) == ("Task exception was never retrieved", "closed %s")
    assert "ann" not in json.dumps([first, second, third])
    assert first["place"].startswith("test_logs:")


def test_the_level_is_that_of_our_own_loggers(lines: Any) -> None:
    logging.getLogger("features.projector").debug("too much")
    assert lines() == []
