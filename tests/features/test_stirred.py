"""Whoever did nothing new is known from one statement for all, as the log tells it of each, on every database."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine

from features.log import EVENTS, Log, Record, microseconds
from features.person import Person
from features.stirred import stirred

DAY = datetime(2026, 11, 21, tzinfo=UTC)


def record(key: int, hour: float, user: str | None, visitor: str | None) -> Record:
    at = microseconds(DAY + timedelta(hours=hour))
    return Record(str(key), "product_viewed", at, at, user, visitor, "{}")


@pytest.fixture
def log(engine: Engine) -> Log:
    """Sixty records of six users and four visitors, some of both, in no order of time."""
    rng = np.random.default_rng(3)
    found = Log(engine, EVENTS)
    for key in range(60):
        user = f"u{rng.integers(6)}" if rng.random() < 0.7 else None
        visitor = f"a{rng.integers(4)}" if user is None or rng.random() < 0.3 else None
        found.append([record(key, float(rng.random()) * 24, user, visitor)])
    return found


def test_each_as_the_log_tells_it_of_him_alone(log: Log) -> None:
    people = [Person(f"u{number}", (f"u{number}",), ()) for number in range(7)]
    people += [Person(f"anonymous:a{number}", (), (f"a{number}",)) for number in range(5)]
    people += [Person("u1", ("u1", "u2"), ("a1", "a9")), Person("nobody", (), ())]
    seen = set()
    for after in (0, 30, 45, 50, 55, 58, 60):
        for hour in (0.0, 12.0, 20.0, 22.0, 23.0, 23.5, 24.0):
            since = DAY + timedelta(hours=hour)
            each = [bool(log.of_person(one.user_ids, one.anonymous_ids, after, 1, since)) for one in people]
            assert stirred(log, people, after, since) == each
            assert stirred(log, people[:1], after, since) == each[:1]
            seen.add(tuple(each))
    assert len(seen) > 10, "else the bounds try nothing"


def test_nobody_is_no_statement(log: Log) -> None:
    assert stirred(log, [], 0, DAY) == []
    assert stirred(log, [Person("nobody", (), ())], 0, DAY) == [False]
