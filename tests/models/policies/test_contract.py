"""Laws that no policy can dodge: every recipe of the family runs through all of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import Floats
from models.policies.base import FittedPolicy, Policy, choose, variates
from models.policies.contexts import Contexts
from models.policies.eligible import FACTORS, Eligible
from models.policies.family import RECIPES, from_json, to_json
from models.policies.logged import LoggedDecisions
from models.storage import load, save
from tests.models.policies.world import ALL, LEARNING, MESSAGES, SILENCE, Shop

EVERY = pytest.mark.parametrize("recipe", ALL.values(), ids=list(ALL))
EXPLORING = pytest.mark.parametrize("recipe", LEARNING.values(), ids=list(LEARNING))
LOG = Shop().log(np.random.default_rng(1), 600)
CONTEXTS, ELIGIBLE = Shop().asked(np.random.default_rng(2), 40)
_FITTED: dict[Policy, FittedPolicy] = {}


def fitted(recipe: Policy) -> FittedPolicy:
    """Fitted on LOG, once for all laws."""
    if recipe not in _FITTED:
        _FITTED[recipe] = recipe.fit(LOG)
    return _FITTED[recipe]


def lawful(policy: FittedPolicy, contexts: Contexts, eligible: Eligible) -> Floats:
    found = policy.probabilities(contexts, eligible)
    assert found.shape == (len(eligible.codes),)
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert np.abs(eligible.total(found) - 1.0).max() <= 1e-9
    return found


@EVERY
def test_probabilities_of_a_decision_sum_to_one(recipe: Policy) -> None:
    lawful(recipe.fit(), CONTEXTS, ELIGIBLE)
    lawful(fitted(recipe), CONTEXTS, ELIGIBLE)


@EVERY
@given(
    values=st.lists(
        st.one_of(st.none(), st.floats(-1e12, 1e12), st.sampled_from([0.0, -0.0, 5e-324, 1e300])),
        min_size=3,
        max_size=3,
    ),
    shown=st.lists(st.integers(0, len(MESSAGES) - 1), max_size=20),
    step=st.sampled_from([None, -3.0, 0.0, 1.0, 2.5, 4.0, 1e9]),
)
@settings(max_examples=20, deadline=None)
def test_whatever_is_known_and_offered_the_answer_is_lawful(
    recipe: Policy, values: list[float | None], shown: list[int], step: float | None
) -> None:
    """The same action twice, no silence, contexts beyond all sizes: a sum of 1 all the same."""
    row = [np.nan if value is None else value for value in (*values, step)]
    contexts = Contexts((*CONTEXTS.names, "step"), np.array([row]))
    offered = [MESSAGES[place] for place in shown]
    for actions in ([SILENCE, *offered], offered, [SILENCE, SILENCE]):
        if actions:
            lawful(fitted(recipe), contexts, Eligible.of([actions]))


@EVERY
def test_a_batch_answers_as_its_decisions_one_by_one_to_the_bit(recipe: Policy) -> None:
    together = fitted(recipe).probabilities(CONTEXTS, ELIGIBLE)
    for number in range(len(CONTEXTS)):
        one = np.array([number], np.int64)
        alone = fitted(recipe).probabilities(CONTEXTS.take(one), ELIGIBLE.take(one))
        assert (alone == together[ELIGIBLE.starts[number] : ELIGIBLE.starts[number + 1]]).all()


@EVERY
def test_a_decision_alone_brings_only_its_own_labels_and_is_answered_the_same(recipe: Policy) -> None:
    """A request names the actions of one decision: other codes for the same labels."""
    together = fitted(recipe).probabilities(CONTEXTS, ELIGIBLE)
    for number in range(0, len(CONTEXTS), 3):
        rows = np.arange(ELIGIBLE.starts[number], ELIGIBLE.starts[number + 1])
        alone = Eligible.of([[described(ELIGIBLE, row) for row in rows.tolist()]])
        found = fitted(recipe).probabilities(CONTEXTS.take(np.array([number], np.int64)), alone)
        assert found == pytest.approx(together[rows], abs=1e-12)


@EVERY
def test_the_order_of_actions_changes_nothing(recipe: Policy) -> None:
    rng = np.random.default_rng(3)
    order = np.lexsort((rng.random(len(ELIGIBLE.codes)), ELIGIBLE.decisions))
    turned = replace(ELIGIBLE, codes=ELIGIBLE.codes[order], numbers=ELIGIBLE.numbers[order])
    for policy in (recipe.fit(), fitted(recipe)):
        found = policy.probabilities(CONTEXTS, turned)
        assert found == pytest.approx(policy.probabilities(CONTEXTS, ELIGIBLE)[order], abs=1e-12)


@EVERY
def test_the_order_and_the_number_of_contexts_change_nothing(recipe: Policy) -> None:
    expected = fitted(recipe).probabilities(CONTEXTS, ELIGIBLE)
    turned = Contexts(CONTEXTS.names[::-1], CONTEXTS.values[:, ::-1])
    more = Contexts((*CONTEXTS.names, "news"), np.column_stack([CONTEXTS.values, np.full(len(CONTEXTS), 7.0)]))
    for contexts in (turned, more):
        assert (fitted(recipe).probabilities(contexts, ELIGIBLE) == expected).all()


@EVERY
def test_labels_and_contexts_that_were_never_seen_are_answered(recipe: Policy) -> None:
    new = [({name: f"new {name}" for name in FACTORS}, {"delay_hours": 5.0, "discount": 1e6}), ({"channel": "x"}, {})]
    eligible = Eligible.of([[SILENCE, *new, MESSAGES[0]]] * 3)
    unknown = Contexts(("another",), np.array([[1.0], [np.nan], [-1e9]]))
    nothing = Contexts((), np.empty((3, 0)))
    missing = Contexts(CONTEXTS.names, np.full((3, 3), np.nan))
    for contexts in (unknown, nothing, missing):
        lawful(recipe.fit(), contexts, eligible)
        lawful(fitted(recipe), contexts, eligible)


@EVERY
def test_what_is_new_can_be_learned_on_top(recipe: Policy) -> None:
    """A new channel and a new context appear in the middle of a policy's life; old ones may be gone."""
    new = Eligible.of([[SILENCE, ({"channel": "messenger", "hour": "00-03"}, {"slot_score": 0.4})]] * 50)
    contexts = Contexts(("aaa", "taste"), np.random.default_rng(4).normal(size=(50, 2)))
    chosen = new.starts[:-1] + np.arange(50) % 2
    log = LoggedDecisions.of(contexts, new, chosen, np.full(50, 0.5), np.arange(50) % 4 / 3)
    policy = fitted(recipe).updated(log)
    lawful(policy, contexts, new)
    lawful(policy, CONTEXTS, ELIGIBLE)
    lawful(policy.updated(LOG), CONTEXTS, ELIGIBLE)


@EVERY
def test_learning_leaves_the_policy_that_learned_as_it_was(recipe: Policy) -> None:
    before = fitted(recipe).probabilities(CONTEXTS, ELIGIBLE)
    kept = {name: array.copy() for name, array in fitted(recipe).arrays().items()}
    fitted(recipe).updated(Shop().log(np.random.default_rng(5), 80))
    assert (fitted(recipe).probabilities(CONTEXTS, ELIGIBLE) == before).all()
    for name, array in fitted(recipe).arrays().items():
        np.testing.assert_array_equal(array, kept[name])


@EVERY
def test_one_log_in_parts_teaches_nearly_what_it_teaches_whole(recipe: Policy) -> None:
    """Counts and sums are the same; contexts are standardised by what was seen until then, which moves a little."""
    policy = fitted(recipe)
    more = Shop().log(np.random.default_rng(6), 400)
    later = replace(more, at=more.at + LOG.at.max() + 1, customers=more.customers + 1000, episodes=more.episodes + 1000)
    parts = policy
    for start in range(0, 400, 100):
        parts = parts.updated(later.take(np.arange(start, start + 100)))
    whole = policy.updated(later).probabilities(CONTEXTS, ELIGIBLE)
    assert np.abs(parts.probabilities(CONTEXTS, ELIGIBLE) - whole).mean() < 0.02
    unchanged = policy.updated(later.take(np.empty(0, np.int64)))
    assert (unchanged.probabilities(CONTEXTS, ELIGIBLE) == policy.probabilities(CONTEXTS, ELIGIBLE)).all()


@EVERY
def test_saving_and_loading_changes_nothing(recipe: Policy, tmp_path: Path) -> None:
    for number, policy in enumerate((recipe.fit(), fitted(recipe), fitted(recipe).updated(LOG.take(np.arange(50))))):
        save(recipe, policy, tmp_path / str(number))
        again, restored = load(tmp_path / str(number))
        assert again == recipe
        assert restored.name == policy.name
        assert (restored.probabilities(CONTEXTS, ELIGIBLE) == policy.probabilities(CONTEXTS, ELIGIBLE)).all()
        one, other = restored.updated(LOG), policy.updated(LOG)
        assert (one.probabilities(CONTEXTS, ELIGIBLE) == other.probabilities(CONTEXTS, ELIGIBLE)).all()


@EVERY
def test_the_same_log_gives_the_same_bytes(recipe: Policy) -> None:
    ids = [f"dec_{number}" for number in range(len(CONTEXTS))]
    played = []
    for _ in range(2):
        policy = recipe.fit(LOG).updated(LOG.take(np.arange(100)))
        chances = policy.probabilities(CONTEXTS, ELIGIBLE)
        choice = choose(chances, ELIGIBLE, variates(ids))
        arrays = b"".join(array.tobytes() for array in policy.arrays().values() if array.dtype != object)
        played.append((arrays, chances.tobytes(), choice.rows.tobytes(), choice.propensities.tobytes()))
    assert played[0] == played[1]


@EVERY
def test_no_customer_is_stored(recipe: Policy) -> None:
    for name, array in fitted(recipe).arrays().items():
        assert len(LOG) not in array.shape, name
    strangers = replace(LOG, customers=LOG.customers + 2_000_000)
    np.testing.assert_array_equal(
        recipe.fit(strangers).probabilities(CONTEXTS, ELIGIBLE), fitted(recipe).probabilities(CONTEXTS, ELIGIBLE)
    )


@EXPLORING
def test_every_action_keeps_its_floor_and_silence_a_higher_one(recipe: Policy) -> None:
    """Even after a log in which one message always won and all others lost."""
    won = (LOG.eligible.codes[LOG.chosen, 0] == 1).astype(np.float64)
    policy = recipe.fit(replace(LOG, rewards=won)).updated(replace(LOG, rewards=won, at=LOG.at + 1000))
    wide = Eligible.of([[SILENCE, *MESSAGES], [SILENCE, MESSAGES[8]], [*MESSAGES]] * 5)
    found = lawful(policy, CONTEXTS.take(np.arange(15)), wide)
    least = 0.05 * (1 - 0.03) / wide.counts[wide.decisions]
    assert (found >= least - 1e-15).all()
    assert (found[wide.silent] >= 0.03 - 1e-15).all()
    assert found.max() > 0.5, "it learned nothing"


@EXPLORING
def test_a_planted_best_is_found(recipe: Policy) -> None:
    rng = np.random.default_rng(7)
    assert Shop().share(recipe, rng) > 0.45


@pytest.mark.parametrize("name", ["linear_thompson", "factored_thompson", "factored", "sequential"])
def test_what_differs_from_customer_to_customer_is_found(name: str) -> None:
    """Half of them like e-mail and half text messages: no fixed action is any better than chance."""
    shop = Shop(base=0.4, effects={}, personal={"email": 0.2, "sms": -0.2})
    assert shop.share(LEARNING[name], np.random.default_rng(8), 4_000) > 0.4


@EXPLORING
def test_silence_is_learned_where_messages_harm(recipe: Policy) -> None:
    shop = Shop(base=0.5, effects={"email": -0.4, "sms": -0.3})
    rng = np.random.default_rng(9)
    log = shop.log(rng, 3_000)
    contexts, eligible = shop.asked(rng, 200)
    found = recipe.fit(log).probabilities(contexts, eligible)
    open_to_choice = eligible.counts > 1
    assert found[eligible.silent][open_to_choice].mean() > 0.7


def test_every_recipe_is_in_the_suite_and_filed_under_its_own_name() -> None:
    assert {name: recipe.name for name, recipe in RECIPES.items()} == {name: name for name in RECIPES}
    assert {type(recipe) for recipe in ALL.values()} == set(RECIPES.values())


@EVERY
def test_json_and_back_changes_nothing(recipe: Policy) -> None:
    assert from_json(to_json(recipe)) == recipe


def test_another_family_is_refused() -> None:
    with pytest.raises(ValueError, match=r"knows best_fixed, .*uniform"):
        from_json('{"recipe": "popularity"}')


def described(eligible: Eligible, row: int) -> tuple[dict[str, str], dict[str, float]]:
    """The labels and numbers of a row."""
    named = zip(FACTORS, eligible.codes[row].tolist(), eligible.labels, strict=True)
    numbers = dict(zip(("delay_hours", "slot_score", "cost", "discount"), eligible.numbers[row].tolist(), strict=True))
    return {name: labels[code] for name, code, labels in named if code >= 0}, numbers
