"""The description of the API: committed, complete, and true for whatever a client makes of it."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.app import create_app
from tests.serving.world import Shop

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
_LONGEST_URL = 60_000  # the test client refuses to send longer ones
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_committed_description_is_that_of_the_app() -> None:
    """When this fails: `python -m serving > docs/openapi.json`."""
    assert json.loads(COMMITTED.read_text()) == create_app().openapi()


def test_everything_is_described_but_the_documentation_itself() -> None:
    app = create_app()
    described = set(app.openapi()["paths"])
    hidden = {route.path for route in app.routes} - described  # type: ignore[attr-defined]
    assert not any(path.startswith("/console") for path in described)
    hidden = {path for path in hidden if not path.startswith("/console")}  # pages, for people
    assert hidden == {"/v1/openapi.json", "/v1/docs", "/v1/docs/{name}", "/{path:path}"}


def test_every_error_that_is_described_is_a_problem() -> None:
    for path, operations in create_app().openapi()["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path not in {"/routez", "/readyz"}:
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_that_the_description_allows_or_forbids_breaks_the_service(
    restock_shop: Shop, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(restock_shop.client.get("/v1/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 12
    for operation in operations:
        with contextlib.suppress(Unsatisfiable):  # an operation without parameters has no wrong ones
            _try(restock_shop, operation, mode)


def _try(shop: Shop, operation: Any, mode: GenerationMode) -> None:
    @settings(
        max_examples=12,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        wire = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        assume(len(str(wire.url)) < _LONGEST_URL)
        headers = {name.encode("latin-1"): str(value).encode("latin-1") for name, value in wire.headers.items()}
        response = shop.client.request(str(wire.method), str(wire.url), headers=headers, content=wire.body)
        case.validate_response(response, checks=CHECKS)

    one()
