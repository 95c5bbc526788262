"""Requests of one moment share a call of the model; answers, errors and records stay their own."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from models.recommenders.base import Query, Ranking, days
from serving.answering import Answering, Ready, answers_to
from serving.answers import Answered
from serving.bundle import Bundle
from serving.placements import DEFAULT
from serving.rules.syntax import FilterError
from serving.schemas import Context, RecommendationRequest
from serving.visitor import Visitor
from tests.serving.world import MILK, NOW, Shop
from tests.waiting import PATIENCE

DRINKER = Visitor(np.array(["tea-1", "tea-2", MILK], object), np.full(3, days(NOW) - 2), np.array([1.0, 0.1, 1.0]))
BEANS = Visitor(np.array(["coffee-1", MILK], object), np.full(2, days(NOW) - 9), np.ones(2))


@pytest.fixture(scope="module")
def bundle(shared: Shop) -> Bundle:
    found: Bundle = shared.resources.champion.bundle
    return found


async def at_once(_seconds: float) -> None:
    """Nobody is read about."""


def ready(bundle: Bundle, visitor: Visitor, placement: str = "home", **asked: Any) -> Ready:
    request = RecommendationRequest.model_validate({"placement": placement, **asked})
    return Ready(bundle, DEFAULT[placement], request, visitor, NOW, False)


def told(answer: Answered | Exception) -> Any:
    """An answer and its record without what is drawn for each anew."""
    assert isinstance(answer, Answered)
    answered = msgspec.structs.replace(answer.answer, recommendation_id="", expires_at=NOW)
    return msgspec.to_builtins(answered), replace(answer.record, key="", occurred_at=0, received_at=0)


def test_everybody_gets_what_he_would_get_alone(bundle: Bundle) -> None:
    page = {"item_ids": ["tea-1"], "query": "coffee", "category": "drinks"}
    asked = [
        ready(bundle, visitor, placement, limit=limit, context={**page, "locale": locale}, **more)
        for placement in DEFAULT
        for visitor, locale in ((DRINKER, "ru"), (BEANS, None), (Visitor(), "en"))
        for limit, more in (
            (3, {}),
            (20, {"exclude_item_ids": [MILK], "allow_fallback": False}),
            (2, {"diversity": 0.5, "include": ["fields"]}),
        )
    ]
    assert [told(one) for one in answers_to(asked)] == [told(answers_to([one])[0]) for one in asked]


def test_those_of_one_kind_are_one_call_of_the_model(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    model = type(bundle.members["rp3beta"])
    real, calls = model.recommend, []

    def recommend(self: Any, queries: Sequence[Query], k: int, allow: Any = None) -> Ranking:
        calls.append((len(queries), np.ndim(allow)))
        return real(self, queries, k, allow)

    monkeypatch.setattr(model, "recommend", recommend)
    answers_to([ready(bundle, DRINKER), ready(bundle, BEANS), ready(bundle, DRINKER)])
    assert calls == [(3, 1)], "and where the rules are the same for all, so is the mask"


def test_what_one_brings_to_fail_is_his_alone(bundle: Bundle) -> None:
    asked = [ready(bundle, DRINKER), ready(bundle, DRINKER, filter="nothing == 1"), ready(bundle, BEANS, "cart")]
    first, second, third = answers_to(asked)
    assert isinstance(second, FilterError)
    assert told(first) == told(answers_to([asked[0]])[0])
    assert told(third) == told(answers_to([asked[2]])[0])


def test_more_than_a_batch_takes_are_several_and_the_loop_breathes_between(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    order: list[str] = []

    def answers(asked: Sequence[Ready]) -> list[Any]:
        sizes.append(len(asked))
        order.append("batch")
        return [None] * len(asked)

    monkeypatch.setattr("serving.answering.answers_to", answers)

    async def scene() -> None:
        answering = Answering(at_once)
        one = ready(bundle, Visitor(), context=Context())

        async def ask() -> None:
            await answering.choose(one)
            order.append("answered")

        await asyncio.gather(*(ask() for _ in range(70)))

    asyncio.run(scene())
    assert sizes == [32, 32, 6]
    assert order.index("answered") < len(order) - 1 - order[::-1].index("batch")


def test_those_who_are_read_about_meanwhile_are_chosen_with_those_who_wait(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    monkeypatch.setattr("serving.answering.answers_to", lambda asked: sizes.append(len(asked)) or [None] * len(asked))

    async def scene() -> None:
        read = asyncio.Event()

        async def reading(_seconds: float) -> None:
            await asyncio.wait_for(read.wait(), PATIENCE)

        answering, one = Answering(reading), ready(bundle, Visitor())
        first = asyncio.create_task(answering.choose(one))
        await asyncio.sleep(0.01)
        assert not first.done()
        second = asyncio.create_task(answering.choose(one))
        await asyncio.sleep(0)
        read.set()
        await asyncio.gather(first, second)

    asyncio.run(scene())
    assert sizes == [2]


def test_the_service_chooses_once_nobody_is_read_about(shared: Shop) -> None:
    """Or choosing would begin beside threads that read, which then wait for it at every row."""
    assert shared.resources.answering._read == shared.resources.visitors.settled
