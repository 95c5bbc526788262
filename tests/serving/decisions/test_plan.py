"""The preview of a series: in order, apart by the gap, no longer than allowed, and the same as will be decided."""

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.decisions import Option
from models.policies.rule import Message, Rule
from models.policies.uniform import Uniform
from serving.decisions.bank import DecisionPoint
from serving.decisions.deciders import Decider
from serving.decisions.default_bank import DEFAULT
from serving.decisions.drawing import Draft, draw
from serving.decisions.plan import planned

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
POINT = DEFAULT.points["cart_recovery"]
HOURS = (3, 6, 24, 30, 48, 72)


def options() -> tuple[Option, ...]:
    made = [
        Option(0.0, channel, NOON + timedelta(hours=hours), delay=f"{hours}h", delay_hours=float(hours))
        for hours in HOURS
        for channel in ("email", "sms")
    ]
    return (Option(0.0), *made)


def draft(rule: tuple[Message, ...], most: int = 3, point: DecisionPoint = POINT, number: int = 1) -> Draft:
    model = Rule(rule).fit()
    context = {"step": 1.0, "messages_left": float(most)}
    return Draft(f"dec_{number}", point, "policy", Decider("rule", model), context, options(), most)


def series(one: Draft) -> list[Option]:
    (drawn,) = draw([one])
    (later,) = planned([one], [drawn], DEFAULT.channels)
    return [one.options[place] for place in (drawn.chosen, *later)]


def test_a_rule_is_previewed_whole() -> None:
    rule = (Message("email", "3h"), Message("sms", "24h"), Message("email", "72h"))
    assert [(one.channel, one.delay) for one in series(draft(rule))] == [
        ("email", "3h"),
        ("sms", "24h"),
        ("email", "72h"),
    ]


@pytest.mark.parametrize("most", [1, 2])
def test_it_is_no_longer_than_may_be_sent(most: int) -> None:
    rule = (Message("email", "3h"), Message("email", "24h"), Message("email", "72h"))
    assert len(series(draft(rule, most))) == most


def test_messages_lie_apart_by_the_gap_of_the_point_and_of_the_channel() -> None:
    rule = (Message("email", "3h"), Message("email", "6h"), Message("email", "6h"))
    found = series(draft(rule))
    assert [one.delay for one in found] == ["3h", "24h", "48h"]
    times = [one.send_at for one in found if one.send_at]
    assert all(b - a >= timedelta(hours=20) for a, b in itertools.pairwise(times))


def test_after_silence_nothing_follows() -> None:
    assert [one.channel for one in series(draft(()))] == [None]


def test_drafts_together_get_what_each_gets_alone() -> None:
    rules: tuple[tuple[Message, ...], ...] = (
        (Message("email", "3h"), Message("sms", "72h")),
        (),
        (Message("sms", "24h"),),
    )
    drafts = [draft(rule, number=number) for number, rule in enumerate(rules)]
    chance = Uniform().fit()
    drafts += [
        Draft(f"dec_u{number}", POINT, "random", Decider("uniform", chance), {"step": 1.0}, options()[:size], 2)
        for number, size in enumerate((13, 5, 1, 9))
    ]
    together = draw(drafts)
    alone = [draw([one])[0] for one in drafts]
    assert [one.chosen for one in together] == [one.chosen for one in alone]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.probabilities, other.probabilities)
    plans = [planned([one], [drawn], DEFAULT.channels)[0] for one, drawn in zip(drafts, alone, strict=True)]
    assert planned(drafts, together, DEFAULT.channels) == plans
