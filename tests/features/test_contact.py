"""What a person was sent and agreed to: every campaign counts once, and what is in doubt is read against sending."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.contact import ANY, BOUNCES, CONSENT_EVENTS, CONTACT_EVENTS, Contact, contact_of
from features.events import EVENT_TYPES, Event
from tests.features.person import at, event

LATER = at(1e6)
DAY = 24 * 60


def sent(minutes: float, **said: Any) -> Event:
    return event("message_sent", minutes, **({"channel": "email"} | said))


def known(*events: Event, minutes: float = 1e6) -> Contact:
    return contact_of(events, at(minutes))


def test_sends_of_every_campaign_count_by_channel_and_time() -> None:
    contact = known(
        sent(0, decision_id="dec_1"), sent(DAY, campaign="spring"), sent(2 * DAY, channel="sms"), sent(3 * DAY)
    )
    assert contact.sends(at(0)) == 4
    assert contact.sends(at(0), "email") == 3
    assert contact.sends(at(DAY), "email") == 2
    assert contact.sends(at(DAY + 1), "sms") == 1
    assert contact.sends(at(0), "push") == 0
    assert contact.last("sent") == at(3 * DAY)
    assert contact.last("sent", "sms") == at(2 * DAY)


def test_what_lies_ahead_waits() -> None:
    events = sent(10), event("consent_changed", 20, channel="email", consent="withdrawn", purpose="x")
    assert contact_of(events, at(9)) == Contact()
    assert contact_of(events, at(10)).sends(at(0)) == 1
    assert contact_of(events, at(19)).consent("email", "x") is None
    assert contact_of(events, at(20)).consent("email", "x") == "withdrawn"


def test_a_message_that_several_tell_of_was_sent_once() -> None:
    twice = sent(5, decision_id="dec_1", id="by us"), sent(6, decision_id="dec_1", id="by the engine")
    told = event("message_delivered", 7, channel="email", decision_id="dec_1")
    unnamed = event("email_delivered", 8, id="webhook")
    contact = known(*twice, told, unnamed)
    assert [touch.at for touch in contact.touches if touch.kind == "sent"] == [at(5), at(8)]
    assert known(*twice, unnamed).sends(at(0)) == 1
    assert known(sent(5), unnamed).sends(at(0)) == 1


def test_a_delivery_of_which_no_send_tells_counts_as_one() -> None:
    assert known(event("email_delivered", 5)).sends(at(0), "email") == 1
    assert known(event("push_notification_received", 5)).sends(at(0), "push") == 1
    assert known(event("email_delivered", 5), event("email_delivered", 6)).sends(at(0), "email") == 2
    decided = event("message_delivered", 5, channel="sms", decision_id="dec_1")
    again = event("message_delivered", 6, channel="sms", decision_id="dec_1")
    assert known(decided, again).sends(at(0), "sms") == 1
    assert known(sent(0), event("email_delivered", 4 * DAY)).sends(at(0)) == 2, "nobody delivers after four days"
    assert known(event("email_opened", 5), event("email_bounced", 6)).sends(at(0)) == 0


def test_machines_are_marked_and_are_nobody_who_opens() -> None:
    contact = known(
        event("message_opened", 5, channel="email", machine=True), event("message_opened", 3, channel="email")
    )
    assert [touch.machine for touch in contact.touches] == [False, True]
    assert contact.last("opened") == at(3)


@pytest.mark.parametrize(
    ("type_", "kind", "channel"),
    [
        ("email_link_clicked", "clicked", "email"),
        ("email_marked_as_spam", "complained", "email"),
        ("push_notification_tapped", "clicked", "push"),
        ("push_notification_bounced", "bounced", "push"),
        ("unsubscribed", "unsubscribed", ANY),
    ],
)
def test_older_types_say_the_same_of_their_channel_unless_they_name_another(
    type_: str, kind: str, channel: str
) -> None:
    (touch,) = known(event(type_, 1)).touches
    assert (touch.kind, touch.channel) == (kind, channel)
    (touch,) = known(event(type_, 1, channel="messenger")).touches
    assert (touch.kind, touch.channel) == (kind, "messenger")


def test_every_type_about_messages_is_read_and_no_activity_is() -> None:
    about = {name for name in EVENT_TYPES if name.startswith(("message_", "email_", "push_"))}
    assert about | {"unsubscribed", "consent_changed"} == set(CONTACT_EVENTS)
    assert not any(EVENT_TYPES[name].activity for name in CONTACT_EVENTS)


def consent(minutes: float, said: str, channel: str = "email", purpose: str | None = None) -> Event:
    return event("consent_changed", minutes, channel=channel, consent=said, purpose=purpose, id=f"{minutes}{said}")


def test_the_last_word_by_its_time_holds_for_its_channel_and_purpose_only() -> None:
    contact = known(consent(5, "withdrawn", purpose="news"), consent(3, "granted", purpose="news"))
    assert contact.consent("email", "news") == "withdrawn"
    assert contact.consent("email", "carts") is None
    assert contact.consent("sms", "news") is None
    contact = known(consent(5, "withdrawn", purpose="news"), consent(6, "granted", purpose="news"))
    assert contact.consent("email", "news") == "granted"


def test_of_two_words_at_one_moment_the_withdrawal_holds() -> None:
    for purpose in (None, "carts"):
        for order in (1, -1):
            events = [consent(5, "granted", purpose=purpose), consent(5, "withdrawn", purpose="carts")][::order]
            assert known(*events).consent("email", "carts") == "withdrawn"


def test_a_word_about_everything_covers_every_purpose_until_a_later_one() -> None:
    contact = known(consent(5, "granted", purpose="carts"), consent(6, "withdrawn"))
    assert contact.consent("email", "carts") == "withdrawn"
    contact = known(consent(5, "withdrawn"), consent(6, "granted", purpose="carts"))
    assert contact.consent("email", "carts") == "granted"
    assert contact.consent("email", "news") == "withdrawn"


@pytest.mark.parametrize("type_", ["unsubscribed", "message_marked_as_spam"])
def test_leaving_withdraws_from_the_channel_that_is_named_and_from_all_when_none_is(type_: str) -> None:
    contact = known(consent(1, "granted"), consent(1, "granted", "sms"), event(type_, 2, channel="email"))
    assert (contact.consent("email", "carts"), contact.consent("sms")) == ("withdrawn", "granted")
    contact = known(consent(1, "granted"), consent(1, "granted", "sms"), event(type_, 2))
    assert contact.consent("email") == contact.consent("sms") == contact.consent("push", "any") == "withdrawn"


def test_spam_of_the_older_type_is_about_mail() -> None:
    contact = known(event("email_marked_as_spam", 2))
    assert (contact.consent("email", "carts"), contact.consent("sms")) == ("withdrawn", None)


def test_consent_follows_from_the_events_that_are_called_so_alone() -> None:
    for type_ in CONTACT_EVENTS:
        said = known(event(type_, 1, channel="email", consent="granted")).consents
        assert bool(said) == (type_ in CONSENT_EVENTS)


def bounce(minutes: float, **said: Any) -> Event:
    return event("message_bounced", minutes, **({"channel": "email", "id": f"bounce {minutes}"} | said))


def test_a_channel_is_unreachable_when_messages_bounce_until_one_arrives() -> None:
    bounces = [bounce(minute) for minute in range(BOUNCES)]
    assert known(*bounces[:-1]).unreachable == frozenset()
    assert known(*bounces).unreachable == {"email"}
    assert known(*bounces, event("message_delivered", 9, channel="sms")).unreachable == {"email"}
    assert known(*bounces, event("message_delivered", 9, channel="email")).unreachable == frozenset()
    assert known(*bounces, event("message_delivered", 0.5, channel="email")).unreachable == frozenset()
    assert known(*bounces, sent(9)).unreachable == {"email"}, "that it was sent says nothing of arriving"


def test_one_message_that_is_reported_to_bounce_twice_bounced_once() -> None:
    twice = [bounce(minute, decision_id="dec_1") for minute in (1, 2)]
    assert known(*twice).unreachable == frozenset()
    assert known(*twice, bounce(3, decision_id="dec_2")).unreachable == {"email"}
    others = [bounce(minute, provider_message_id="esp-1") for minute in (1, 2)]
    assert known(*others).unreachable == frozenset()
    assert known(*others, bounce(3, provider_message_id="esp-2")).unreachable == {"email"}


def test_the_time_zone_is_the_last_that_was_said_by_any_event() -> None:
    events = event("page_viewed", 9, timezone="Asia/Tokyo"), event("page_viewed", 5, timezone="Europe/Riga")
    assert known(*events, event("page_viewed", 10)).timezone == "Asia/Tokyo"
    assert known(*events, minutes=8).timezone == "Europe/Riga"
    assert known(event("page_viewed", 10)).timezone is None


SAID = st.builds(
    lambda type_, minutes, channel, decision, said: event(
        type_, minutes, channel=channel, decision_id=decision, consent=said, id=f"{type_}{minutes}{channel}{decision}"
    ),
    st.sampled_from(CONTACT_EVENTS),
    st.integers(0, 6),
    st.sampled_from(["email", "sms", None]),
    st.sampled_from(["dec_1", None]),
    st.sampled_from(["granted", "withdrawn"]),
)


@given(st.lists(SAID, max_size=12), st.randoms())
def test_order_and_repetition_change_nothing(events: Sequence[Event], random: Any) -> None:
    unique = list({one.message_id: one for one in events}.values())
    shuffled = [*unique, *unique[:3]]
    random.shuffle(shuffled)
    assert contact_of(shuffled, LATER) == contact_of(unique, LATER)


@given(st.lists(SAID, max_size=12))
def test_one_more_withdrawal_never_opens_anything(events: Sequence[Event]) -> None:
    before = contact_of(events, LATER)
    after = contact_of([*events, consent(3, "withdrawn")], LATER)
    for channel in ("email", "sms"):
        if before.consent(channel) == "withdrawn":
            assert after.consent(channel) == "withdrawn"
    assert after.consent("email") is not None


@given(st.lists(SAID, max_size=12))
def test_there_is_never_less_sent_than_was_told(events: Sequence[Event]) -> None:
    unique = {one.message_id: one for one in events}.values()
    told = [one for one in unique if one.type == "message_sent"]
    apart = len({one.body.decision_id for one in told} - {None}) + sum(one.body.decision_id is None for one in told)
    assert contact_of(events, LATER).sends(at(0)) >= apart
