"""The OpenAPI description: what the code cannot say by types, which are problems and Segment's messages."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.problems import KINDS, MEDIA_TYPE, ProblemDetails

_ALWAYS = ("validation_error", "timeout", "storage_unavailable")
_TEXT = {"type": ["string", "null"]}
_ID = {"type": ["string", "integer", "null"], "description": "at most 256 characters"}
_TIME = {"type": ["string", "null"], "format": "date-time"}
_OBJECT = {"type": ["object", "null"]}

MESSAGE: dict[str, Any] = {
    "type": "object",
    "description": "A message of Segment's or RudderStack's trackers. Everything that is not listed is dropped.",
    "properties": {
        "type": {**_TEXT, "description": "the call, in a batch: track, identify, page, screen, group or alias"},
        "messageId": {**_ID, "description": "counts once for ever; without it every delivery counts"},
        "userId": _ID,
        "anonymousId": _ID,
        "event": {**_TEXT, "description": "of a track call, e.g. `Order Completed`"},
        "properties": {**_OBJECT, "description": "by Segment's e-commerce spec"},
        "context": {**_OBJECT, "description": "timezone, locale, device.type and campaign.name are kept"},
        "previousId": {**_ID, "description": "of an alias call"},
        "groupId": {**_ID, "description": "of a group call"},
        "timestamp": _TIME,
        "sentAt": {**_TIME, "description": "the sender's clock, by which `timestamp` is corrected"},
    },
    "examples": [
        {
            "messageId": "m-1",
            "userId": "u_81",
            "event": "Product Viewed",
            "timestamp": "2026-11-21T18:00:00+03:00",
            "properties": {"product_id": "sku-9", "price": "499.00", "currency": "RUB"},
        }
    ],
}
BATCH: dict[str, Any] = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": MESSAGE},
        "context": {**_OBJECT, "description": "of every message that does not say otherwise"},
        "sentAt": _TIME,
    },
    "examples": [{"batch": [{"type": "track", **MESSAGE["examples"][0]}]}],
}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's `openapi_extra` for an endpoint that parses its own body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for an endpoint that may answer with these problems, and those that any endpoint may.

    >>> sorted(problems("rate_limited"))
    [422, 429, 503]
    """
    found: dict[int | str, dict[str, Any]] = {}
    schema = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    for code in (*codes, *_ALWAYS):
        kind = KINDS[code]
        entry = found.setdefault(kind.status, {"description": "", "content": {MEDIA_TYPE: {"schema": schema}}})
        entry["description"] = ". ".join(filter(None, (entry["description"], f"`{code}`: {kind.title}")))
        if kind.retry_after is not None:
            entry["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return found


def describe(app: FastAPI) -> dict[str, Any]:
    """The description of `app`, with the schema of problems among its components."""
    found = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
    )
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = found["components"]["schemas"]
    schemas |= problem.pop("$defs")
    schemas[ProblemDetails.__name__] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found
