"""A record that rests on what came before is written only while that is still all there is, on every database."""

from dataclasses import fields
from typing import Any

import pytest
from sqlalchemy import Engine

from features.log import DECISIONS, Log, Record, Successor
from tests.features.decided import decision


def successor(key: str, hour: float, seen: int, **more: Any) -> Successor:
    """A decision about u1, who is also the visitor a1, by somebody who knew the log up to `seen`."""
    record = decision(key, hour)
    given = {field.name: getattr(record, field.name) for field in fields(Record)}
    return Successor(**given, seen=seen, ids=(("u1",), ("a1",)), **more)


@pytest.fixture
def log(engine: Engine) -> Log:
    """A log with one decision about u1."""
    found = Log(engine, DECISIONS)
    found.append([decision("first", 1)])
    return found


def test_what_nobody_overtook_is_written(log: Log) -> None:
    assert log.append([successor("second", 2, log.last_position())]) == [True]
    assert log.find("second") is not None


def test_another_decision_about_the_same_person_in_between_refuses_it(log: Log) -> None:
    seen = log.last_position()
    log.append([decision("between", 2)])
    assert log.append([successor("second", 3, seen), decision("of another", 3, user="u9")]) == [False, True]
    assert log.find("second") is None
    assert log.append([successor("second", 3, log.last_position() - 1)]) == [True], "seen but for one about another"


def test_the_person_may_have_been_a_visitor_and_a_shared_device_is_nobody(log: Log) -> None:
    seen = log.last_position()
    log.append([decision("theirs", 2, user="u2", visitor="a1")])
    assert log.append([successor("second", 3, seen)]) == [True], "a record that names a customer is that customer's"
    seen = log.last_position()
    log.append([decision("as a visitor", 4, user=None, visitor="a1")])
    assert log.append([successor("third", 5, seen)]) == [False]


def test_what_its_maker_knew_of_and_other_types_are_no_news(log: Log) -> None:
    seen = log.last_position()
    log.append([decision("own", 2)])
    log.append([Record("rec_1", "recommendation", 1, 1, "u1", None, "{}")])
    assert log.append([successor("second", 3, seen, known=frozenset({"own"}))]) == [True]


def test_its_own_key_is_a_duplicate_as_ever_and_two_of_one_commit_may_know_each_other(log: Log) -> None:
    seen = log.last_position()
    both = [successor("a", 2, seen), successor("b", 3, seen, known=frozenset({"a"}))]
    assert log.append(both) == [True, True]
    assert log.append(both) == [False, False]
    assert log.append([]) == []
