"""Who is joined with more ids than a statement takes parameters is read, and found by the right index, all the same."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy import event as sqlalchemy_event

from features.among import FEW, among, given
from features.cart_table import CARTS
from features.consent_words import consents_of, last_words
from features.contact import CONSENT_EVENTS
from features.identity_links import LINKS
from features.latest import latest_of
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, to_record
from features.people import records_of
from features.person import Person
from features.privacy.events import EventRows
from features.privacy.personal import WORDS, Withdrawals
from features.privacy.projections import carts, links, words
from features.privacy.suppression import Suppressions
from features.privacy.tombstones import DecisionRows
from features.recent import Base, recents_of
from features.stirred import stirred
from tests.features.person import at, event

MANY = 70_000
BOT = Person("bot", ("bot",), tuple(f"a{number}" for number in range(MANY)))
LATE = f"a{MANY - 1}"


@pytest.fixture
def log(engine: Engine) -> Log:
    """What the bot did under its first id and its last, beside a stranger."""
    found = Log(engine, EVENTS)
    said = {"channel": "email", "consent": "withdrawn"}
    events = [
        event("product_viewed", 0, "tea", user="bot"),
        event("product_viewed", 1, "tea", user=None, visitor="a0"),
        event("product_viewed", 2, "tea", user="stranger", visitor="a0"),
        event("product_viewed", 3, "tea", user=None, visitor="stranger"),
        event("consent_changed", 4, user=None, visitor=LATE, **said),
    ]
    found.append([to_record(one) for one in events])
    return found


def positions(records: list[Record]) -> list[int]:
    return [record.position for record in records]


def test_more_ids_than_a_statement_takes_are_read(log: Log) -> None:
    ids = BOT.user_ids, BOT.anonymous_ids
    assert positions(log.of_person(*ids)) == [1, 2, 3, 5]
    assert positions(log.of_person(*ids, 1, 9, at(4), ("product_viewed",), at(3))) == [2, 3]
    assert positions(log.of_person(BOT.anonymous_ids, ())) == []
    types = ("product_viewed", "consent_changed")
    stranger = Person("stranger", ("stranger",), ("stranger",))
    assert [positions(own) for own in latest_of(log, [stranger, BOT, stranger], 9, types)] == [
        [3, 4],
        [1, 2, 5],
        [3, 4],
    ]
    assert stirred(log, [BOT, stranger], 4, at(9)) == [True, False]
    assert [positions(records) for _, records in records_of(log, [BOT], types)] == [[1, 2, 5]]
    assert consents_of(log, [stranger, BOT])[1]["email", ""].consent == "withdrawn"
    assert positions(last_words(log, BOT)) == [5]
    recents = recents_of(log, [("bot", None), *((None, id_) for id_ in BOT.anonymous_ids)], Base(), 5, 9)
    assert positions(list(recents["bot"].records)) == [1]
    assert positions(list(recents["anonymous:a0"].records)) == [2]


def test_more_ids_than_a_statement_takes_are_told_and_forgotten(log: Log) -> None:
    engine, made = log.engine, microseconds(at(0))
    Log(engine, DECISIONS).append([Record(f"d{id_}", "x", 1, 1, None, id_, "{}") for id_ in ("a1", LATE, "stranger")])
    with engine.begin() as connection:
        cart = {"kind": "cart", "number": 0, "seen_at": 1, "payload": '{"id":"cart"}'}
        connection.execute(insert(CARTS), [cart | {"customer_id": f"anonymous:{id_}"} for id_ in (LATE, "stranger")])
        connection.execute(
            insert(LINKS),
            [{"kind": "anonymous", "id": id_, "user_id": "bot", "since": made} for id_ in BOT.anonymous_ids],
        )
        connection.execute(
            insert(WORDS), [{"kind": "anonymous", "id": id_, "at": 1, "granted": 0} for id_ in (LATE, "stranger")]
        )
    assert Withdrawals(engine).among([BOT, Person("u", ("u",), ())]) == [True, False]
    stores = EventRows(engine), links(engine), carts(engine), words(engine), DecisionRows(engine, at(9))
    assert [len(list(store.held(BOT))) for store in stores] == [3, MANY, 1, 1, 2]
    for store in reversed(stores):
        store.erase(BOT)
    assert [len(list(store.held(BOT))) for store in stores] == [0] * 5
    left = [record.anonymous_id for record in log.read() if record.type == "product_viewed"]
    assert left == [None, "stranger"], "what others did on the device stays, without it"
    with engine.connect() as connection:
        assert [connection.scalar(select(func.count()).select_from(table)) for table in (CARTS, WORDS)] == [1, 1]


def test_claims_by_more_aliases_than_a_statement_takes_are_taken_back(log: Log) -> None:
    many = (
        "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 69999) INSERT INTO event "
        "(key, type, occurred_at, received_at, user_id, payload) SELECT 'm' || n, 'aliased', 1, 1, 'u' || n, "
        '\'{"previous_id":"bot"}\' FROM n'
    )
    links = "INSERT INTO identity_link SELECT 'user', 'bot', user_id, 1 FROM event WHERE type = 'aliased'"
    with log.engine.begin() as connection:
        connection.execute(text(many))
        connection.execute(text(links))
    EventRows(log.engine).erase(Person("bot", ("bot",), ()))
    assert [record.type for record in log.read()] == ["product_viewed"] * 3 + ["consent_changed", "erased"]


def test_what_is_damaged_is_told_as_it_is_held(log: Log) -> None:
    held = ['{"query":"tea"}', "[]", "{"]
    log.append([Record(f"m{n}", "products_searched", 1, 1, "u", None, payload) for n, payload in enumerate(held)])
    searched, *damaged = EventRows(log.engine).held(Person("u", ("u",), ()))
    assert searched["query"] == "tea"
    assert [row["payload"] for row in damaged] == ["[]", "{"]


def test_an_alias_that_cannot_be_read_stops_no_erasure(log: Log) -> None:
    """Of somebody else whom the same user took over."""
    bodies = {"told": '{"previous_id":"bot"}', "damaged": '{"previous_id":3}'}
    log.append([Record(key, "aliased", 1, 1, "u", None, body) for key, body in bodies.items()])
    with log.engine.begin() as connection:
        connection.execute(insert(LINKS).values(kind="user", id="bot", user_id="u", since=1))
    EventRows(log.engine).erase(Person("bot", ("bot",), ()))
    assert {record.key for record in log.read()} & set(bodies) == {"damaged"}


def test_a_list_of_more_hashes_than_a_statement_takes_is_lifted(engine: Engine) -> None:
    listed = Suppressions(engine, b"secret")
    assert listed.add(BOT, at(0)) == MANY + 1
    assert listed.lift(BOT) == MANY + 1
    assert not listed.anybody()


def test_many_ids_of_whatever_number_are_one_text(log: Log) -> None:
    texts: set[str] = set()

    def reading(statement: str, told: Any) -> Any:
        texts.add(statement)
        return log.read_by(statement, told)

    spied = Log(log.engine, EVENTS, reading)  # type: ignore[arg-type]
    for count in range(FEW + 1, FEW + 100):
        some = Person("u", BOT.anonymous_ids[:count], BOT.anonymous_ids[: 2 * count])
        spied.of_person(some.user_ids, some.anonymous_ids)
        latest_of(spied, [some], 1, ("product_viewed",))
        stirred(spied, [some], 0, at(0))
    assert len(texts) == 3
    assert max(map(len, texts)) < 1_500


def told(log: Log, person: Person) -> None:
    list(records_of(log, [person], ()))


def recent(log: Log, person: Person) -> None:
    recents_of(log, [(None, id_) for id_ in person.anonymous_ids], Base(), 5, 9)


@pytest.mark.parametrize(
    "read",
    [
        lambda log, person: latest_of(log, [person], 9, CONSENT_EVENTS),
        lambda log, person: consents_of(log, [person]),
        last_words,
        told,
        recent,
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("count", [1, 2, 3, FEW, FEW + 1])
def test_visitors_are_looked_up_by_their_own_index(log: Log, count: int, read: Callable[[Log, Person], object]) -> None:
    """SQLite would rather read all rows that name no user as soon as there are two ids."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, given: Any, _context: object, many: bool) -> None:
        if "anonymous_id" in statement and not many:
            seen.append((statement, given))

    sqlalchemy_event.listen(log.engine, "before_cursor_execute", note)
    read(log, Person("anonymous:a0", (), BOT.anonymous_ids[:count]))
    sqlalchemy_event.remove(log.engine, "before_cursor_execute", note)
    assert seen
    with log.engine.connect() as connection:
        for statement, parameters in seen:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            steps = [row[3] for row in plan if "event_of" in row[3]]
            assert any("event_of_anonymous (anonymous_id=?" in step for step in steps) or not steps
            assert not any("event_of_user" in step for step in steps)
            assert not any(row[3].startswith("SCAN event") for row in plan)


def test_few_ids_stand_for_themselves(engine: Engine) -> None:
    dialect = engine.dialect.name
    for count in (1, FEW, FEW + 1, 1_000):
        ids = [f"ü/🛒'\"\\{number}%" for number in range(count)]
        rows = [Record(f"{count}:{id_}", "x", 1, 1, id_, None, "{}") for id_ in ids]
        log = Log(engine, EVENTS)
        log.append(rows)
        query = f'SELECT count(*) FROM "event" WHERE {among(dialect, "user_id", count)} AND "key" LIKE '
        mark = "?" if dialect == "sqlite" else "%s"
        assert log.read_by(query + mark, (*given(dialect, ids), f"{count}:%"))[0][0] == count
        assert len(log.of_person(ids, (), limit=count * 9, since=at(0) + timedelta(days=1))) >= count
