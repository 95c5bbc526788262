"""Answers under a key, on every database: one runs, the others wait or get its answer; nothing stays for ever."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from serving.kept_answers import KEPT, STALE, Begun, KeptAnswer, KeptAnswers, OtherRequest, Running

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANSWER = KeptAnswer(202, "application/json", '{"a":"é"}'.encode())


def begin(answers: KeptAnswers, at: datetime = NOW, request: str = "r") -> Begun:
    begun = answers.begin("k", request, at)
    assert isinstance(begun, Begun)
    return begun


def rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("select count(*) from kept_answer")).scalar_one())


def test_the_answer_comes_again_byte_for_byte_also_from_another_worker(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    answers.finish(begin(answers), ANSWER)
    assert KeptAnswers(engine).begin("k", "r", NOW + timedelta(hours=23)) == ANSWER


def test_of_many_at_once_one_runs(engine: Engine) -> None:
    def one(_: int) -> bool:
        try:
            return isinstance(KeptAnswers(engine).begin("k", "r", NOW), Begun)
        except Running:
            return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(one, range(16))) == 1


def test_another_request_under_the_key_is_refused_running_or_done(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    begun = begin(answers)
    for _ in range(2):
        with pytest.raises(OtherRequest):
            answers.begin("k", "other", NOW)
        answers.finish(begun, ANSWER)


def test_who_died_in_the_middle_is_taken_over_and_comes_too_late(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    dead = begin(answers)
    with pytest.raises(Running):
        answers.begin("k", "r", NOW + STALE)
    after = NOW + STALE + timedelta(seconds=1)
    heir = begin(answers, after)
    with pytest.raises(Running):
        answers.begin("k", "r", after)
    answers.finish(dead, KeptAnswer(200, "text/plain", b"of a ghost"))
    answers.give_up(dead)
    answers.finish(heir, ANSWER)
    assert answers.begin("k", "r", after) == ANSWER


def test_who_gave_up_leaves_nothing_behind(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    answers.give_up(begin(answers))
    begin(answers, request="mended")


def test_a_day_later_nothing_is_left(engine: Engine) -> None:
    answers = KeptAnswers(engine)
    answers.finish(begin(answers), ANSWER)
    begin(answers, NOW + KEPT + timedelta(seconds=1), request="other")
    answers.begin("second", "r", NOW + 2 * KEPT + timedelta(minutes=2))
    assert rows(engine) == 1


def test_the_store_is_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.kept_answers._MOST", 10)
    for number in range(30):
        KeptAnswers(engine).begin(str(number), "r", NOW + timedelta(seconds=number))
    assert rows(engine) == 10
    with pytest.raises(Running):
        KeptAnswers(engine).begin("29", "r", NOW + timedelta(seconds=31))
