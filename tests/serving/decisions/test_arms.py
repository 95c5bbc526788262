"""Arms: shares that are right, draws that are independent, and assignments that stay whatever happens to a person."""

from pathlib import Path

import numpy as np
import pytest

from serving.decisions.arms import drawn_arm, share_of, unit_of
from serving.decisions.bank import Groups
from serving.decisions.past import Past
from tests.features.decided import decision
from tests.serving.decisions.world import ask, bank, deciding, of_arm, request
from tests.serving.world import Shop

PEOPLE = [f"customer-{number}" for number in range(10_000)]


@pytest.mark.parametrize("groups", [Groups(), Groups(random=0.05, baseline=0.2, holdout=0.1, salt="another")])
def test_each_group_has_its_share_of_customers(groups: Groups) -> None:
    arms = [drawn_arm(person, groups) for person in PEOPLE]
    for name in ("random", "baseline", "holdout"):
        share = getattr(groups, name)
        error = 4 * np.sqrt(share * (1 - share) / len(PEOPLE))
        assert abs(arms.count(name) / len(PEOPLE) - share) <= error


def test_shares_are_even_and_two_salts_have_nothing_to_do_with_each_other() -> None:
    one, other = (np.array([share_of(person, salt) for person in PEOPLE]) for salt in ("a", "b"))
    assert np.abs(np.histogram(one, 10, (0, 1))[0] - 1_000).max() < 4 * np.sqrt(900)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.04


def test_a_group_that_grows_moves_nobody_between_the_others() -> None:
    before, after = Groups(random=0.02, holdout=0.05), Groups(random=0.04, holdout=0.10)
    for person in PEOPLE:
        old, new = drawn_arm(person, before), drawn_arm(person, after)
        assert old == new or old == "policy"


def test_an_arm_survives_login_whatever_the_hash_of_the_new_id_says(decider: Shop) -> None:
    kept = 0
    users = of_arm("holdout", "user")
    for number in range(6):
        visitor = f"visitor-{number}"
        subject = {"anonymous_id": visitor}
        before = ask(decider, trigger="before", subject=subject)
        user = next(users)
        decider.client.post("/v1/identify", json={"userId": user, "anonymousId": visitor, "messageId": f"i-{number}"})
        after = ask(decider, user, "after")
        assert after["arm"] == before["arm"]
        kept += before["arm"] != "holdout"
    assert kept  # else nothing was proved: these users are held out by their own hash


def test_whoever_logs_in_is_drawn_for_by_the_id_of_their_first_decision() -> None:
    past = [Past.of(decision("d1", 0, user=None, visitor="a1")), Past.of(decision("d2", 5, user="u1"))]
    assert [unit_of("u1", past[:count]) for count in range(3)] == ["u1", "anonymous:a1", "anonymous:a1"]


def test_an_arm_holds_at_every_decision_point(decider: Shop) -> None:
    user = next(of_arm("holdout", "held"))
    assert ask(decider, user)["arm"] == "holdout"
    more = {"decision_point": "browse", "trigger": {"id": "b1", "type": "browse_abandoned"}}
    answer = decider.client.post("/v1/decisions", json=request(user) | more).json()
    assert (answer["arm"], answer["decision_point"]) == ("holdout", "browse")


def test_a_recorded_arm_outlives_a_change_of_the_shares(chance_folder: Path) -> None:
    user = next(of_arm("policy", "kept"))
    with deciding(chance_folder) as shop:
        assert ask(shop, user, "before")["arm"] == "policy"
    path = bank(chance_folder, "[groups]\nholdout = 1.0\nrandom = 0.0\n")
    with deciding(chance_folder, action_bank=path) as shop:
        assert ask(shop, user, "after")["arm"] == "policy"
        assert ask(shop, "somebody-else", "after")["arm"] == "holdout"
