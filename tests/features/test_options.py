from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.decisions import Option
from features.options import columns
from models.policies.eligible import FACTORS, NUMBERS, Eligible

_labels = st.sampled_from(["", "a", "b", "c"])
_numbers = st.floats(-1e6, 1e6)
_options = st.builds(
    Option,
    probability=st.just(0.0),
    channel=st.sampled_from([None, "email", "sms"]),
    send_at=st.just(datetime(2026, 11, 16, tzinfo=UTC)),
    **dict.fromkeys(("delay", "hour", "weekday", "argument", "incentive"), _labels),
    **dict.fromkeys(("delay_hours", "slot_score", "cost", "discount"), _numbers),
)
_decisions = st.lists(st.lists(_options, min_size=1, max_size=4), min_size=1, max_size=5)


def _described(option: Option) -> tuple[dict[str, str], dict[str, float]]:
    given_labels = {name: getattr(option, name) for name in FACTORS if getattr(option, name)}
    return given_labels, {name: getattr(option, name) for name in NUMBERS}


@given(decisions=_decisions)
def test_columns_make_the_arrays_that_descriptions_one_by_one_make(decisions: list[list[Option]]) -> None:
    fast = Eligible.of_columns(*columns(decisions))
    slow = Eligible.of([[_described(option) for option in options] for options in decisions])
    assert fast.labels == slow.labels
    for name in ("starts", "codes", "numbers"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
        assert getattr(fast, name).dtype == getattr(slow, name).dtype


def test_no_decisions_make_empty_columns() -> None:
    counts, labels, numbers = columns([])
    assert counts == []
    assert [len(column) for column in labels] == [0] * len(FACTORS)
    assert [len(column) for column in numbers] == [0] * len(NUMBERS)
