"""The client's shapes are those of the interface: a field that one side has and the other lacks is found here."""

from types import NoneType
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from serving.app import create_app
from serving.calling import answers, calls, requests

RENAMED = {"Model": "ModelReference"}
TOLD: dict[str, Any] = {
    "RecommendationRequest": requests.Recommend,
    "RecommendationBatch": requests.RecommendBatch,
    "Subject": requests.Subject,
    "Context": requests.Page,
    "CartLine": requests.CartLine,
    "DecisionRequest": requests.Decide,
    "DecisionBatch": requests.DecideBatch,
    "BatchSubject": requests.Audience,
    "Trigger": requests.Trigger,
    "Allowed": requests.Eligible,
    "DecisionContext": requests.Known,
    "CheckRequest": requests.Check,
    "ActivationRequest": requests.Activate,
    "OutcomeRequest": requests.Outcome,
    "ConsentRequest": requests.Consent,
    "AbandonedRequest": requests.Abandoned,
    "AbandonedWindow": requests.Window,
    "ForecastRequest": requests.Forecast,
    "CartRequest": requests.Prepare,
    "FeedbackRequest": requests.Feedback,
    "FeedbackLine": requests.Line,
    "DueRequest": requests.DueWithin,
    "Window": requests.Window,
}
STRUCTS = [
    kind
    for kind in vars(answers).values()
    if isinstance(kind, type) and issubclass(kind, answers.Answer) and kind is not answers.Answer
]


@pytest.fixture(scope="module")
def interface() -> dict[str, Any]:
    return create_app().openapi()


@pytest.fixture(scope="module")
def shapes(interface: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = interface["components"]["schemas"]
    return found


def shape(shapes: dict[str, Any], name: str, direction: str) -> dict[str, Any]:
    found: dict[str, Any] = (shapes.get(name) or shapes[f"{name}-{direction}"])["properties"]
    return found


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_an_answer_has_the_fields_of_the_interface_and_none_where_they_may_be_null(
    kind: type[msgspec.Struct], shapes: dict[str, Any]
) -> None:
    properties = shape(shapes, RENAMED.get(kind.__name__, kind.__name__), "Output")
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__}
    assert hints.keys() == properties.keys()
    for name, told in properties.items():
        nullable = {"type": "null"} in told.get("anyOf", ())
        assert not nullable or NoneType in get_args(hints[name]), name


@pytest.mark.parametrize("name", TOLD)
def test_a_call_can_say_what_the_interface_takes_and_nothing_else(name: str, shapes: dict[str, Any]) -> None:
    kind = TOLD[name]
    properties = shape(shapes, name, "Input").keys()
    assert get_type_hints(kind).keys() - {"idempotency_key"} == properties
    required = shapes.get(name, shapes.get(f"{name}-Input", {})).get("required", ())
    if kind is not requests.Window:
        assert set(kind.__required_keys__) == set(required)


def test_every_call_goes_where_the_interface_has_something_and_reads_what_it_answers(interface: dict[str, Any]) -> None:
    told: dict[str, Any] = {"idempotency_key": "k"}
    made = [
        calls.track(event="Product Viewed"),
        calls.identify(user_id="u"),
        calls.batch([]),
        calls.put_items([]),
        calls.recommend(),
        calls.recommend_batch(subjects=[]),
        *(
            make(**told)
            for make in (
                calls.decide,
                calls.decide_batch,
                calls.check,
                calls.activate,
                calls.outcome,
                calls.consent,
                calls.abandoned,
                calls.forecast,
                calls.due,
                calls.prepare,
                calls.feedback,
            )
        ),
    ]
    for call in made:
        operation = interface["paths"][call.path][call.method.lower()]
        (answer,) = [found for status, found in operation["responses"].items() if status.startswith("2")]
        reference = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert reference.partition("-")[0] == call.answer.__name__, call.path


def test_what_a_newer_service_adds_is_passed_over_and_what_is_missing_is_not() -> None:
    told = b'{"send": true, "reason": "a code of tomorrow", "weather": {"rain": 1}}'
    assert msgspec.json.decode(told, type=answers.CheckAnswer).reason == "a code of tomorrow"
    with pytest.raises(msgspec.ValidationError, match="send"):
        msgspec.json.decode(b"{}", type=answers.CheckAnswer)
