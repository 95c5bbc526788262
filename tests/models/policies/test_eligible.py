"""The eligible actions of many decisions: what is taken apart can be put together, and nothing wrong is believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, NUMBERS, Eligible

_WORDS = st.sampled_from(["a", "b", "c"])
_ACTIONS = st.tuples(
    st.dictionaries(st.sampled_from(FACTORS), _WORDS), st.dictionaries(st.sampled_from(NUMBERS), st.floats(-9, 9))
)
_DECISIONS = st.lists(st.lists(_ACTIONS, min_size=1, max_size=4), min_size=1, max_size=6)


def _told(eligible: Eligible) -> list[list[tuple[dict[str, str], list[float]]]]:
    actions = []
    for codes, numbers in zip(eligible.codes, eligible.numbers, strict=True):
        labels = zip(FACTORS, eligible.labels, codes, strict=True)
        actions.append(({name: known[code] for name, known, code in labels if code >= 0}, numbers.tolist()))
    return [actions[start:end] for start, end in zip(eligible.starts[:-1], eligible.starts[1:], strict=True)]


@given(_DECISIONS)
def test_actions_are_told_as_they_were_given(decisions):
    eligible = Eligible.of(decisions)
    told = [
        [({**factors}, [numbers.get(name, 0.0) for name in NUMBERS]) for factors, numbers in of] for of in decisions
    ]
    assert _told(eligible) == told
    assert eligible.silent.tolist() == [not factors for of in decisions for factors, _ in of]
    assert eligible.decisions.tolist() == [number for number, of in enumerate(decisions) for _ in of]


@given(_DECISIONS, st.data())
def test_taking_decisions_keeps_their_actions(decisions, data):
    eligible = Eligible.of(decisions)
    taken = data.draw(st.lists(st.integers(0, len(decisions) - 1), min_size=1))
    assert _told(eligible.take(np.array(taken, np.int64))) == [_told(eligible)[number] for number in taken]


@given(_DECISIONS)
def test_sums_and_maxima_are_those_of_each_decision(decisions):
    eligible = Eligible.of(decisions)
    values = np.arange(len(eligible.codes), dtype=float) - 3
    split = np.split(values, eligible.starts[1:-1])
    assert eligible.total(values).tolist() == [part.sum() for part in split]
    assert eligible.most(values).tolist() == [part.max() for part in split]
    second = values != eligible.starts[eligible.decisions] - 3
    more = (eligible.counts > 1)[eligible.decisions]
    assert eligible.first(second | ~more).tolist() == (eligible.starts[:-1] + (eligible.counts > 1)).tolist()
    padded = eligible.padded(values)
    assert [row[: len(part)].tolist() for row, part in zip(padded, split, strict=True)] == [p.tolist() for p in split]


@given(_DECISIONS)
def test_codes_in_other_labels_say_the_same_labels(decisions):
    eligible = Eligible.of(decisions)
    labels = (("b", "c"),) * len(FACTORS)
    for mine, other in zip(eligible.codes, eligible.coded(labels), strict=True):
        for factor, (code, there) in enumerate(zip(mine, other, strict=True)):
            label = "" if code < 0 else eligible.labels[factor][code]
            assert there == (-1 if label == "" else -2 if label == "a" else "bc".index(label))


@pytest.mark.parametrize(
    ("starts", "codes", "numbers"),
    [
        ([0, 1, 1], np.full((1, 6), -1), np.zeros((1, 4))),
        ([0, 2], np.full((1, 6), -1), np.zeros((1, 4))),
        ([0, 1], np.full((1, 5), -1), np.zeros((1, 4))),
        ([0, 1], np.full((1, 6), 0), np.zeros((1, 4))),
        ([0, 1], np.full((1, 6), -1), np.full((1, 4), np.nan)),
    ],
)
def test_actions_that_cannot_be_are_refused(starts, codes, numbers):
    with pytest.raises(ValueError, match=r"starts|codes|beyond|finite"):
        Eligible(np.array(starts, np.int64), ((),) * 6, codes.astype(np.int32), numbers)


def test_a_context_gives_nan_for_what_nobody_named():
    contexts = Contexts.of([{"a": 1.0}, {"b": 2.0}])
    columns = contexts.columns(("b", "x", "a"))
    assert np.array_equal(columns, [[np.nan, np.nan, 1.0], [2.0, np.nan, np.nan]], equal_nan=True)
    with pytest.raises(ValueError, match="infinite"):
        Contexts.of([{"a": float("inf")}])
    with pytest.raises(ValueError, match="twice"):
        Contexts(("a", "a"), np.zeros((1, 2)))
