from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contact import Touch
from features.decisions import Refusal
from models.policies.rule import Message
from serving.decisions.default_bank import DEFAULT
from serving.decisions.facts import Facts
from serving.decisions.hours import times
from serving.decisions.quiet_hours import LocalHours, open_minutes
from serving.decisions.slots import propose
from serving.decisions.zones import Place, zone_named
from tests.serving.decisions.clocks import CHANGING, allowed, nights
from tests.serving.decisions.known import BANK, BERLIN, EMAIL, FACTS, NOON, POINT, with_point

_NIGHT = LocalHours.of("21:00-09:00")


def _scores(best: int, others: float = 0.0) -> list[float]:
    """One hour of the day is better than all others."""
    return [1.0 if hour % 24 == best else others for hour in range(168)]


def _email(scores: list[float] | None = None, draw: float | None = None, facts: Facts = FACTS) -> list[datetime]:
    """When plain reminders by e-mail may go out on the next day."""
    found = propose(facts, scores, draw).options
    wanted = ("email", "24h", "reminder", "")
    return [o.send_at for o in found if (o.channel, o.delay, o.argument, o.incentive) == wanted and o.send_at]


def test_an_option_says_what_it_is_made_of() -> None:
    found = propose(with_point(rule=(Message("sms", "24h", "low_stock", "tenth"),)), _scores(19, -0.5))
    option = found.options[1]
    assert option.channel == "sms"
    assert option.send_at == datetime(2026, 11, 17, 18, tzinfo=UTC)
    assert str(option.send_at) == "2026-11-17 19:00:00+01:00"
    assert (option.delay, option.hour, option.weekday) == ("24h", "18-21", "tue")
    assert (option.argument, option.incentive) == ("low_stock", "tenth")
    assert (option.delay_hours, option.slot_score, option.cost, option.discount) == (31.0, 1.0, 0.05, 8.0)


def test_the_best_hour_comes_first_and_the_earliest_is_there_for_the_rule() -> None:
    found = _email(_scores(19))
    assert len(found) == 3
    assert [at.hour for at in found[:2]] == [19, 12]
    assert found[1] == NOON + timedelta(hours=24)


def test_where_no_habits_are_known_the_configured_hours_come_first() -> None:
    assert [at.hour for at in _email(facts=with_point(hours=(16, 10)))] == [12, 16, 10]
    assert [at.hour for at in _email(facts=with_point(hours=(20, 9)))] == [12, 20, 9]


def test_each_delay_lasts_until_the_next_and_at_most_a_day() -> None:
    spans = {name: (since, until) for name, since, until in POINT.spans}
    for option in propose(FACTS).options[1:]:
        since, until = spans[option.delay]
        assert since <= option.delay_hours < until


def test_where_the_best_hour_is_quiet_the_edges_of_the_night_are_candidates_with_their_own_scores() -> None:
    of_hour = {3: 2.0, 20: 0.5, 9: -0.5}
    scores = [of_hour.get(hour % 24, 0.0) for hour in range(168)]
    options = [o for o in propose(FACTS, scores).options if o.channel == "email" and o.delay == "24h"]
    found = {o.send_at: o.slot_score for o in options}
    evening, morning = datetime(2026, 11, 17, 19, 45, tzinfo=UTC), datetime(2026, 11, 18, 8, tzinfo=UTC)
    assert found[evening] == 0.5, "the last time before the night is scored as the hour that it lies in"
    assert found[morning] == -0.5, "and so is the first one after it, however bad"
    assert all(o.slot_score < 2.0 for o in options)


def test_where_the_best_hour_is_open_no_edge_is_forced_in() -> None:
    zone, noon = BERLIN.zone, int(NOON.timestamp())
    found = times(zone, noon, noon + 86_400, open_minutes(_NIGHT), _scores(15), (19,))
    assert found is not None
    assert found.edges == ()


def test_the_draw_gives_every_open_hour_a_turn_and_never_replaces_the_best() -> None:
    seen = Counter(at.hour // 3 for turn in range(40) for at in _email(_scores(19), turn / 40))
    assert set(seen) == {3, 4, 5, 6}
    assert seen[6] == 40
    assert all(len(_email(_scores(19), turn / 40)) == 3 for turn in range(40))


def test_the_same_question_has_the_same_answer() -> None:
    assert propose(FACTS, _scores(19), 0.3) == propose(FACTS, _scores(19), 0.3)


def test_no_message_is_offered_twice_and_there_are_never_more_than_allowed() -> None:
    for most in (1, 5, 60, 1_000):
        options = propose(with_point(most_slots=most), _scores(3), 0.5).options
        assert len(options) <= most + 1
        assert len({(o.channel, o.send_at, o.argument, o.incentive) for o in options}) == len(options)


def test_what_is_left_of_too_many_holds_the_rule_and_some_of_every_channel_and_delay() -> None:
    facts = with_point(most_slots=20, caps=DEFAULT.points["cart_recovery"].caps)
    options = propose(facts).options[1:]
    made = {(o.channel, o.delay, o.argument, o.incentive) for o in options}
    assert {(m.channel, m.delay, m.argument, m.incentive) for m in POINT.rule} <= made
    assert {channel for channel, *_ in made} == {"email", "sms"}
    assert {delay for _, delay, *_ in made} == set(POINT.delays)


def test_the_hour_that_the_rule_names_is_offered() -> None:
    plain = _email(_scores(19))
    named = _email(_scores(19), facts=with_point(rule=(Message("email", "24h", "reminder", hour="09-12"),)))
    assert not any(9 <= at.hour < 12 for at in plain)
    assert any(9 <= at.hour < 12 for at in named)


def test_delays_that_are_over_are_left_out_and_the_last_one_is_prolonged() -> None:
    late = replace(FACTS, now=NOON + timedelta(hours=50))
    options = propose(late).options[1:]
    assert {o.delay for o in options} == {"48h", "72h"}
    assert all(o.send_at is not None and o.send_at >= late.now for o in options)
    later = propose(replace(FACTS, now=NOON + timedelta(hours=120))).options[1:]
    assert {o.delay for o in later} == {"72h"}
    assert all(120 <= o.delay_hours < 144 for o in later)


def test_what_the_request_allows_bounds_every_time() -> None:
    earliest, latest = NOON + timedelta(hours=5), NOON + timedelta(hours=30)
    options = propose(replace(FACTS, earliest=earliest, latest=latest)).options[1:]
    assert options
    assert all(o.send_at is not None and earliest <= o.send_at < latest for o in options)


def test_a_channel_without_an_open_time_is_refused_with_the_reason() -> None:
    soon = replace(FACTS, latest=NOON + timedelta(hours=23), earliest=NOON + timedelta(hours=10))
    assert propose(soon).refusals == ()
    night = replace(FACTS, latest=NOON + timedelta(hours=19), earliest=NOON + timedelta(hours=10))
    assert propose(night).options == propose(night).options[:1]
    assert {(refusal.channel, refusal.reason) for refusal in propose(night).refusals} == {
        ("email", "quiet_hours"),
        ("sms", "legal_hours"),
    }


def test_where_the_first_choice_is_capped_another_hour_is_offered() -> None:
    busy = replace(FACTS, contact=replace(FACTS.contact, touches=(Touch(NOON + timedelta(hours=6), "email", "sent"),)))
    found = _email(_scores(12), facts=busy)
    assert found
    assert all(at >= NOON + timedelta(hours=30) for at in found), "a day after what is sent at six"


def test_a_channel_that_is_capped_all_along_is_refused_with_the_reason() -> None:
    touches = tuple(Touch(NOON - timedelta(days=day, hours=1), "email", "sent") for day in (2, 1, 0))
    week = replace(FACTS, contact=replace(FACTS.contact, touches=touches), latest=NOON + timedelta(days=3))
    assert Refusal(reason="capped_7d", channel="email") in propose(week).refusals
    assert not _email(facts=week)


def test_a_clock_that_is_a_guess_narrows_the_hours() -> None:
    guessed = replace(FACTS, place=Place(BERLIN.zone, known=False))
    hours = {o.send_at.hour for o in propose(guessed, _scores(9)).options if o.send_at and o.channel == "email"}
    assert hours
    assert min(hours) >= 11
    assert max(hours) < 19


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(CHANGING),
    night=st.integers(0, 1),
    early=st.integers(0, 4_000),
    best=st.integers(0, 23),
    known=st.booleans(),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_on_the_nights_when_clocks_are_set_nothing_is_offered_that_is_quiet_there(
    name: str, night: int, early: int, best: int, known: bool, draw: float
) -> None:
    set_on = nights(name)
    now = set_on[min(night, len(set_on) - 1)] - timedelta(minutes=early)
    zone = zone_named(name)
    facts = replace(FACTS, now=now, trigger_at=now, place=Place(zone, known))
    options = propose(facts, _scores(best), draw).options[1:]
    assert options
    for option in options:
        assert option.send_at is not None
        assert option.send_at.utcoffset() == option.send_at.astimezone(zone).utcoffset()
        channel = BANK.channels[option.channel or ""]
        assert allowed(option.send_at, zone, channel.quiet, channel.legal, 0 if known else 120)
        local = option.send_at.astimezone(zone)
        assert option.weekday == local.strftime("%a").lower()
        assert int(option.hour[:2]) <= local.hour < int(option.hour[3:])


@pytest.mark.parametrize("channel", ["telegram"])
def test_a_channel_that_the_bank_gains_is_offered_without_more_ado(channel: str) -> None:
    point = replace(POINT, channels=(*POINT.channels, channel))
    bank = replace(BANK, channels={**BANK.channels, channel: replace(EMAIL, name=channel)}, points={point.name: point})
    options = propose(replace(FACTS, bank=bank, point=point)).options
    assert {option.delay for option in options if option.channel == channel} == set(POINT.delays)
