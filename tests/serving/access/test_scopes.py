"""Every route says which scope it asks for, and what is granted to whom holds."""

import pytest

from serving.access.scopes import GRANTS, NEEDS, check_routes, template_of
from serving.app import create_app


def test_every_route_has_a_scope_and_every_scope_a_route() -> None:
    paths = {route.path for route in create_app().routes} - {"/{path:path}"}  # type: ignore[attr-defined]
    assert paths == set(NEEDS)
    for scope in set().union(*GRANTS.values()):
        assert scope in NEEDS.values(), scope


def test_a_route_of_which_nobody_said_who_may_call_it_ends_the_start() -> None:
    with pytest.raises(LookupError, match="/v1/new"):
        check_routes(["/livez", "/v1/new"])


def test_a_publishable_key_reads_no_list_of_customers_and_no_secret_key_operates() -> None:
    assert GRANTS["pk"] == {"events:write", "recommendations:read"}
    assert not GRANTS["sk"] & {"admin", "privacy:admin", "metrics:read"}
    assert GRANTS["pk"] < GRANTS["sk"] < GRANTS["adm"]


@pytest.mark.parametrize("path", ["/v1/track/", "/V1/track", "//v1/track", "/v1/trackx", "/v1/problems", "/%76"])
def test_what_only_looks_like_a_route_has_no_template(path: str) -> None:
    assert template_of(path) == ""
