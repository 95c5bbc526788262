"""Decisions that stand in the log of a shop, and what is told about them over HTTP."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from features.events import Event
from features.log import from_record
from features.outcomes import Outcome, outcomes
from tests.features.decided import decision
from tests.features.person import START
from tests.serving.world import Shop

_numbers: Iterator[int] = count()


def decided(shop: Shop, user: str | None, at: datetime, channel: str | None = "email", **said: Any) -> str:
    """A decision about somebody, made at that moment; its id."""
    id_ = f"dec_told_{next(_numbers)}"
    minutes = (at - START).total_seconds() / 60
    assert shop.resources.decisions.log.append([decision(id_, minutes, channel, user, **said)]) == [True]
    return id_


def post(shop: Shop, path: str, expect: int = 202, /, **body: Any) -> Any:
    """The body of an answer with the status that is expected."""
    response = shop.client.post(path, json=body)
    assert response.status_code == expect, response.text
    return response.json()


def events_of(shop: Shop, user_id: str) -> list[Event]:
    """What the log holds of a customer."""
    return [from_record(record) for record in shop.resources.events.log.of_person((user_id,), ())]


def outcome_of(shop: Shop, decision_id: str) -> Outcome:
    """What came of a decision, by all that was told until now."""
    resources = shop.resources
    record = resources.decisions.log.find(decision_id)
    (found,) = outcomes(resources.events.log, resources.decisions.log, resources.identities, [record], shop.clock.now)
    return found
