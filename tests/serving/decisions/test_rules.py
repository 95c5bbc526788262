from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from features.contact import Contact, Said, Touch
from features.decisions import Option, Refusal
from serving.decisions.bank import Caps
from serving.decisions.budgets import Spending
from serving.decisions.facts import Facts
from serving.decisions.quiet_hours import LocalHours
from serving.decisions.rules import REASONS, SILENCE, parts, screen
from serving.decisions.sends import Planned
from serving.decisions.slots import propose
from serving.decisions.zones import Place, zone_named
from tests.serving.decisions.known import BANK, FACTS, GRANTED, NOON, POINT, SMS, TENTH, with_point

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TOMORROW = (NOON + _DAY).astimezone(zone_named("Europe/Berlin"))
MAIL = Option(0.0, "email", _TOMORROW, delay="24h", argument="reminder", delay_hours=24.0)
TEXT = Option(0.0, "sms", _TOMORROW, delay="24h", argument="reminder", delay_hours=24.0)
SCARCE = Option(0.0, "email", _TOMORROW, delay="24h", argument="low_stock", delay_hours=24.0)
CHEAP = Option(0.0, "email", _TOMORROW, delay="24h", argument="reminder", incentive="tenth", discount=8.0)
OPTIONS = (SILENCE, MAIL, TEXT, SCARCE, CHEAP)


def _sent(*ago: timedelta, channel: str = "push", campaign: str | None = "of somebody else") -> Contact:
    touches = sorted((Touch(_TOMORROW - one, channel, "sent", campaign=campaign) for one in ago), key=lambda t: t.at)
    return replace(GRANTED, touches=tuple(touches))


def _told(**changes: Any) -> Contact:
    return replace(GRANTED, **changes)


def _facts(**changes: Any) -> Facts:
    return replace(FACTS, **changes)


def _mail(**changes: Any) -> Facts:
    """Facts in which the channel email is another."""
    email = replace(BANK.channels["email"], **changes)
    return _facts(bank=replace(BANK, channels={**BANK.channels, "email": email}))


_WITHDRAWN = {**GRANTED.consents, ("email", "marketing"): Said("withdrawn", NOON)}
_LEFT = (Touch(NOON, "email", "unsubscribed"),)

WHOLE: dict[str, Facts] = {
    "switched_off": with_point(mode="off"),
    "order_completed": _facts(ended="order_completed"),
    "cart_emptied": _facts(ended="cart_emptied"),
    "expired": _facts(now=NOON + timedelta(hours=168)),
    "max_messages": _facts(messages=3),
    "out_of_stock": _facts(in_stock=False),
    "no_channel": _facts(channels=("on_site",)),
}
"""Each reason that takes everything, with a cause of it."""

PART: list[tuple[Facts, Refusal, tuple[Option, ...]]] = [
    (_facts(channels=("email",)), Refusal(reason="channel_not_eligible", channel="sms"), (TEXT,)),
    (_facts(contact=_told(consents={})), Refusal(reason="no_consent", channel="sms"), (TEXT,)),
    (
        _facts(contact=_told(consents=_WITHDRAWN)),
        Refusal(reason="no_consent", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        _facts(contact=_told(consents=_WITHDRAWN, touches=_LEFT)),
        Refusal(reason="unsubscribed", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        _facts(contact=_told(unreachable=frozenset({"sms"}))),
        Refusal(reason="unreachable", channel="sms"),
        (TEXT,),
    ),
    (
        _facts(bank=replace(BANK, channels={**BANK.channels, "sms": replace(SMS, cost=24.01)})),
        Refusal(reason="low_margin", channel="sms"),
        (TEXT,),
    ),
    (_facts(arguments=("reminder",)), Refusal(reason="argument_not_eligible", argument="low_stock"), (SCARCE,)),
    (_facts(true=frozenset()), Refusal(reason="argument_not_true", argument="low_stock"), (SCARCE,)),
    (_facts(incentives=()), Refusal(reason="incentive_not_eligible", incentive="tenth"), (CHEAP,)),
    (with_point(margin=0.1), Refusal(reason="low_margin", incentive="tenth"), (CHEAP,)),
    (_facts(value=None), Refusal(reason="low_margin", incentive="tenth"), (CHEAP,)),
    (
        _facts(spending=Spending({"tenth": 92.01}, {"tenth": 1}, 9)),
        Refusal(reason="budget_spent", incentive="tenth"),
        (CHEAP,),
    ),
    (
        _facts(spending=Spending({"tenth": 1.0}, {"tenth": 5}, 9)),
        Refusal(reason="incentive_share", incentive="tenth"),
        (CHEAP,),
    ),
    (
        _facts(given={"another": NOON - timedelta(days=29)}),
        Refusal(reason="incentive_cooldown", incentive="tenth"),
        (CHEAP,),
    ),
    (
        _mail(quiet=BANK.channels["sms"].legal),
        Refusal(reason="quiet_hours", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        _facts(bank=replace(BANK, channels={**BANK.channels, "sms": replace(SMS, legal=LocalHours.of("12:01-20:00"))})),
        Refusal(reason="legal_hours", channel="sms"),
        (TEXT,),
    ),
    (_mail(caps=Caps(day=0)), Refusal(reason="capped_1d", channel="email"), (MAIL, SCARCE, CHEAP)),
    (
        _facts(contact=_sent(23 * _HOUR, channel="email")),
        Refusal(reason="capped_1d", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        _facts(contact=_sent(*(day * _DAY for day in (2, 4, 6)), channel="email")),
        Refusal(reason="capped_7d", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        _facts(contact=_sent(*(day * _DAY for day in (2, 4, 8, 16, 20, 29)), channel="email")),
        Refusal(reason="capped_30d", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
    (
        replace(_mail(caps=Caps(), min_gap_hours=30.0), contact=_sent(29 * _HOUR, channel="email")),
        Refusal(reason="min_gap", channel="email"),
        (MAIL, SCARCE, CHEAP),
    ),
]
"""Facts, the one refusal that they cause, and the options that go with it."""

TOGETHER: list[tuple[str, Contact]] = [
    ("capped_1d", _sent(13 * _HOUR, 20 * _HOUR)),
    ("capped_7d", _sent(*(day * _DAY for day in (1, 2, 3, 4, 5)))),
    ("capped_30d", _sent(*(day * _DAY for day in (1, 2, 3, 4, *range(10, 18))))),
    ("min_gap", _sent(11 * _HOUR)),
]
"""What was sent by another channel, for another campaign, and the cap over all channels that it fills."""


def test_everything_may_be_sent_where_nothing_speaks_against_it() -> None:
    assert screen(OPTIONS, FACTS).options == OPTIONS
    assert screen(OPTIONS, FACTS).refusals == ()


@pytest.mark.parametrize("reason", WHOLE)
def test_what_ends_an_episode_leaves_silence(reason: str) -> None:
    found = screen(OPTIONS, WHOLE[reason])
    assert found.options == (SILENCE,)
    assert found.refusals == (Refusal(reason=reason),)
    assert propose(WHOLE[reason]).options == (SILENCE,)
    assert parts(WHOLE[reason]).refusals == (Refusal(reason=reason),)


@pytest.mark.parametrize(("facts", "refusal", "gone"), PART, ids=[f"{one[1].reason}-{n}" for n, one in enumerate(PART)])
def test_a_rule_takes_what_it_is_about_and_nothing_else(
    facts: Facts, refusal: Refusal, gone: tuple[Option, ...]
) -> None:
    found = screen(OPTIONS, facts)
    assert found.refusals == (refusal,)
    assert found.options == tuple(option for option in OPTIONS if option not in gone)


@pytest.mark.parametrize(("reason", "contact"), TOGETHER)
def test_what_others_sent_counts_for_all_channels(reason: str, contact: Contact) -> None:
    found = screen(OPTIONS, _facts(contact=contact))
    assert found.options == (SILENCE,)
    assert {refusal.reason for refusal in found.refusals} == {reason}
    assert screen(OPTIONS, _facts(contact=replace(contact, touches=contact.touches[:-1]))).options == OPTIONS


@pytest.mark.parametrize(("reason", "contact"), TOGETHER)
def test_what_is_planned_counts_as_what_was_sent(reason: str, contact: Contact) -> None:
    planned = tuple(Planned(touch.at, touch.channel, f"dec_{n}") for n, touch in enumerate(contact.touches))
    assert {one.reason for one in screen(OPTIONS, _facts(planned=planned)).refusals} == {reason}


def test_caps_are_counted_at_the_time_of_sending_and_not_of_deciding() -> None:
    contact = _told(touches=(Touch(NOON - _HOUR, "email", "sent"),))
    facts = _facts(contact=contact)
    assert MAIL in screen([MAIL], facts).options, "by tomorrow it will be more than a day ago"
    soon = replace_at(MAIL, NOON + 2 * _HOUR)
    assert screen([soon], facts).refusals == (Refusal(reason="capped_1d", channel="email"),)


def replace_at(option: Option, at: datetime) -> Option:
    """The option at another time."""
    return Option(option.probability, option.channel, at, delay=option.delay, argument=option.argument)


@pytest.mark.parametrize(
    "near",
    [
        _facts(now=NOON + timedelta(hours=90)),
        _facts(messages=2),
        _facts(spending=Spending({"tenth": 92.0}, {"tenth": 4}, 9)),
        _facts(given={"tenth": NOON - timedelta(days=30)}),
        _facts(contact=_sent(24 * _HOUR, 12 * _HOUR, 8 * _DAY)),
        _facts(contact=_told(touches=(Touch(_TOMORROW - _HOUR, "email", "opened"),))),
        _facts(contact=_told(unreachable=frozenset({"on_site"}))),
        _facts(place=Place(zone_named("Europe/Berlin"), known=False)),
    ],
)
def test_what_is_just_within_a_limit_is_let_through(near: Facts) -> None:
    late = near.now > _TOMORROW
    options = [replace_at(MAIL, NOON + timedelta(hours=98))] if late else [MAIL, TEXT, CHEAP]
    assert len(screen(options, near).options) == 1 + len(options)


def test_every_reason_has_a_cause_here_and_no_other_is_given() -> None:
    given = {*WHOLE, *(refusal.reason for _, refusal, _ in PART), *(reason for reason, _ in TOGETHER)}
    assert given | {"window_too_short"} == set(REASONS)


def test_a_window_that_ends_before_the_first_delay_begins_is_told_as_that() -> None:
    found = propose(_facts(latest=NOON + timedelta(minutes=59)))
    assert found.options == (SILENCE,)
    assert found.refusals == (Refusal(reason="window_too_short"),)


def test_a_channel_that_is_left_at_another_time_is_not_refused() -> None:
    night = replace_at(MAIL, NOON + timedelta(hours=12))
    found = screen([MAIL, night], FACTS)
    assert found.options == (SILENCE, MAIL)
    assert found.refusals == ()


def test_what_the_bank_no_longer_has_may_not_be_sent() -> None:
    point = replace(POINT, channels=("email",))
    channels = {name: row for name, row in BANK.channels.items() if name != "sms"}
    bank = replace(BANK, channels=channels, points={point.name: point})
    assert screen([TEXT], _facts(bank=bank, point=point)).refusals == (
        Refusal(reason="channel_not_eligible", channel="sms"),
    )


def test_a_request_that_wants_no_argument_gets_messages_without_one() -> None:
    found = propose(_facts(arguments=()))
    assert {option.argument for option in found.options} == {""}
    assert len(found.options) > 1


_PROPOSALS: list[Callable[[], Facts]] = [
    lambda: FACTS,
    *(lambda facts=facts: facts for facts, _, _ in PART),  # type: ignore[misc]
    *(lambda contact=contact: _facts(contact=contact) for _, contact in TOGETHER),  # type: ignore[misc]
]


@pytest.mark.parametrize("number", range(len(_PROPOSALS)))
def test_what_is_proposed_passes_the_screen_untouched(number: int) -> None:
    facts = _PROPOSALS[number]()
    options = propose(facts).options
    assert screen(options, facts).options == options


def test_the_bank_of_these_tests_offers_an_incentive() -> None:
    assert any(option.incentive == TENTH.name for option in propose(FACTS).options)
