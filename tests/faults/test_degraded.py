"""Degrade, do not fail: whatever is away, recommendations answer, and what was acknowledged is found in the logs."""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import event, text

from features.log import DECISIONS, EVENTS
from serving.readiness import readiness
from serving.writer import Writer
from tests.faults.logs import keys
from tests.serving.world import DRINKER, Shop, running
from tests.waiting import PATIENCE, until


def statement(shop: Shop, sql: str) -> None:
    with shop.resources.events.log.engine.begin() as connection:
        connection.execute(text(sql))


def well(shop: Shop) -> bool:
    writers: list[Writer] = [shop.resources.events, shop.resources.decisions]
    return all(writer.breaker.state == "closed" and not writer.journaled for writer in writers)


def view(number: int) -> dict[str, Any]:
    return {
        "event": "Product Viewed",
        "userId": "u",
        "anonymousId": "device",
        "messageId": f"m{number}",
        "properties": {"product_id": "tea-1"},
    }


def test_without_tables_to_write_and_read_recommendations_answer_and_nothing_acknowledged_is_lost(folder: Path) -> None:
    with running(folder) as shop:
        before = shop.recommend(subject={"user_id": DRINKER})
        for table in ("event", "decision"):
            statement(shop, f"ALTER TABLE {table} RENAME TO {table}_away")
        answers = [shop.recommend(subject={"user_id": DRINKER}) for _ in range(6)]
        for number in range(3):
            assert shop.client.post("/v1/track", json=view(number)).json()["accepted"] == 1
        assert {answer["degraded_reason"] for answer in answers} == {"history_unavailable"}
        assert all(answer["items"] for answer in answers)
        asked = {"decision_point": "cart_recovery", "subject": {"user_id": "u"}, "trigger": {"id": "t"}}
        refused = shop.client.post("/v1/decisions", json=asked)
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        for table in ("event", "decision"):
            statement(shop, f"ALTER TABLE {table}_away RENAME TO {table}")
        until(lambda: well(shop), "the journals are replayed")
        until(lambda: not shop.recommend(subject={"user_id": DRINKER})["degraded"], "histories are read again")
        until(lambda: shop.client.post("/v1/decisions", json=asked).status_code == 200, "decisions are made again")
        assert shop.resources.identities.person(None, "device").customer_id == "u", "links are learned from the journal"
        shown = {answer["recommendation_id"] for answer in (before, *answers)}
        known = keys(folder, DECISIONS)
        assert shown <= set(known)
        assert len(known) == len(set(known))
        events = keys(folder, EVENTS)
        assert [events.count(f"m{number}") for number in range(3)] == [1, 1, 1]


def test_with_neither_log_nor_journal_everybody_gets_what_is_popular(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(folder) as shop:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("features.journal.os.fdatasync", full)
        statement(shop, "ALTER TABLE decision RENAME TO decision_away")
        for _ in range(3):
            answer = shop.recommend(subject={"user_id": DRINKER})
            assert answer["degraded_reason"] == "log_unavailable"
            assert answer["items"]
            assert not any(item["explored"] for item in answer["items"])
        statement(shop, "ALTER TABLE event RENAME TO event_away")
        refused = shop.client.post("/v1/track", json=view(1))
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
        for table in ("event", "decision"):
            statement(shop, f"ALTER TABLE {table}_away RENAME TO {table}")
        monkeypatch.undo()
        until(lambda: well(shop), "the logs are written again")
        assert shop.client.post("/v1/track", json=view(1)).json()["accepted"] == 1


def test_a_full_database_refuses_nobody(folder: Path) -> None:
    with running(folder) as shop:
        engine = shop.resources.decisions.log.engine
        pages = []

        def limited(connection: Any, _: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages[0]}")

        with engine.connect() as connection:
            pages.append(connection.exec_driver_sql("PRAGMA page_count").scalar() + 1)
        event.listen(engine, "connect", limited)
        engine.dispose()
        acknowledged = []
        for number in range(60):
            answer = shop.client.post("/v1/track", json=view(number))
            if answer.status_code == 200:
                acknowledged.append(f"m{number}")
            assert shop.client.post("/v1/recommendations", json={"subject": {"user_id": "u"}}).status_code == 200
        assert shop.resources.events.journaled or shop.resources.decisions.journaled, "it was never full"
        pages[0] = 1_000_000
        engine.dispose()
        until(lambda: well(shop), "there is room again")
    assert set(acknowledged) <= set(keys(folder, EVENTS))
    assert len(acknowledged) == 60


@pytest.mark.parametrize("step", [timedelta(days=2), timedelta(hours=-3)])
def test_a_clock_that_is_stepped_fails_nobody_and_loses_nothing(folder: Path, step: timedelta) -> None:
    with running(folder) as shop:
        shop.track("Product Viewed", {"product_id": "tea-1"}, userId="u", messageId="first")
        shown = shop.recommend(subject={"user_id": "u"})["recommendation_id"]
        shop.clock.now += step
        shop.track("Product Viewed", {"product_id": "tea-2"}, userId="u", messageId="second")
        answer = shop.recommend(subject={"user_id": "u"})
        assert answer["items"]
        assert answer["degraded_reason"] in (None, "catalog_stale")
        asked = {"decision_point": "cart_recovery", "subject": {"user_id": "u"}, "trigger": {"id": "t"}}
        first = shop.client.post("/v1/decisions", json=asked)
        assert first.status_code == 200
        shop.clock.now -= step
        back = shop.recommend(subject={"user_id": "u"})
        assert back["items"]
        again = shop.client.post("/v1/decisions", json=asked)
        assert again.status_code == 200, again.text
        if step > timedelta(0):
            assert again.json()["decision_id"] == first.json()["decision_id"], "it is in the log, and stays answered"
        other = {**asked, "trigger": {"id": "another"}}
        assert shop.client.post("/v1/decisions", json=other).status_code == 200
    assert {"first", "second"} <= set(keys(folder, EVENTS))
    assert {shown, answer["recommendation_id"], first.json()["decision_id"]} <= set(keys(folder, DECISIONS))


def test_an_online_store_whose_file_is_broken_is_well_as_soon_as_the_file_answers_again(folder: Path) -> None:
    with running(folder) as shop, closing(sqlite3.connect(folder / "features" / "online.db")) as online:
        visitors = shop.resources.visitors

        def asked() -> tuple[str | None, str, str]:
            reason = shop.recommend(subject={"user_id": DRINKER})["degraded_reason"]
            states = {one.name: one.state for one in readiness(shop.resources).dependencies}
            return reason, visitors.breaker.state, states["online_store"]

        name = f"{visitors.store.config.project}_customer"
        assert asked() == (None, "closed", "ok")
        online.execute(f'ALTER TABLE "{name}" RENAME TO away')
        broken = [asked() for _ in range(3)]
        assert broken[-1] == ("features_unavailable", "open", "degraded")
        online.execute(f'ALTER TABLE away RENAME TO "{name}"')
        visitors._at_hand_from = 0.0  # long before anybody asks the threads of the store again
        assert asked() == (None, "closed", "ok")


def test_files_that_hang_are_waited_for_by_a_few_alone_and_by_nobody_once_they_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is gone: who only looks is told so, and what the desk has begun is decided when it is back."""
    few = {"feature_timeout_ms": 50, "log_timeout_ms": 100}
    with running(folder, give_up_seconds=PATIENCE, **few) as shop, ThreadPoolExecutor(1) as pool:
        over, visitors = threading.Event(), shop.resources.visitors
        monkeypatch.setattr(shop.resources.decisions, "patience", PATIENCE)  # of reading alone there is little

        def hanging(read: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *given: (over.wait(PATIENCE), read(*given))[1]

        monkeypatch.setattr(visitors, "at_hand", Mock(read=hanging(visitors.at_hand.read)))
        monkeypatch.setattr(visitors, "files", Mock(of=hanging(visitors.files.of)))
        asked = {"decision_point": "cart_recovery", "subject": {"user_id": DRINKER}, "trigger": {"id": "t"}}
        decision = pool.submit(shop.client.post, "/v1/decisions", json=asked)
        answers = [shop.recommend(subject={"user_id": f"u{number}"}) for number in range(12)]
        assert {answer["degraded_reason"] for answer in answers} == {"history_unavailable"}
        assert all(answer["items"] for answer in answers)
        assert shop.resources.reads.state != "closed"
        assert not decision.done()
        over.set()
        assert decision.result(PATIENCE).status_code == 200
        until(lambda: not shop.recommend(subject={"user_id": DRINKER})["degraded"], "histories are read again")


def test_a_database_that_hangs_is_waited_for_by_a_few_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(folder, feature_timeout_ms=50, log_timeout_ms=100) as shop:
        over = threading.Event()
        monkeypatch.setattr(shop.resources.visitors, "at_hand", None)  # as where the database is a server
        read: Callable[..., Any] = shop.resources.identities.person

        def hang(*given: Any) -> Any:
            over.wait(PATIENCE)
            return read(*given)

        monkeypatch.setattr(shop.resources.identities, "person", hang)
        answers = [shop.recommend(subject={"user_id": f"u{number}"}) for number in range(12)]
        assert {answer["degraded_reason"] for answer in answers} == {"history_unavailable"}
        assert shop.resources.reads.state != "closed"
        over.set()
        monkeypatch.undo()
        until(lambda: not shop.recommend(subject={"user_id": "u1"})["degraded"], "histories are read again")
