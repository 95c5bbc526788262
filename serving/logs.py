"""What the service writes to its log: a line of JSON a record, with the request it belongs to and without any person.

Of our own loggers the message is written. Those of libraries say in their messages what we cannot know, so only the
first line of the template is, without its arguments; and of an exception its type and places, as its message may hold
whatever was sent.
"""

import logging
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from functools import partial
from typing import Any, ParamSpec, TextIO, TypeVar

import msgspec

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that this code works for; copied into threads by `in_context`."""

OURS = ("features", "models", "pipelines", "serving", "training")
_SILENT = ("uvicorn.access", "bentoml.access")
_access = logging.getLogger("serving.access")

P = ParamSpec("P")
T = TypeVar("T")


class JsonLines(logging.Formatter):
    """One record as one line of JSON.

    >>> record = logging.LogRecord("uvicorn.error", logging.ERROR, "x.py", 7, "lost %s", ("ann@example.com",), None)
    >>> print(JsonLines().format(record)[33:])
    "level":"error","logger":"uvicorn.error","message":"lost %s","place":"x:7"}
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        ours = record.name.partition(".")[0] in OURS
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if ours else _template(record),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            line["request_id"] = request_id
        if not ours:
            line["place"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["places"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return msgspec.json.encode(line | getattr(record, "fields", {})).decode()


def _template(record: logging.LogRecord) -> str:
    """What a library wrote, before anything was filled in; of a warning its place and category."""
    first = str(record.msg).partition("\n")[0]
    return ":".join(first.split(":")[:3]) if record.name == "py.warnings" else first


def write_json_lines(level: str, stream: TextIO | None = None) -> None:
    """Send every logger of this process to `stream`, standard output by default, from `level` on.

    Libraries' records begin at warnings, or at `level` where that is higher. For the process of a service: whoever uses
    the application inside another program has loggers of their own.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.WARNING))
    for name in list(root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name in OURS:
        logging.getLogger(name).setLevel(wanted)
    for name in _SILENT:
        logging.getLogger(name).propagate = False
    logging.captureWarnings(True)


def log_access(method: str, route: str, status: int, seconds: float, key_id: str | None) -> None:
    """One answered request, by its template and by the key that asked."""
    fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 3), "key": key_id}
    _access.info("answered", extra={"fields": fields})


def in_context(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
    """The call, to be made in another thread, whose records belong to the request of this one."""
    return partial(copy_context().run, partial(function, *args, **kwargs))
