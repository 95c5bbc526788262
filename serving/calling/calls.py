"""The calls that the client knows: what each is told, where it goes, what it answers. Nothing is sent from here."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, Unpack

from serving.calling import answers
from serving.calling.requests import (
    Abandoned,
    Activate,
    Check,
    Consent,
    Decide,
    DecideBatch,
    DueWithin,
    Feedback,
    Forecast,
    Identify,
    Outcome,
    Prepare,
    Recommend,
    RecommendBatch,
    Track,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request. With `key` the service does it once however often it comes; it is the same in every retry."""

    path: str
    body: Mapping[str, object]
    answer: type[T]
    method: Literal["POST", "PUT"] = "POST"
    key: str | None = None


def track(**told: Unpack[Track]) -> Call[answers.Accepted]:
    """One event; it is on disk when this returns."""
    return Call("/v1/track", _message(told), answers.Accepted)


def identify(**told: Unpack[Identify]) -> Call[answers.Accepted]:
    """Joins `anonymous_id` and `user_id`."""
    return Call("/v1/identify", _message(told), answers.Accepted)


def batch(messages: Sequence[Mapping[str, object]]) -> Call[answers.Accepted]:
    """Many messages as Segment writes them, each with its `type`; of these the bad ones are named in `rejected`."""
    named = [{"messageId": uuid.uuid4().hex, **message} for message in messages]
    return Call("/v1/batch", {"batch": named}, answers.Accepted)


def put_items(items: Sequence[Mapping[str, object]]) -> Call[answers.CatalogUpdated]:
    """Add or replace products, up to 5,000."""
    return Call("/v1/catalog/items", {"items": items}, answers.CatalogUpdated, method="PUT")


def recommend(**told: Unpack[Recommend]) -> Call[answers.RecommendationAnswer]:
    """Products for a visitor. Without a key: keeping every answer for a retry would cost each page view a commit."""
    return _call("/v1/recommendations", told, answers.RecommendationAnswer, keyed=False)


def recommend_batch(**told: Unpack[RecommendBatch]) -> Call[answers.RecommendationAnswers]:
    """Products for up to 1,000 visitors, one answer each, in their order."""
    return _call("/v1/recommendations/batch", told, answers.RecommendationAnswers)


def decide(**told: Unpack[Decide]) -> Call[answers.DecisionAnswer]:
    """One decision. The same question has the same answer until it expires, so no key is needed."""
    return _call("/v1/decisions", told, answers.DecisionAnswer, keyed=False)


def decide_batch(**told: Unpack[DecideBatch]) -> Call[answers.DecisionAnswers]:
    """One decision a customer, in their order."""
    return _call("/v1/decisions/batch", told, answers.DecisionAnswers, keyed=False)


def check(**told: Unpack[Check]) -> Call[answers.CheckAnswer]:
    """To be asked right before a message is sent."""
    return _call("/v1/decisions/check", told, answers.CheckAnswer, keyed=False)


def activate(**told: Unpack[Activate]) -> Call[answers.ActivationAnswer]:
    """To be told right after it was sent: a decision without an activation teaches nothing."""
    return _call("/v1/activations", told, answers.ActivationAnswer)


def outcome(**told: Unpack[Outcome]) -> Call[answers.Told]:
    """Opened, clicked, bounced, unsubscribed; orders are told as events."""
    return _call("/v1/outcomes", told, answers.Told)


def consent(**told: Unpack[Consent]) -> Call[answers.ConsentAnswer]:
    """It holds for the very next decision and check."""
    return _call("/v1/consents", told, answers.ConsentAnswer)


def abandoned(**told: Unpack[Abandoned]) -> Call[answers.AbandonedAnswer]:
    """A page of what lies abandoned, each with the trigger to decide about it."""
    return _call("/v1/carts/abandoned", told, answers.AbandonedAnswer, keyed=False)


def forecast(**told: Unpack[Forecast]) -> Call[answers.ForecastAnswer]:
    """Per need: when, how sure, how many, and why."""
    return _call("/v1/restock/forecast", told, answers.ForecastAnswer, keyed=False)


def due(**told: Unpack[DueWithin]) -> Call[answers.DueAnswer]:
    """A page of customers who are due, with a cart each."""
    return _call("/v1/restock/due", told, answers.DueAnswer, keyed=False)


def prepare(**told: Unpack[Prepare]) -> Call[answers.CartAnswer]:
    """The cart for the day on which the customer probably shops next."""
    return _call("/v1/restock/carts", told, answers.CartAnswer)


def feedback(**told: Unpack[Feedback]) -> Call[answers.FeedbackAnswer]:
    """A prepared cart was edited, rejected or ordered."""
    return _call("/v1/restock/carts/feedback", told, answers.FeedbackAnswer)


def _call(path: str, told: Mapping[str, object], answer: type[T], *, keyed: bool = True) -> Call[T]:
    body = {name: value for name, value in told.items() if name != "idempotency_key"}
    given = told.get("idempotency_key")
    key = str(given) if given is not None else uuid.uuid4().hex if keyed else None
    return Call(path, body, answer, key=key)


_AS_SEGMENT = {"user_id": "userId", "anonymous_id": "anonymousId", "message_id": "messageId"}


def _message(told: Mapping[str, object]) -> dict[str, object]:
    return {"messageId": uuid.uuid4().hex} | {_AS_SEGMENT.get(name, name): value for name, value in told.items()}
