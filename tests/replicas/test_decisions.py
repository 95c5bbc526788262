"""A question has one answer, whichever replica is asked and at what instant; nobody is written to twice at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, islice
from threading import Barrier
from typing import Any

import pytest

from features.log import DECISIONS
from tests.replicas.test_known import OTHER
from tests.replicas.world import Replicas
from tests.serving.decisions.test_desk import GAP, POINTS
from tests.serving.decisions.world import moment, of_arm
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.slow
PATH = "/v1/decisions"


def question(user: str, trigger: str, point: str = "cart_recovery") -> dict[str, Any]:
    return {"decision_point": point, "subject": {"user_id": user}, "trigger": {"id": trigger}}


def at_once(replicas: Replicas, asked: list[dict[str, Any]]) -> list[Any]:
    """Every question at the same moment, in turns at the one and the other."""
    begin = Barrier(len(asked))

    def ask(place: int) -> Any:
        begin.wait(PATIENCE)
        return replicas.post("ab"[place % 2], PATH, **asked[place])

    with ThreadPoolExecutor(len(asked)) as callers:
        return list(callers.map(ask, range(len(asked))))


def test_many_who_ask_both_at_the_same_instant_get_one_decision_that_is_logged_once(replicas: Replicas) -> None:
    for number in range(4):
        answers = at_once(replicas, [question(f"sticky-{number}", "cart")] * 12)
        ids = {answer["decision_id"] for answer in answers}
        assert len(ids) == 1, number
        assert {str(answer["action"]) for answer in answers} == {str(answers[0]["action"])}
        assert replicas.keys(DECISIONS).count(ids.pop()) == 1


def test_what_one_decided_the_other_answers_byte_for_byte(replicas: Replicas) -> None:
    for name, other in OTHER.items():
        first = replicas.ask(name, "POST", PATH, json=question(f"later-{name}", "cart"))
        again = replicas.ask(other, "POST", PATH, json=question(f"later-{name}", "cart"))
        assert first.is_success
        assert again.content == first.content


def test_points_that_ask_both_about_one_person_keep_the_gap_between_messages(replicas: Replicas) -> None:
    written = 0
    for user in islice(of_arm("policy", "beside"), 4):
        answers = at_once(replicas, [question(user, f"of {point}", point) for point in POINTS])
        actions = [answer["action"] for answer in answers]
        times = [moment(action["send_at"]) for action in actions if action["send"] and action["channel"] == "email"]
        assert all(abs(one - other) >= GAP for one, other in combinations(times, 2)), user
        written += len(times)
    assert written, "somebody is written to"


def test_who_says_no_to_one_is_written_to_by_neither(replicas: Replicas) -> None:
    for name, other in OTHER.items():
        for number, user in enumerate(islice(of_arm("policy", f"no-{name}"), 4)):
            told = replicas.post(name, "/v1/consents", subject={"user_id": user}, channel="email", consent="withdrawn")
            assert told["new"]
            answer = replicas.post(other, PATH, **question(user, "cart"))
            assert not answer["action"]["send"] or answer["action"]["channel"] != "email", number
            assert {"channel": "email", "reason": "no_consent"}.items() <= by_channel(answer, "email").items()


@pytest.mark.parametrize("name", ["a", "b"])
def test_who_is_suppressed_at_one_is_nobody_at_the_other(replicas: Replicas, name: str) -> None:
    user = next(of_arm("policy", f"gone-{name}"))
    assert replicas.post(name, "/v1/privacy/suppress", subject={"user_id": user}, suppressed=True)["ids"] == 1
    answer = replicas.post(OTHER[name], PATH, **question(user, "cart"))
    assert not answer["action"]["send"], "the very next answer knows"
    assert answer["decision_id"] not in replicas.keys(DECISIONS)
    event = {"event": "Product Viewed", "userId": user, "properties": {"product_id": "tea-1"}}
    until(lambda: replicas.post(OTHER[name], "/v1/track", **event)["ignored"] == 1, "events are passed over")


def by_channel(answer: Any, channel: str) -> dict[str, Any]:
    return next((dict(one) for one in answer["blocked"] if one["channel"] == channel), {})
