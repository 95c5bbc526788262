"""The last word on personalization counts for a person with all ids; nothing is learned of who withdrew."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features.compute import interactions
from features.database import open_database
from features.events import Event
from features.history import compact
from features.identity import Identities
from features.log import EVENTS, Log, Record, to_record
from features.privacy.personal import PURPOSE, Withdrawals, identities_to_learn_from
from tests.features.person import at, event


def word(consent: str, minutes: float, **who: str | None) -> Event:
    said = {"channel": "web", "purpose": PURPOSE, "consent": consent}
    return event("consent_changed", minutes, id=f"{consent}-{minutes}-{sorted(who.items(), key=str)}", **said, **who)


def withdrawn(engine: Engine) -> set[str]:
    log, identities, words = Log(engine, EVENTS), Identities(engine), Withdrawals(engine)
    identities.catch_up(log)
    words.catch_up(log)
    return {person.customer_id for person in words.people(identities)}


def test_a_word_of_any_id_is_that_of_the_person(engine: Engine) -> None:
    log = Log(engine, EVENTS)
    log.append([to_record(word("withdrawn", 1, user=None, visitor="a1"))])
    assert withdrawn(engine) == {"anonymous:a1"}
    log.append([to_record(event("identified", 2, user="u1", visitor="a1"))])
    assert withdrawn(engine) == {"u1"}
    log.append([to_record(word("granted", 3, user="u1"))])
    assert withdrawn(engine) == set()
    log.append([to_record(word("withdrawn", 2.5, user="u1"))])  # late, and older than the consent
    assert withdrawn(engine) == set()


def test_words_about_anything_else_are_none(engine: Engine) -> None:
    said = [
        event("consent_changed", 1, channel="email", consent="withdrawn"),
        event("consent_changed", 2, channel="email", purpose="carts", consent="withdrawn"),
        event("unsubscribed", 3, channel="email"),
    ]
    Log(engine, EVENTS).append([to_record(one) for one in said])
    assert withdrawn(engine) == set()


def test_a_word_that_cannot_be_read_stops_no_other_and_is_told(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = '{"purpose":"personalization","consent":"withdrawn","total":"much","lines":[{}]}'
    said = [
        Record("lost", "consent_changed", 1, 1, "u1", None, "[]"),
        Record("damaged elsewhere", "consent_changed", 1, 1, "u2", None, damaged),
        to_record(word("withdrawn", 3, user="u3")),
    ]
    Log(engine, EVENTS).append(said)
    assert withdrawn(engine) == {"u2", "u3"}
    assert withdrawn(engine) == {"u2", "u3"}
    (told,) = caplog.messages
    assert "at position 1 of the log cannot be read" in told


def test_a_word_that_is_late_is_noticed_by_whoever_keeps_the_people(engine: Engine) -> None:
    log, words = Log(engine, EVENTS), Withdrawals(engine)
    said = []
    for one in (("granted", 1, "u1"), ("withdrawn", 5, "u2"), ("withdrawn", 3, "u1"), ("granted", 4, "u1")):
        consent, minutes, user = one
        log.append([to_record(word(consent, minutes, user=user))])
        words.catch_up(log)
        said.append(words.said())
    assert len(set(said)) == 4


WORD = st.builds(
    lambda consent, minutes, who: word(consent, minutes, **who),
    st.sampled_from(["granted", "withdrawn"]),
    st.integers(0, 9),
    st.sampled_from([{"user": "u1"}, {"user": "u2"}, {"user": None, "visitor": "a1"}, {"user": None, "visitor": "u1"}]),
)
LINK = st.sampled_from(
    [event("identified", 1, user="u1", visitor="a1"), event("aliased", 2, user="u2", previous_id="u1")],
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(WORD, LINK), max_size=8))
def test_some_who_are_asked_about_withdrew_where_they_are_among_all_who_did(told: list[Event]) -> None:
    engine = open_database("sqlite://")
    Log(engine, EVENTS).append([to_record(one) for one in told])
    everybody = withdrawn(engine)
    people = Identities(engine).people([("u1", None), ("u2", None), (None, "a1"), (None, "u1"), ("u3", None)])
    assert Withdrawals(engine).among(people) == [person.customer_id in everybody for person in people]
    assert Withdrawals(engine).anybody() == any(one.type == "consent_changed" for one in told)


@settings(max_examples=10)
@given(
    words=st.lists(st.tuples(st.sampled_from(["granted", "withdrawn"]), st.integers(0, 3), st.sampled_from("uv"))),
    cut=st.integers(0, 10),
)
def test_the_last_word_holds_whatever_the_order_and_the_batches(words: list[tuple[str, int, str]], cut: int) -> None:
    engine = open_database("sqlite://")
    log = Log(engine, EVENTS)
    said = [word(consent, minutes, user=user) for consent, minutes, user in words]
    for part in (said[:cut], said[cut:]):
        log.append([to_record(one) for one in part])
        found = withdrawn(engine)
    last = {user: max(((m, c == "withdrawn") for c, m, u in words if u == user), default=(0, False)) for user in "uv"}
    assert found == {user for user, (_, gone) in last.items() if gone}
    engine.dispose()


@pytest.mark.parametrize("known_as", ["user", "visitor"])
def test_nothing_is_learned_of_who_withdrew_also_not_from_before(tmp_path: Path, known_as: str) -> None:
    engine = open_database("sqlite://")
    log = Log(engine, EVENTS)
    her = {"user": "u1"} if known_as == "user" else {"user": None, "visitor": "a1"}
    him = {"user": "u2", "visitor": "a1"}
    said = [
        event("product_viewed", 1, "milk", **her),
        event("product_viewed", 2, "tea", **him),
        event("identified", 0, user="u1", visitor="a1"),
    ]
    log.append([to_record(one) for one in said])
    compact(log, tmp_path, 2)
    Identities(engine).catch_up(log)

    def learned() -> list[tuple[str, str]]:
        table = interactions(tmp_path, identities_to_learn_from(engine), at(1_000))
        return sorted(zip(table["customer_id"].to_pylist(), table["product_id"].to_pylist(), strict=True))

    assert learned() == [("u1", "milk"), ("u2", "tea")]
    log.append([to_record(word("withdrawn", 5, **her))])
    assert learned() == [("u2", "tea")]
    log.append([to_record(word("granted", 6, **her))])
    assert learned() == [("u1", "milk"), ("u2", "tea")]
    engine.dispose()
