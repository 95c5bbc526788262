"""The OpenAPI description: what the code cannot say by types, which are problems and Segment's messages."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.access.scopes import NEEDS, PROBES
from serving.idempotency import takes_key
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
    return _described((*codes, *_ALWAYS))


def _described(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    schema = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    for code in codes:
        kind = KINDS[code]
        entry = found.setdefault(kind.status, {"description": "", "content": {MEDIA_TYPE: {"schema": schema}}})
        entry["description"] = ". ".join(filter(None, (entry["description"], f"`{code}`: {kind.title}")))
        if kind.retry_after is not None:
            entry["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}
    return found


SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, `pk_…`, `sk_…` or `adm_…`"},
    "basic": {"type": "http", "scheme": "basic", "description": "the key as user name; the password is not read"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
"""Three ways to send the same key."""

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "a request that is sent again under the same key within 24 hours does nothing again",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def _say_who_may(operation: dict[str, Any], method: str, path: str) -> None:
    """Which scope an operation asks for, and the answers that stand before it."""
    needed = NEEDS[path]
    if path in PROBES:
        operation["security"] = []
        return
    refusals: tuple[str, ...] = ("rate_limited",)
    if needed is None:
        operation["security"] = []
    else:
        operation["security"] = [{name: []} for name in SECURITY]
        operation["x-scope"] = needed
        refusals += ("unauthorized", "forbidden_scope", "forbidden_origin")
    if method == "post" and takes_key(path):
        refusals += ("idempotency_running", "idempotency_conflict")
        known = [told for told in operation.get("parameters", ()) if told["name"].lower() != "idempotency-key"]
        operation["parameters"] = [*known, IDEMPOTENCY_KEY]
    for status, told in _described(refusals).items():
        operation["responses"].setdefault(str(status), told)
    operation["responses"] = dict(sorted(operation["responses"].items()))


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
    found["components"]["securitySchemes"] = SECURITY
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _say_who_may(operation, method, path)
    return found
