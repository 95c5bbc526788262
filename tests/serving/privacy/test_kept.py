"""Kept answers that name a person go with the person, those of others stay."""

import json

import pytest
from sqlalchemy import Engine

from features.person import Person
from serving.kept_answers import Begun, KeptAnswer, KeptAnswers
from serving.privacy.kept import KeptAnswerRows
from tests.serving.world import NOW


def kept(answers: KeptAnswers, name: str, user_id: str) -> None:
    begun = answers.begin(name, "request", NOW)
    assert isinstance(begun, Begun)
    body = json.dumps({"subject": {"user_id": user_id}}, ensure_ascii=False).encode()
    answers.finish(begun, KeptAnswer(200, "application/json", body))


@pytest.mark.parametrize("id_", ["u1", 'with "quotes" and 100%_', "ü/🛒", "Иван", "a\\c", "it's"])
def test_answers_that_name_a_person_are_forgotten(engine: Engine, id_: str) -> None:
    answers, store = KeptAnswers(engine), KeptAnswerRows(engine)
    kept(answers, "one", id_)
    kept(answers, "other", f"{id_}2")
    person = Person(id_, (id_,), ())
    assert len(list(store.held(person))) == 1
    store.erase(person)
    assert list(store.held(person)) == []
    assert isinstance(answers.begin("one", "request", NOW), Begun)
    assert isinstance(answers.begin("other", "request", NOW), KeptAnswer)


def test_answers_that_name_any_of_very_many_ids_are_forgotten(engine: Engine) -> None:
    answers, store = KeptAnswers(engine), KeptAnswerRows(engine)
    ids = [f'"ü\\{number}' for number in range(2_000)]
    for name, id_ in {"first": ids[0], "last": ids[-1], "other": "u", "longer": f"{ids[0]}2x"}.items():
        kept(answers, name, id_)
    answers.begin("running", "request", NOW)
    person = Person("u9", ("u9",), tuple(ids))
    assert len(list(store.held(person))) == 2
    store.erase(person)
    assert list(store.held(person)) == []
    for name in ("other", "longer"):
        assert isinstance(answers.begin(name, "request", NOW), KeptAnswer)
