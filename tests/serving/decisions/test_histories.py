"""Histories that are kept are those that would be read anew: whatever is asked, whenever, while events come."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from features.cart_kinds import BROWSE, CART, KINDS, Kind
from features.carts import carts_of
from features.contact import CONTACT_EVENTS, contact_of
from features.database import open_database
from features.events import Event
from features.log import EVENTS, Log, microseconds, to_record
from features.person import Person
from serving.decisions import histories
from serving.decisions.histories import Histories, History, Wanted
from tests.features.person import at, event
from tests.serving.decisions.world import ask
from tests.serving.world import Shop

IDLE, TTL = timedelta(minutes=60), timedelta(days=7)
PERSON = Person("u1", ("u1",), ("a1",))
OTHER = Person("u2", ("u2",), ())
HAPPENED = st.builds(
    lambda number, type_, minutes, who, order, said: event(
        type_,
        minutes,
        "tea",
        *(["milk"] if number % 2 else []),
        user=who[0],
        visitor=who[1],
        order_id=order,
        channel="email",
        consent="withdrawn",
        id=f"m{number}",
        **said,
    ),
    st.integers(0, 10**9),
    st.sampled_from(
        [*CART.types, *BROWSE.types, "message_sent", "message_bounced", "consent_changed", "product_added"]
    ),
    st.sampled_from([0, 1, 59, 60, 61, 200, 200, 10_140, 10_141]),
    st.sampled_from([("u1", None), (None, "a1"), ("u1", "a1"), ("u2", "a1"), ("u2", None)]),
    st.sampled_from(["o1", "o2"]),
    st.sampled_from([{}, {}, {"timezone": "Asia/Tokyo"}, {"device": "phone"}, {"timezone": "UTC", "device": '"x":'}]),
)
STEP = st.tuples(
    st.lists(HAPPENED, max_size=5), st.sampled_from([0, 1, 60, 61, 130, 200, 300, 10_200, 30_000]), st.booleans()
)


def a_log() -> Log:
    return Log(open_database("sqlite://"), EVENTS)


def anew(events: Sequence[Event], person: Person, kind: Kind, minutes: float) -> History:
    """What all events together say, in the plainest way."""
    now = at(minutes)
    own = [
        one
        for one in events
        if one.occurred_at <= now
        and (one.user_id in person.user_ids or (one.user_id is None and one.anonymous_id in person.anonymous_ids))
    ]
    behaviour = [one for one in own if one.type in kind.types]
    told = [one for one in own if one.type in CONTACT_EVENTS]
    return History(
        carts=tuple(carts_of(behaviour, now, IDLE, TTL, kind)),
        contact=contact_of([*told, *behaviour], now),
        orders=tuple(sorted(microseconds(one.occurred_at) for one in behaviour if one.type == "order_completed")),
        device=next((one.body.device for one in reversed(behaviour) if one.body.device), None),
    )


def wanted(person: Person = PERSON, kind: Kind = CART) -> Wanted:
    return Wanted(person, kind, IDLE, TTL)


def test_what_is_kept_is_what_would_be_read_anew() -> None:
    log = a_log()

    @settings(deadline=None, max_examples=150)
    @given(st.lists(STEP, min_size=1, max_size=6), st.sampled_from([3, 6, 500]), st.sampled_from(list(KINDS.values())))
    def law(steps: Any, most: int, kind: Kind) -> None:
        with log.engine.begin() as connection:
            connection.execute(delete(EVENTS))
        seen = dict[str, Event]()
        kept = Histories(log, most)
        for events, minutes, both in steps:
            log.append([to_record(one) for one in events])
            for one in events:
                seen.setdefault(one.message_id, one)
            asked = [PERSON, OTHER] if both else [PERSON]
            found = kept.of([wanted(one, kind) for one in asked], [at(minutes)] * len(asked))
            assert found == [anew(list(seen.values()), one, kind, minutes) for one in asked]
            assert kept._size == sum(one.history.size for one in kept._kept.values()) <= most

    law()


def test_more_than_one_read_holds_is_read_by_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "_MOST_EVENTS", 3)
    monkeypatch.setattr(histories, "_MOST_CONTACTS", 2)
    log = a_log()
    said = event("consent_changed", 0, channel="email", consent="withdrawn", id="no")
    sent = [event("message_sent", minute, channel="email", id=f"s{minute}") for minute in range(1, 5)]
    put_in = [event("product_added", minute, f"p{minute}", id=f"p{minute}") for minute in range(5, 10)]
    log.append([to_record(one) for one in (said, *sent, *put_in)])
    kept = Histories(log)
    for _ in range(2):
        (found,) = kept.of([wanted()], [at(10)])
        assert found.contact.consent("email") == "withdrawn", "however much was sent since"
        assert len(found.contact.touches) == 2
        assert found.carts[-1].item_ids == ("p7", "p8", "p9")
    (early,) = kept.of([wanted()], [at(7)])
    assert early.carts[-1].item_ids == ("p5", "p6", "p7"), "what came later crowds nothing out"


def test_no_number_of_words_crowds_out_that_somebody_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "_MOST_CONTACTS", 20)
    monkeypatch.setattr(histories, "_MOST_EVENTS", 10)
    log = a_log()
    left = event("unsubscribed", 1)
    again = [event("consent_changed", 2 + n, id=str(n), channel="email", consent="withdrawn") for n in range(50)]
    log.append([to_record(one) for one in [left, *again]])
    for moment in (at(40), at(99)):
        (history,) = Histories(log).of([wanted(Person("u1", ("u1",), ()))], [moment])
        assert history.contact.consent("sms", "carts") == "withdrawn"


def test_whoever_is_asked_about_again_is_not_read_again_unless_something_happened() -> None:
    log = a_log()
    log.append([to_record(event("product_added", 0, "tea", id="m1"))])
    kept = Histories(log)
    (before,) = kept.of([wanted()], [at(1)])
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS))
    assert kept.of([wanted()], [at(2)]) == [before]
    assert kept.of([wanted(kind=BROWSE)], [at(2)]) == [History()], "that was not asked before"
    log.append([to_record(event("product_added", 0, "milk", id="m2"))])
    assert kept.of([wanted()], [at(2)])[0].carts[-1].item_ids == ("milk",)


@pytest.mark.parametrize("later", [1, 59, 60, 61])
def test_nothing_is_kept_behind_an_erasure_or_for_long(later: float) -> None:
    log = a_log()
    log.append([to_record(event("product_added", 0, "tea", id="m1"))])
    kept = Histories(log)
    kept.of([wanted()], [at(1)])
    with log.engine.begin() as connection:
        connection.execute(delete(EVENTS))
    assert bool(kept.of([wanted()], [at(1 + later)])[0].carts) == (later < 60)
    kept.forget()
    assert kept.of([wanted()], [at(2)]) == [History()]


def test_what_was_read_while_somebody_was_erased_is_not_kept() -> None:
    class Erasing(Log):
        def last_position(self) -> int:
            kept.forget()
            return super().last_position()

    log = Erasing(open_database("sqlite://"), EVENTS)
    log.append([to_record(event("product_added", 0, "tea", id="m1"))])
    kept = Histories(log)
    assert kept.of([wanted()], [at(1)])[0].carts
    assert not kept._kept


def test_a_service_keeps_whom_it_was_asked_about_until_somebody_is_suppressed(decider: Shop) -> None:
    ask(decider, "kept")
    kept = decider.resources.histories
    assert [one.person.customer_id for one in kept._kept] == ["kept"]
    suppressed = decider.client.post("/v1/privacy/suppress", json={"subject": {"user_id": "other"}, "suppressed": True})
    assert suppressed.is_success, suppressed.text
    assert not kept._kept
