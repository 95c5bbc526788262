"""The exact value of series: of the best one, of any policy, of the best one that is the same for everybody.

Backward over the states of `series.py`, for all customers at once (Bellman, "Dynamic Programming", 1957). Two things
are carried back together, hence arrays of shape (2, ...): net reward, and messages sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from models.arrays import Floats
from models.policies.base import FittedPolicy
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.rule import certain
from training.simulator.optimum import fixed_labels, sending
from training.simulator.series import STEPS, Chances, Series

Decide = Callable[[Contexts, Eligible, Floats], Floats]
"""The probabilities of the rows, given the contexts, the eligible actions and the exact reward to come after each row
when what follows is decided in the same way."""

States = Mapping[tuple[int, bool], Floats]
"""What is to come, (2, customers), by messages sent so far and whether the customer engaged with one."""


@dataclass(frozen=True)
class Worth:
    """Of an episode on average: net reward, and messages sent."""

    reward: float
    messages: float


def best(series: Series, customers: Contexts) -> Worth:
    """When everybody gets what is best for them in each state."""
    return worth(series, customers, lambda _, eligible, rewards: _best_rows(eligible, rewards))


def silence(series: Series, customers: Contexts) -> Worth:
    """When nothing is said."""
    return worth(series, customers, lambda _, eligible, __: eligible.silent.astype(np.float64))


def of_policy(series: Series, customers: Contexts, policy: FittedPolicy) -> Worth:
    """When `policy` decides in each state."""
    return worth(series, customers, lambda known, eligible, _: policy.probabilities(known, eligible))


def worth(series: Series, customers: Contexts, decide: Decide) -> Worth:
    """When `decide` says with which probability each row is taken in each state."""
    nothing = np.zeros((2, len(customers)))
    later: States = dict.fromkeys(_states(STEPS + 1), nothing)
    gone = {False: nothing, True: nothing}
    for step in range(STEPS, 0, -1):
        eligible, now = series.eligible(customers, step), {}
        for touches, engaged in _states(step):
            known = series.at(customers, step, touches, engaged)
            rows = _to_come(series, series.chances(known, eligible), eligible, (touches, engaged), later, gone)
            taken = decide(known, eligible, rows[0])
            now[touches, engaged] = np.stack([eligible.total(taken * part) for part in rows])
        later, gone = now, _of_gone(series, customers, step, gone)
    reward, messages = later[0, False].mean(axis=1)
    return Worth(float(reward), float(messages))


def best_fixed(series: Series, customers: Contexts, messages: int = 3) -> tuple[Worth, tuple[tuple[str, ...], ...]]:
    """The best series of so many messages, one each step, that everybody gets until they buy or leave; and its labels.

    Every such series is tried; those that end alike share what comes of their end.
    """
    nothing = np.zeros((2, len(customers)))
    gone = {False: nothing, True: nothing}
    ends: dict[tuple[tuple[str, ...], ...], dict[bool, Floats]] = {(): gone}
    for step in range(STEPS, 0, -1):
        eligible, touches, speaks = series.eligible(customers, step), min(step - 1, messages), step <= messages
        labels = [label for label in sorted(fixed_labels(eligible)) if bool(label[0]) == speaks]
        places = [np.flatnonzero(sending(eligible, label)) for label in labels]
        states = [state for state in _states(step) if state[0] == touches]
        chances = [series.chances(series.at(customers, step, *state), eligible) for state in states]
        grown: dict[tuple[tuple[str, ...], ...], dict[bool, Floats]] = {}
        for end, to_come in ends.items():
            later = {(count, engaged): to_come[engaged] for count in (touches, touches + 1) for engaged in to_come}
            found = [
                _to_come(series, chance, eligible, state, later, gone)
                for chance, state in zip(chances, states, strict=True)
            ]
            for label, place in zip(labels, places, strict=True):
                by_state = [rows[:, place] for rows in found]
                grown[(label, *end) if speaks else end] = {False: by_state[0], True: by_state[-1]}
        ends, gone = grown, _of_gone(series, customers, step, gone)
    means = {named: to_come[False].mean(axis=1) for named, to_come in ends.items()}
    named = max(means, key=lambda each: float(means[each][0]))
    return Worth(float(means[named][0]), float(means[named][1])), named


def _states(step: int) -> list[tuple[int, bool]]:
    """The states (messages sent, engaged) that may be met at a step; nobody engages with nothing."""
    return [(0, False), *((touches, engaged) for touches in range(1, step) for engaged in (False, True))]


def _to_come(
    series: Series,
    chances: Chances,
    eligible: Eligible,
    state: tuple[int, bool],
    later: States,
    gone: Mapping[bool, Floats],
) -> Floats:
    """What comes of each row in a state, shape (2, rows): `later` comes to those who stay, `gone` to the others."""
    touches, engaged = state
    of, spoken = eligible.decisions, ~eligible.silent
    engages = np.ones(len(of)) if engaged else chances.engages

    def ahead(then: bool) -> Floats:
        stays = np.where(spoken, later[touches + 1, then][:, of], later.get((touches, then), gone[then])[:, of])
        return np.asarray((1 - chances.leaves) * stays + chances.leaves * gone[then][:, of], np.float64)

    follows = engages * ahead(True) + (1 - engages) * ahead(False)
    lost = series.world.departures.worth * chances.leaves
    own = np.stack([chances.buys * chances.earned - chances.costs - lost, spoken.astype(np.float64)])
    found: Floats = own + (1 - chances.buys) * follows
    return found


def _of_gone(series: Series, customers: Contexts, step: int, gone: Mapping[bool, Floats]) -> dict[bool, Floats]:
    """What comes from a step on of those who left the channel: what they buy by themselves."""
    found = {}
    for engaged, after in gone.items():
        eligible = series.eligible(customers, step, np.ones(len(customers), bool))
        chances = series.chances(series.at(customers, step, 0, engaged), eligible)
        found[engaged] = np.stack([chances.buys * chances.earned, 0 * chances.buys]) + (1 - chances.buys) * after
    return found


def _best_rows(eligible: Eligible, rewards: Floats) -> Floats:
    """1 for the first of the best rows of each decision."""
    return certain(eligible.first(rewards == eligible.most(rewards)[eligible.decisions]), eligible)
