"""Lists leave out who said no, in whatever order words, orders and logins come, until a new consent is told."""

from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Engine

from features.contact import contact_of
from features.events import Event
from features.log import EVENTS, Log, to_record
from features.person import Person
from features.privacy.personal import PURPOSE
from features.privacy.unlisted import Unlisted, left_everything
from tests.features.person import at, event

HER, HIM = Person("u1", ("u1",), ()), Person("u2", ("u2",), ())
VISITOR = Person("anonymous:a1", (), ("a1",))


def word(consent: str, minutes: float, purpose: str | None = PURPOSE, **who: str | None) -> Event:
    said = {"channel": "web", "purpose": purpose, "consent": consent}
    return event("consent_changed", minutes, id=f"{consent}-{minutes}-{purpose}", **said, **who)


def unlisted(engine: Engine, *people: Person) -> list[bool]:
    return Unlisted.now(engine, b"a secret").among(people)


def tell(engine: Engine, *events: Event) -> None:
    for one in events:
        Log(engine, EVENTS).append([to_record(one)])


ORDERS = [event("order_completed", minutes, "milk", order_id=str(minutes)) for minutes in (4, 1)]
NO = [word("withdrawn", 3), event("unsubscribed", 3)]


@pytest.mark.parametrize("no", NO, ids=["does not want to be known", "left every channel"])
def test_who_said_no_stays_out_whatever_comes_in_which_order(engine: Engine, no: Event) -> None:
    """An older consent and orders of before and after, each of which may be late, and some told twice."""
    people: list[Person] = []
    for number, told in enumerate(permutations([no, word("granted", 2), *ORDERS])):
        user = f"her-{number}"
        people.append(Person(user, (user,), ()))
        mine = [structs.replace(one, user_id=user, message_id=f"{number}-{one.message_id}") for one in told]
        tell(engine, *mine[: number % 5])
        unlisted(engine, people[-1])
        tell(engine, *mine)
    assert unlisted(engine, *people, HIM) == [True] * len(people) + [False]


@pytest.mark.parametrize("no", NO, ids=["does not want to be known", "left every channel"])
def test_a_new_consent_brings_them_back_and_one_about_something_else_does_not(engine: Engine, no: Event) -> None:
    other = "carts" if no.type == "consent_changed" else PURPOSE
    tell(engine, no, word("granted", 5, other))
    assert unlisted(engine, HER) == [True]
    tell(engine, word("granted", 6, PURPOSE if other == "carts" else "carts"))
    assert unlisted(engine, HER) == [False]


def test_of_one_moment_the_withdrawal_holds(engine: Engine) -> None:
    tell(engine, event("unsubscribed", 3), word("granted", 3, None))
    assert unlisted(engine, HER) == [True]


def test_a_word_about_one_channel_or_purpose_takes_nobody_off_a_list_that_names_none(engine: Engine) -> None:
    tell(
        engine,
        event("unsubscribed", 1, channel="email"),
        event("unsubscribed", 2, purpose="carts"),
        word("withdrawn", 3, None),
    )
    assert unlisted(engine, HER) == [False]


def test_a_consent_that_was_taken_back_brings_nobody_back(engine: Engine) -> None:
    told = [
        event("unsubscribed", 1),
        event("consent_changed", 2, channel="email", purpose="news", consent="granted"),
        event("unsubscribed", 3, channel="email"),
    ]
    answers = []
    for one in told:
        tell(engine, one)
        answers += unlisted(engine, HER)
    assert answers == [True, False, True]


def test_no_number_of_words_crowds_out_that_somebody_left(engine: Engine) -> None:
    again = [word("withdrawn", 2 + number / 1_000, None) for number in range(1_200)]
    many = [
        event("consent_changed", 3 + number / 1_000, channel=f"c{number}", consent="withdrawn") for number in range(700)
    ]
    Log(engine, EVENTS).append([to_record(one) for one in [event("unsubscribed", 1), *again, *many]])
    assert unlisted(engine, HER) == [True]
    tell(engine, event("consent_changed", 9, consent="granted"))
    assert unlisted(engine, HER) == [False]


@pytest.mark.parametrize("known_as", ["user", "visitor"])
def test_it_holds_for_every_id_of_the_person_whichever_came_first(engine: Engine, known_as: str) -> None:
    said = event("unsubscribed", 1, user=None, visitor="a1"), word("withdrawn", 2, user=None, visitor="a1")
    tell(engine, *said[: 1 + (known_as == "user")])
    assert unlisted(engine, VISITOR, HER) == [True, False]
    tell(engine, event("identified", 3, user="u1", visitor="a1"))
    assert unlisted(engine, VISITOR, HER, HIM) == [True, True, False]


def test_a_new_consent_under_another_id_brings_them_back_by_whichever_id_they_stand_in_a_table(engine: Engine) -> None:
    tell(engine, word("withdrawn", 1, user=None, visitor="a1"), event("identified", 2, user="u1", visitor="a1"))
    assert unlisted(engine, VISITOR, HER) == [True, True]
    tell(engine, word("granted", 3))
    assert unlisted(engine, VISITOR, HER) == [False, False]


def test_nobody_is_asked_about(engine: Engine) -> None:
    assert unlisted(engine) == []


CHANNELS, PURPOSES = ["", "email", "sms"], ["", "carts", PURPOSE]
WORDS = st.tuples(*map(st.sampled_from, (CHANNELS, PURPOSES, ["granted", "withdrawn", "withdrawn"], range(4))))


@given(st.lists(WORDS, max_size=8))
def test_who_left_is_who_left_and_may_be_written_to_by_no_channel_for_no_purpose(words: list[Any]) -> None:
    told = [
        event("consent_changed", minutes, id=str(place), channel=channel, purpose=purpose, consent=consent)
        for place, (channel, purpose, consent, minutes) in enumerate(words)
    ]
    contact = contact_of(told, at(9))
    purposes = [purpose for purpose in (*PURPOSES, "another") if purpose not in ("", PURPOSE)]
    everything = [contact.consent(*scope) for scope in product([*CHANNELS[1:], "another"], purposes)]
    left = contact.consent("another", "another") == "withdrawn" and "granted" not in everything
    assert left_everything(contact) == left
