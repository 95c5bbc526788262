"""One desk: whoever asks with whom, each is decided about as if asked alone, and nobody twice at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import pytest

from serving.decisions import desk
from serving.decisions.decide import decide
from tests.serving.decisions.world import POINT, TRIGGERED, ask, deciding, live, moment, of_arm, request
from tests.serving.world import Shop
from tests.waiting import PATIENCE, until

POINTS = ("cart_recovery", "checkout_recovery", "browse", "wishlist", "restock", "campaign")
GAP = timedelta(hours=20)
"""Between two e-mails of the default action bank."""


def at_point(point: str, user: str) -> dict[str, Any]:
    trigger = {"id": f"of {point}", "at": TRIGGERED.isoformat()}
    return request(user) | {"decision_point": point, "trigger": trigger}


def sent_at(answers: list[Any]) -> list[Any]:
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers[0].text
    actions = [answer.json()["action"] for answer in answers]
    return [moment(action["send_at"]) for action in actions if action["send"]]


def test_points_that_ask_about_one_person_at_once_keep_the_gap(bare_folder: Path) -> None:
    with deciding(bare_folder) as shop, ThreadPoolExecutor(len(POINTS)) as pool:
        for user in islice(of_arm("policy", "at-once"), 4):
            bodies = [at_point(point, user) for point in POINTS]
            times = sent_at(list(pool.map(lambda body: shop.client.post("/v1/decisions", json=body), bodies)))
            assert times, "somebody is written to"
            assert all(abs(one - other) >= GAP for one, other in combinations(times, 2))


def test_so_do_services_over_one_database(bare_folder: Path) -> None:
    with deciding(bare_folder) as one, deciding(bare_folder) as other, ThreadPoolExecutor(len(POINTS)) as pool:
        for user in islice(of_arm("policy", "two-services"), 6):
            asked = [((one, other)[place % 2], at_point(point, user)) for place, point in enumerate(POINTS)]
            times = sent_at(list(pool.map(lambda pair: pair[0].client.post("/v1/decisions", json=pair[1]), asked)))
            assert times
            assert all(abs(one - other) >= GAP for one, other in combinations(times, 2))


def test_who_was_asked_a_moment_later_and_decided_first_is_known(bare_folder: Path) -> None:
    with deciding(bare_folder) as one, deciding(bare_folder) as other:
        one.clock.now += timedelta(milliseconds=300)
        for user in islice(of_arm("policy", "moments"), 3):
            shops = [(one, other)[place % 2] for place in range(len(POINTS))]
            asked = zip(shops, POINTS, strict=True)
            times = sent_at([shop.client.post("/v1/decisions", json=at_point(point, user)) for shop, point in asked])
            assert times
            assert all(abs(one - other) >= GAP for one, other in combinations(times, 2))


def test_of_many_each_gets_the_answer_that_it_gets_alone(shared_decider: Shop) -> None:
    users = [f"together-{number}" for number in range(70)]
    visitors = [f"visitor-{number}" for number in range(6)]
    for number, user in enumerate([*users[::3], *visitors]):
        message = {"event": "Product Added", "userId": user, "anonymousId": f"of {user}", "messageId": f"add {user}"}
        if user in visitors:
            del message["userId"]
        said = {"product_id": "tea", "price": str(number + 1), "currency": "EUR", "cart_id": f"cart of {user}"}
        shared_decider.client.post("/v1/track", json={**message, "properties": said}).raise_for_status()
    subjects = [{"user_id": user} for user in users] + [{"anonymous_id": f"of {user}"} for user in visitors]
    asked = {key: value for key, value in request().items() if key != "subject"} | {"preview": True}
    batch = shared_decider.client.post("/v1/decisions/batch", json={**asked, "subjects": subjects})
    alone = [ask(shared_decider, subject=subject, preview=True) for subject in subjects]
    assert batch.json()["answers"] == alone
    assert len({answer["decision_id"] for answer in alone}) == len(subjects)


def test_a_batch_that_names_somebody_twice_knows_what_it_answered_first(decider: Shop) -> None:
    user = next(of_arm("policy", "twice"))
    asked = {key: value for key, value in request().items() if key not in ("subject", "trigger")}
    triggers = [{"id": f"cart-{number}", "at": TRIGGERED.isoformat()} for number in range(4)]
    subjects = [{"user_id": user, "trigger": trigger} for trigger in triggers]
    for preview in (True, False):
        body = {**asked, "subjects": [*subjects, subjects[0]], "preview": preview}
        answers = decider.client.post("/v1/decisions/batch", json=body).json()["answers"]
        times = [moment(one["action"]["send_at"]) for one in answers[:4] if one["action"]["send"]]
        assert all(abs(one - other) >= GAP for one, other in combinations(times, 2))
        assert answers[4]["decision_id"] == answers[0]["decision_id"]


def test_what_the_database_refuses_is_an_error_for_who_asked_and_stands_in_nobodys_way(
    decider: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = next(of_arm("policy", "refused"))
    with monkeypatch.context() as broken:

        def away(records: object) -> None:
            raise OSError(f"nothing of {records!r} is written")

        broken.setattr(decider.resources.decisions.log, "append", away)
        assert decider.client.post("/v1/decisions", json=request(user)).status_code >= 500
    assert decider.resources.desk.waiting() == 0
    assert ask(decider, user)["decision_point"] == POINT
    assert ask(decider, user, "cart-2")["sticky"]


def test_a_database_that_goes_away_between_two_tries_is_an_error_and_the_desk_goes_on(
    decider: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = next(of_arm("policy", "away"))
    with monkeypatch.context() as broken:

        def away(key: str) -> None:
            raise OSError(f"{key} is not looked for")

        broken.setattr(decider.resources.decisions.log, "append", lambda records: [False] * len(records))
        broken.setattr(decider.resources.decisions.log, "find", away)
        assert decider.client.post("/v1/decisions", json=request(user)).status_code >= 500
    assert ask(decider, user)["decision_point"] == POINT


def test_who_is_overtaken_by_all_that_others_decide_about_a_person_is_answered(
    decider: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, tries = decider.resources.decisions.log, list[int]()
    append = log.append

    def overtaken(records: Any) -> list[bool]:
        tries.append(len(records))
        return [False] * len(records) if len(tries) <= 2 * len(POINTS) else append(records)

    monkeypatch.setattr(log, "append", overtaken)
    assert ask(decider, next(of_arm("policy", "overtaken")))["decision_point"] == POINT
    assert tries == [1] * (2 * len(POINTS) + 1)


def test_a_service_that_ends_has_answered_who_asked(chance_folder: Path) -> None:
    with deciding(chance_folder) as shop:
        live(shop)
        answers = [ask(shop, f"last-{number}") for number in range(5)]
    with deciding(chance_folder) as again:
        assert [ask(again, f"last-{number}") for number in range(5)] == answers


@pytest.fixture
def hanging(decider: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A desk whose first sitting hangs until the event is set."""
    over, begun = threading.Event(), threading.Event()

    def hang(*given: Any) -> list[Any]:
        begun.set()
        over.wait(PATIENCE)
        return decide(*given)

    monkeypatch.setattr(desk, "decide", hang)
    monkeypatch.setattr(desk, "_HANGS_SECONDS", 0.2)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(decider.client.post, "/v1/decisions", json=request("who-waits"))
        assert begun.wait(PATIENCE)
        yield over
        over.set()
        assert asked.result(PATIENCE).status_code == 200, "what was begun is decided once the disk is back"


def test_while_a_disk_hangs_who_comes_is_told_at_once_and_once_it_is_back_nobody(
    decider: Shop, hanging: threading.Event
) -> None:
    sitting = decider.resources.desk
    until(lambda: sitting.sits_for() > 0.2, "it hangs")
    told = decider.client.post("/v1/decisions", json=request("who-comes"))
    assert (told.status_code, told.json()["code"]) == (503, "storage_unavailable")
    assert "retry-after" in told.headers
    assert sitting.waiting() == 0, "nobody stands behind the others in vain"
    hanging.set()
    until(lambda: sitting.sits_for() == 0, "it is back")
    assert ask(decider, "who-comes")["decision_point"] == POINT


def test_a_disk_that_hangs_keeps_no_service_from_its_end(
    decider: Shop, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(desk, "_END_SECONDS", 0.3)
    decider.resources.desk.close()
    assert not hanging.is_set()
    assert "a database or a disk hangs" in caplog.text
