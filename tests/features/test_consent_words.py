"""The last words that the database works out are those that the events of one person say."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from features import consent_words
from features.consent_words import consents_of, last_words
from features.contact import CONSENT_EVENTS, Said, contact_of
from features.events import Event
from features.log import EVENTS, Log, from_record, to_record
from features.person import Person
from tests.features.person import at, event

WHO = [{"user": "u1"}, {"user": "u2"}, {"user": None, "visitor": "a1"}, {"user": "u3", "visitor": "a1"}]
WORDS = st.tuples(
    st.sampled_from([*CONSENT_EVENTS, "product_viewed"]),
    st.integers(0, 3),
    st.sampled_from(WHO),
    st.fixed_dictionaries(
        {
            "channel": st.sampled_from([None, "", "email", "sms", "почта's"]),
            "purpose": st.sampled_from([None, "", "carts", '"']),
        }
    ),
    st.sampled_from([None, "granted", "withdrawn"]),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(WORDS, max_size=20))
def test_they_are_those_of_the_events(engine: Engine, words: list[tuple[Any, ...]]) -> None:
    log, told = Log(engine, EVENTS), list[Event]()
    people = [Person("u1", ("u1", "u2"), ("a1",)), Person("u2", ("u2",), ()), Person("u9", ("u9",), ("a9",))]
    begun = log.last_position()
    for place, (kind, minutes, who, scope, consent) in enumerate(words):
        named = f"{begun}-{place}"
        told.append(event(kind, minutes, id=named, **who, **scope, **({"consent": consent} if consent else {})))
    with engine.begin() as connection:
        connection.execute(EVENTS.delete())
    log.append([to_record(one) for one in told])
    own = [
        [one for one in told if one.user_id in ("u1", "u2") or one.user_id is None],
        [one for one in told if one.user_id == "u2"],
    ]
    expected = [dict(contact_of(events, at(9)).consents) for events in own]
    assert [dict(words) for words in consents_of(log, people)] == [*expected, {}]
    for person, events in zip(people, own, strict=False):
        for until in (at(1), at(9)):
            last = map(from_record, last_words(log, person, until))
            assert contact_of(last, at(9)).consents == contact_of(events, until).consents


def test_of_somebody_who_spoke_of_too_much_only_the_word_on_everything_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_words, "MOST", 3)
    log, person = Log(engine, EVENTS), Person("u1", ("u1",), ("a1",))
    words = [event("consent_changed", n, channel=f"c{n}", consent="granted") for n in range(9)]
    left = event("unsubscribed", 4, user=None, visitor="a1")
    log.append([to_record(one) for one in [*words[:3], left]])
    assert len(consents_of(log, [person])[0]) == 1
    log.append([to_record(one) for one in words[3:]])
    assert consents_of(log, [person]) == [{("", ""): Said("withdrawn", at(4))}]
