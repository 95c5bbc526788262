"""Kept answers that name a person go with the person, those of others stay."""

import json

import pytest
from sqlalchemy import Engine

from features.identity import Person
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
