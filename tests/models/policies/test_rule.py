"""The shop's rule: the closest eligible option to the message of the step, else silence."""

import numpy as np
import pytest

from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.rule import Message, Rule, picked

SERIES = (Message("email", "24h", "reminder"), Message("sms", "2d", "low_stock", "discount_10", "18-21"))
SILENCE = ({}, {})


def mail(hours: float, argument: str = "reminder", channel: str = "email", **labels: str):
    return {"channel": channel, "argument": argument, **labels}, {"delay_hours": hours}


def place(step: float, *actions) -> int:
    """Which of the actions the series picks."""
    return int(picked(SERIES, Contexts(("step",), np.array([[step]])), Eligible.of([actions]))[0])


def test_the_nearest_delay_with_the_right_argument_wins_over_a_nearer_one_without() -> None:
    assert place(1, SILENCE, mail(20, "low_stock"), mail(1), mail(72)) == 2
    assert place(1, SILENCE, mail(24, channel="sms"), mail(60, "low_stock")) == 2


def test_the_second_message_is_that_of_the_second_step_and_then_there_is_silence() -> None:
    sms = mail(48, "low_stock", "sms", incentive="discount_10")
    evening, morning = (mail(48, "low_stock", "sms", incentive="discount_10", hour=hour) for hour in ("18-21", "09-12"))
    assert place(2, SILENCE, mail(24), sms) == 2
    assert place(2, SILENCE, morning, evening) == 2
    assert place(3, SILENCE, mail(24), sms) == 0
    assert place(np.nan, SILENCE, sms, mail(24)) == 2
    assert place(0, SILENCE, sms, mail(24)) == 2


def test_without_its_channel_there_is_silence_and_without_silence_the_closest() -> None:
    assert place(1, mail(24, channel="push"), SILENCE) == 1
    assert place(1, mail(1, channel="push"), mail(20, channel="push")) == 1


def test_it_is_certain_and_learns_nothing() -> None:
    policy = Rule(SERIES).fit()
    eligible = Eligible.of([[SILENCE, mail(1), mail(24)]])
    assert policy.probabilities(Contexts.of([{}]), eligible).tolist() == [0, 0, 1]
    assert policy.arrays() == {}


@pytest.mark.parametrize(("delay", "hours"), [("90m", 1.5), ("24h", 24.0), ("3d", 72.0), ("0.5h", 0.5)])
def test_delays_are_minutes_hours_or_days(delay: str, hours: float) -> None:
    assert Message("email", delay).delay_hours == hours


@pytest.mark.parametrize("delay", ["", "24", "soon", "-1h", "1w", "1h "])
def test_another_delay_is_refused_with_the_way_out(delay: str) -> None:
    with pytest.raises(ValueError, match="write hours as 24h"):
        Message("email", delay)


def test_a_message_without_a_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a channel"):
        Message("", "24h")
