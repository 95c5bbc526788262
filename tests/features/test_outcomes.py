"""What came of a decision: nothing counts twice, nothing is lost, and money is what was bought and kept in time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contact import TOUCHES
from features.database import open_database
from features.decisions import DECISION, RECOMMENDATION
from features.events import Event, Line
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, to_record
from features.outcomes import Outcome, outcomes
from features.purchases import ORDER_EVENTS
from tests.features.decided import WINDOW, decision
from tests.features.person import at, event

END = WINDOW.total_seconds() / 60
LATER = at(10 * END)


@contextmanager
def logs() -> Iterator[tuple[Log, Log, Identities]]:
    engine = open_database("sqlite://")
    try:
        yield Log(engine, EVENTS), Log(engine, DECISIONS), Identities(engine)
    finally:
        engine.dispose()


def came(
    decided: Sequence[Record], *events: Event, as_of: float | None = None, asked: Sequence[Record] | None = None
) -> list[Outcome]:
    with logs() as (log, decisions, people):
        decisions.append(decided)
        log.append([to_record(one) for one in events])
        people.catch_up(log)
        now = LATER if as_of is None else at(as_of)
        return outcomes(log, decisions, people, decided if asked is None else asked, now)


def of_one(*events: Event, as_of: float | None = None, **said: Any) -> Outcome:
    (outcome,) = came([decision("dec_1", 0, **said)], *events, as_of=as_of)
    return outcome


def sent(minutes: float, id_: str | None = "dec_1", channel: str = "email", **said: Any) -> Event:
    return event("message_sent", minutes, channel=channel, decision_id=id_, **said)


def ordered(minutes: float, order: str = "o1", price: str = "10.00", **said: Any) -> Event:
    line = Line(product_id="tea", quantity=2, price=Decimal(price))
    return event("order_completed", minutes, line, order_id=order, **({"currency": "EUR"} | said))


def test_a_decision_of_which_nothing_was_heard() -> None:
    told = of_one(as_of=60)
    assert (told.decision_id, told.decision_point, told.customer_id) == ("dec_1", "cart_recovery", "u1")
    assert (told.channel, told.activated_at, told.orders, told.value, told.matured) == ("email", None, 0, 0, False)
    assert (told.currency, told.last_event_at, told.trigger_id, told.step) == ("EUR", None, "cart_1", 1)
    assert of_one(channel=None).channel is None
    assert came([]) == []


def test_a_window_closes_and_is_open_at_its_end() -> None:
    assert not of_one(as_of=END - 0.001).matured
    assert of_one(as_of=END).matured
    assert of_one(ordered(0)).orders == 1
    assert of_one(ordered(-0.001)).orders == 0
    assert of_one(ordered(END - 0.001)).orders == 1
    assert of_one(ordered(END)).orders == 0


def test_what_lies_ahead_waits() -> None:
    events = sent(60), ordered(90)
    assert of_one(*events, as_of=59).activated_at is None
    before = of_one(*events, as_of=89)
    assert (before.activated_at, before.orders) == (at(60), 0)
    after = of_one(*events, as_of=90)
    assert (after.orders, after.value, after.first_order_at, after.last_event_at) == (1, Decimal(20), at(90), at(90))


def test_the_first_activation_stands_and_none_is_before_the_decision() -> None:
    told = of_one(sent(70, channel="sms", id="later"), sent(60, id="first"), sent(-5, id="early"))
    assert (told.activated_at, told.activated_channel) == (at(60), "email")
    assert of_one(sent(-5)).activated_at is None
    assert of_one(sent(60, id_="dec_2"), sent(60, id_=None)).activated_at is None


def test_orders_are_all_that_the_customer_kept_whatever_they_reacted_to() -> None:
    told = of_one(sent(60), ordered(5, "o1"), ordered(100, "o2", discount=Decimal("1.50")))
    assert (told.orders, told.order_ids, told.value, told.discount) == (2, ("o1", "o2"), Decimal(40), Decimal("1.50"))
    assert told.first_order_at == at(5)
    silent = of_one(ordered(100), channel=None)
    assert (silent.orders, silent.value) == (1, Decimal(20))


def test_what_was_returned_or_cancelled_at_any_time_was_not_kept() -> None:
    for undone in ("order_cancelled", "order_refunded"):
        assert of_one(ordered(5), event(undone, END + 100, order_id="o1")).orders == 0
        assert of_one(ordered(5), event(undone, END + 100, order_id="o1"), as_of=END).orders == 1
    two = event(
        "order_completed", 5, Line(product_id="tea", price=Decimal(7)), Line(product_id="cup", price=Decimal(3)),
        order_id="o1", currency="EUR", discount=Decimal(1),
    )  # fmt: skip
    told = of_one(two, event("order_refunded", 9, "tea", order_id="o1"))
    assert (told.orders, told.value, told.discount) == (1, Decimal(3), Decimal(1))


def test_an_order_that_is_reported_twice_counts_once_and_where_it_was_first() -> None:
    assert of_one(ordered(5), ordered(9, id="again", price="99.00")).value == Decimal(20)
    assert of_one(ordered(-5), ordered(9, id="again")).orders == 0
    more = event("order_completed", 9, Line(product_id="cup", price=Decimal(3)), order_id="o1", currency="EUR")
    told = of_one(ordered(5), more)
    assert (told.orders, told.value) == (1, Decimal(23))


def test_an_order_without_prices_came_to_its_total_and_what_was_taken_off() -> None:
    bare = event("order_completed", 5, "tea", "cup", order_id="o1", total=Decimal(9), discount=Decimal(1))
    assert of_one(bare).value == Decimal(10)
    assert of_one(bare, event("order_refunded", 9, "tea", order_id="o1")).value == Decimal(5)
    nothing = of_one(event("order_completed", 5, "tea", order_id="o1"))
    assert (nothing.orders, nothing.value) == (1, 0)


def test_another_currency_is_kept_apart_and_never_added() -> None:
    told = of_one(ordered(5), ordered(6, "o2", currency="USD"), ordered(7, "o3", currency=None))
    assert (told.orders, told.foreign_orders, told.value, told.currency) == (2, 1, Decimal(40), "EUR")
    assert of_one(ordered(5, currency="USD")).first_order_at is None
    unsaid = of_one(ordered(5, currency="USD"), ordered(6, "o2"), currency=None)
    assert (unsaid.orders, unsaid.foreign_orders, unsaid.currency) == (1, 1, "USD")


def test_what_an_engine_claims_is_no_money() -> None:
    claim = event("message_converted", 5, decision_id="dec_1", total=Decimal(100), currency="EUR")
    told = of_one(claim)
    assert (told.claimed, told.orders, told.value) == (True, 0, 0)


@pytest.mark.parametrize(
    ("type_", "field"),
    [
        ("message_delivered", "delivered"),
        ("push_notification_received", "delivered"),
        ("message_opened", "opened"),
        ("email_link_clicked", "clicked"),
        ("message_bounced", "bounced"),
        ("unsubscribed", "unsubscribed"),
        ("message_marked_as_spam", "complained"),
        ("message_converted", "claimed"),
    ],
)
def test_an_event_that_names_its_decision_counts_in_its_window_activated_or_not(type_: str, field: str) -> None:
    for minutes, counts in {0: True, -1: False, END - 1: True, END: False}.items():
        told = of_one(event(type_, minutes, channel="email", decision_id="dec_1"))
        assert getattr(told, field) is counts
        assert told == msgspec.structs.replace(
            of_one(), **{field: counts, "last_event_at": at(minutes) if counts else None}
        )
    assert not getattr(of_one(event(type_, 5, channel="email", decision_id="dec_9")), field)
    stranger = event(type_, 5, channel="email", decision_id="dec_1", user="u2")
    assert not getattr(of_one(stranger), field), "somebody else's click is no answer of this customer"


def test_machines_are_marked() -> None:
    opened = event("message_opened", 5, channel="email", decision_id="dec_1", machine=True)
    clicked = event("message_clicked", 6, channel="email", decision_id="dec_1", machine=True)
    told = of_one(opened, clicked)
    assert (told.opened, told.opened_by_machine, told.clicked, told.clicked_by_machine) == (False, True, False, True)
    both = of_one(opened, event("message_opened", 7, channel="email", decision_id="dec_1"))
    assert (both.opened, both.opened_by_machine) == (True, True)


def clicks(events: Sequence[Event], *decided: Record) -> dict[str, tuple[bool, bool]]:
    found = came(decided or [decision("dec_1", 0), decision("dec_2", 100, channel="sms")], *events)
    return {one.decision_id: (one.clicked, one.ambiguous) for one in found}


def test_an_event_without_a_decision_answers_the_last_message_of_its_channel() -> None:
    click = event("email_link_clicked", 200)
    first, second = (False, False), (True, False)
    assert clicks([click]) == {"dec_1": first, "dec_2": first}, "what was not sent has no answer"
    assert clicks([sent(60), click]) == {"dec_1": second, "dec_2": first}
    assert clicks([sent(60), sent(160, "dec_2", "sms"), click]) == {"dec_1": second, "dec_2": first}
    assert clicks([sent(201), click])["dec_1"] == first, "nothing is answered before it is sent"
    assert clicks([sent(60), event("email_link_clicked", END)])["dec_1"] == first
    assert clicks([sent(60), event("email_link_clicked", 200, user="u2")])["dec_1"] == first


def test_it_is_ambiguous_where_more_than_one_fits() -> None:
    both = decision("dec_1", 0), decision("dec_2", 100)
    click = event("email_link_clicked", 200)
    assert clicks([sent(60), sent(150, "dec_2"), click], *both) == {"dec_1": (False, False), "dec_2": (True, True)}
    assert clicks([sent(60), sent(201, "dec_2"), click], *both) == {"dec_1": (True, False), "dec_2": (False, False)}
    named = event("email_link_clicked", 200, decision_id="dec_1")
    assert clicks([sent(60), sent(150, "dec_2"), named], *both)["dec_1"] == (True, False)


def test_other_campaigns_send_messages_too() -> None:
    click, other = event("email_link_clicked", 200), sent(100, None)
    assert clicks([sent(60), other, click])["dec_1"] == (False, False), "the last message was another's"
    assert clicks([sent(120), other, click])["dec_1"] == (True, True)
    assert clicks([sent(120), sent(100, "unknown"), click])["dec_1"] == (True, True)
    assert clicks([sent(120), sent(100, None, "sms"), click])["dec_1"] == (True, False)
    old = sent(-END, None)
    assert clicks([sent(120), old, click])["dec_1"] == (True, False)
    ours, theirs = sent(60, campaign="carts"), sent(100, None, campaign="spring")
    told = event("email_link_clicked", 200, campaign="carts")
    assert clicks([ours, theirs, told])["dec_1"] == (True, False)
    assert clicks([ours, theirs, event("email_link_clicked", 200, campaign="spring")])["dec_1"] == (False, False)


def test_an_event_with_the_senders_own_id_of_a_message_answers_that_message() -> None:
    both = decision("dec_1", 0), decision("dec_2", 100)
    sends = sent(60, provider_message_id="esp-1"), sent(150, "dec_2", provider_message_id="esp-2")
    for id_, expected in {"esp-1": ["dec_1"], "esp-2": ["dec_2"]}.items():
        click = event("email_link_clicked", 200, provider_message_id=id_)
        assert [name for name, (clicked, ambiguous) in clicks([*sends, click], *both).items() if clicked] == expected
        assert not any(ambiguous for _, ambiguous in clicks([*sends, click], *both).values())
    unknown = event("email_link_clicked", 200, provider_message_id="esp-3")
    assert not any(clicked for clicked, _ in clicks([*sends, unknown], *both).values()), "it was another message"
    assert clicks([sent(60), unknown], *both)["dec_1"] == (True, False)


def test_leaving_without_a_channel_answers_the_last_message_of_any() -> None:
    found = came(
        [decision("dec_1", 0), decision("dec_2", 100, channel="sms")],
        sent(60),
        sent(160, "dec_2", "sms"),
        event("unsubscribed", 200),
    )
    assert [(one.unsubscribed, one.ambiguous) for one in found] == [(False, False), (True, True)]


def test_the_other_decisions_about_a_customer_are_known_when_one_is_asked_for() -> None:
    both = [decision("dec_1", 0), decision("dec_2", 100)]
    events = sent(60), sent(150, "dec_2"), event("email_link_clicked", 200), ordered(300)
    together = came(both, *events)
    for record, outcome in zip(both, together, strict=True):
        assert came(both, *events, asked=[record]) == [outcome]
    ours = event("email_link_clicked", 200, provider_message_id="esp-1")
    named = sent(60, provider_message_id="esp-1"), sent(150, "dec_2"), ours
    assert [one.clicked for one in came(both, *named)] == [True, False]
    assert [came(both, *named, asked=[record])[0].clicked for record in both] == [True, False]


def test_a_visitor_who_logs_in_later_is_the_customer() -> None:
    record = decision("dec_1", 0, user=None, visitor="a1")
    events = ordered(50), event("message_clicked", 60, channel="email", decision_id="dec_1", user="u9")
    alone = came([record], *events)[0]
    assert (alone.customer_id, alone.orders) == ("anonymous:a1", 0)
    login = event("identified", 90, visitor="a1"), event("aliased", 91, user="u1", previous_id="u9")
    told = came([record], *events, *login)[0]
    assert (told.customer_id, told.orders, told.clicked) == ("u1", 1, True)


def test_a_shared_device_brings_nobody_elses_orders() -> None:
    events = event("identified", 1, visitor="a1"), ordered(50, user="u2", visitor="a1")
    (told,) = came([decision("dec_1", 0, visitor="a1")], *events)
    assert told.orders == 0
    (other,) = came([decision("dec_1", 0, user="u2")], *events)
    assert other.orders == 1


def test_what_is_no_decision_is_left_alone() -> None:
    shown = replace(decision("rec_1", 0), type=RECOMMENDATION, payload="{}")
    decided = decision("dec_1", 0)
    assert came([decided, shown], asked=[decided])[0].decision_id == "dec_1"
    assert decided.type == DECISION


def test_many_are_answered_as_each_alone() -> None:
    decided = [decision(f"dec_{n}", n % 50, user=f"u{n % 300}", visitor=f"a{n % 300}") for n in range(600)]
    events = [
        *(event("identified", 0, user=f"u{n}", visitor=f"b{n % 290}") for n in range(300)),
        *(ordered(60 + n, f"o{n}", user=None, visitor=f"b{n}") for n in range(300)),
        *(sent(60, f"dec_{n}", user=f"u{n % 300}") for n in range(0, 600, 3)),
        *(event("aliased", 5, user=f"u{n}", previous_id=f"u{n + 1}") for n in range(0, 300, 10)),
        *(event("email_opened", 70, user=f"u{n}") for n in range(0, 300, 2)),
    ]
    with logs() as (log, decisions, people):
        decisions.append(decided)
        log.append([to_record(one) for one in events])
        people.catch_up(log)
        together = outcomes(log, decisions, people, decided, LATER)
        assert sum(one.orders for one in together) > 500
        for place in (0, 1, 10, 295, 299, 300, 599):
            assert outcomes(log, decisions, people, [decided[place]], LATER) == [together[place]]


HAPPENED = st.builds(
    lambda type_, minutes, channel, id_, order, who: event(
        type_,
        minutes,
        Line(product_id="tea", price=Decimal(5)),
        channel=channel,
        decision_id=id_,
        order_id=order,
        user=who,
        visitor="a1",
        id=f"{type_} {minutes} {channel} {id_} {order} {who}",
    ),
    st.sampled_from([*TOUCHES, *ORDER_EVENTS, *ORDER_EVENTS, "message_sent"]),
    st.sampled_from([-60, 0, 30, 60, 90, END - 1, END, END + 90]),
    st.sampled_from(["email", "sms"]),
    st.sampled_from(["dec_1", "dec_2", None]),
    st.sampled_from(["o1", "o2"]),
    st.sampled_from(["u1", None]),
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(HAPPENED, max_size=14, unique_by=lambda one: one.message_id), st.randoms())
def test_arrival_and_repetition_change_nothing(events: Sequence[Event], random: Any) -> None:
    decided = [decision("dec_1", 0), decision("dec_2", 60, channel="sms", user=None, visitor="a1")]
    login = event("identified", -90, visitor="a1")
    shuffled = [login, *events, *events[:3]]
    random.shuffle(shuffled)
    in_order = came(decided, login, *events)
    assert came(decided, *shuffled) == in_order
    assert came(decided[::-1], *shuffled) == in_order[::-1]
    assert came(decided, login, *events, *events) == in_order
