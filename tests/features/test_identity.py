"""Persons: the order of events does not matter, a shared device merges nobody, and a rebuild gives the same."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, event, text

from features.database import open_database
from features.events import Body, Event
from features.identity import Identities
from features.identity_links import LINKS
from features.log import EVENTS, Log, to_record
from features.person import Person

START = datetime(2026, 1, 1, tzinfo=UTC)


def identify(user: str | None, anonymous: str | None, minute: int, previous: str | None = None) -> Event:
    """An identify event, or an alias when there is a previous id."""
    at = START + timedelta(minutes=minute)
    return Event(
        message_id=f"{user}-{anonymous}-{minute}-{previous}",
        type="aliased" if previous else "identified",
        occurred_at=at,
        received_at=at,
        user_id=user,
        anonymous_id=anonymous,
        body=Body(previous_id=previous),
    )


EVENT = st.builds(
    identify,
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from([None, "a1", "a2", "u1"]),
    st.integers(0, 5),
    st.sampled_from([None, None, "u1", "u2", "a1"]),
)


def test_a_login_joins_the_visitor_and_the_customer(engine: Engine) -> None:
    people = Identities(engine)
    assert people.person(None, "a1") == Person("anonymous:a1", (), ("a1",))
    people.observe([identify("u1", "a1", 0)])
    assert people.person(None, "a1") == people.person("u1", None) == Person("u1", ("u1",), ("a1",))


def test_whoever_is_asked_about_takes_one_connection_out_of_the_pool(engine: Engine) -> None:
    people, taken = Identities(engine), list[object]()
    people.observe([identify("u1", "a1", 0), identify("u2", "a2", 1), identify("u2", None, 2, previous="u1")])
    event.listen(engine, "checkout", lambda *given: taken.append(given))
    joined = people.person(None, "a2")
    assert (joined.user_ids, joined.anonymous_ids, len(taken)) == (("u1", "u2"), ("a1", "a2", "u1"), 1)
    assert people.people([(None, "a2"), ("u3", None), ("u1", "a3")])[0] == joined
    assert len(taken) == 2


def test_a_shared_device_belongs_to_who_came_first_and_merges_nobody(engine: Engine) -> None:
    people = Identities(engine)
    people.observe([identify("u2", "a1", 5), identify("u1", "a1", 9)])
    assert people.person(None, "a1").customer_id == "u2"
    assert people.person("u1", "a1") == Person("u1", ("u1",), ())


def test_an_alias_on_a_shared_device_merges_nobody_either(engine: Engine) -> None:
    people = Identities(engine)
    people.observe([identify("boris", None, 2, previous="device"), identify("anna", None, 1, previous="device")])
    assert people.person("boris", None) == Person("boris", ("boris",), ())
    assert people.person("anna", None).user_ids == ("anna", "device")
    assert people.person(None, "device").customer_id == "anna"


def test_an_alias_joins_two_customers_and_their_devices(engine: Engine) -> None:
    people = Identities(engine)
    people.observe([identify("u9", "a9", 0), identify("u1", "a1", 1), identify("u1", None, 2, previous="u9")])
    assert people.person("u9", None) == Person("u1", ("u1", "u9"), ("a1", "a9", "u9"))
    assert people.table().to_pylist() == [
        {"kind": "user", "id": "u9", "customer_id": "u1"},
        {"kind": "anonymous", "id": "a1", "customer_id": "u1"},
        {"kind": "anonymous", "id": "a9", "customer_id": "u1"},
        {"kind": "anonymous", "id": "u9", "customer_id": "u1"},
    ]


def test_taking_a_link_away_undoes_the_merge(engine: Engine) -> None:
    people = Identities(engine)
    people.observe([identify("u1", None, 0, previous="u9")])
    with engine.begin() as connection:
        connection.execute(delete(LINKS).where(LINKS.c.kind == "user"))
    assert people.person("u9", None).customer_id == "u9"


def test_a_link_that_is_stated_again_costs_no_transaction(engine: Engine) -> None:
    people = Identities(engine)
    begun: list[object] = []
    event.listen(engine, "begin", begun.append)
    people.observe([identify("u1", "a1", 5)])
    assert len(begun) == 1
    people.observe([identify("u1", "a1", 7)])
    assert len(begun) == 1
    people.observe([identify("u1", "a1", 3), identify("u2", "a1", 4)])
    assert len(begun) == 2
    assert people.person(None, "a1").customer_id == "u1"


def test_nobody_is_no_person(engine: Engine) -> None:
    with pytest.raises(ValueError, match="user_id or an anonymous_id"):
        Identities(engine).person(None, None)


def test_the_log_alone_is_enough(engine: Engine) -> None:
    events = [identify("u1", "a1", 1), identify("u1", None, 2, previous="u9"), identify("u2", "a1", 0)]
    log = Log(engine, EVENTS)
    log.append([to_record(event) for event in events])
    people = Identities(engine)
    assert people.catch_up(log) == 3
    assert people.catch_up(log) == 0
    learned = people.table()
    assert learned.num_rows == 3
    people.rebuild(log)
    assert people.table() == learned


def test_more_devices_than_a_statement_takes_parameters(engine: Engine) -> None:
    many = (
        "WITH RECURSIVE device(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM device WHERE n < 70000) "
        "INSERT INTO identity_link (kind, id, user_id, since) "
        "SELECT 'anonymous', 'a' || n, 'u' || (n % 3), n FROM device"
    )
    with engine.begin() as connection:
        connection.execute(text(many))
    people = Identities(engine)
    asked = [("u0", None), ("u1", None), (None, "a2"), (None, "b")]
    found = people.people(asked)
    assert found == [people.person(*subject) for subject in asked]
    assert [len(person.anonymous_ids) for person in found] == [23_333, 23_334, 23_333, 1]
    assert len(people.claims([f"a{n}" for n in range(70_000)])) == 69_999
    users = [(f"v{number}", None) for number in range(40_000)]
    assert people.people(users) == [Person(user, (user,), ()) for user, _ in users]


@settings(max_examples=60)
@given(events=st.lists(EVENT, max_size=8), random=st.randoms(use_true_random=False))
def test_the_order_and_the_batching_of_events_do_not_matter(events: list[Event], random: object) -> None:
    one, two = (Identities(open_database("sqlite://")) for _ in range(2))
    one.observe(events)
    shuffled = events[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for each in shuffled + shuffled[:2]:
        two.observe([each])
    assert one.table() == two.table()
    mapping = {(row["kind"], row["id"]): row["customer_id"] for row in one.table().to_pylist()}
    for kind in ("user", "anonymous"):
        for id_ in ("u1", "u2", "u3", "a1", "a2"):
            person = one.person(id_, None) if kind == "user" else one.person(None, id_)
            default = id_ if kind == "user" else f"anonymous:{id_}"
            assert person.customer_id == mapping.get((kind, id_), default)
