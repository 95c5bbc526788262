"""What a key may do: which kinds of keys there are, what each is granted, and which scope every route asks for."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Kind = Literal["pk", "sk", "adm"]
"""Publishable keys stand in the pages of the shop, secret ones in its back end, those for administration nowhere."""

Scope = Literal[
    "events:write",
    "recommendations:read",
    "recommendations:batch",
    "restock:read",
    "restock:write",
    "decisions:write",
    "catalog:write",
    "metrics:read",
    "reports:read",
    "customers:read",
    "privacy:admin",
    "admin",
]
_PUBLISHABLE: frozenset[Scope] = frozenset({"events:write", "recommendations:read"})
_OPERATING: frozenset[Scope] = frozenset({"metrics:read", "reports:read", "customers:read", "privacy:admin", "admin"})
_EVERY: frozenset[Scope] = frozenset(get_args(Scope))

GRANTS: Mapping[Kind, frozenset[Scope]] = {"pk": _PUBLISHABLE, "sk": _EVERY - _OPERATING, "adm": _EVERY}
"""The most that a key of a kind may have; it has all of it unless it was made for less."""

NEEDS: Mapping[str, Scope | None] = {
    "/livez": None,
    "/routez": None,
    "/readyz": None,
    "/metrics": "metrics:read",
    "/v1/version": None,
    "/v1/openapi.json": None,
    "/v1/docs": None,
    "/v1/docs/{name}": None,
    "/v1/problems/{code}": None,
    "/v1/track": "events:write",
    "/v1/identify": "events:write",
    "/v1/alias": "events:write",
    "/v1/page": "events:write",
    "/v1/screen": "events:write",
    "/v1/group": "events:write",
    "/v1/batch": "events:write",
    "/v1/import": "events:write",
    "/v1/events/validate": "events:write",
    "/v1/catalog/items": "catalog:write",
    "/v1/recommendations": "recommendations:read",
    "/v1/recommendations/batch": "recommendations:batch",
    "/v1/restock/forecast": "restock:read",
    "/v1/restock/due": "restock:read",
    "/v1/restock/carts": "restock:read",
    "/v1/restock/carts/feedback": "restock:write",
    "/v1/decisions": "decisions:write",
    "/v1/decisions/batch": "decisions:write",
    "/v1/decisions/check": "decisions:write",
    "/v1/activations": "decisions:write",
    "/v1/outcomes": "decisions:write",
    "/v1/consents": "decisions:write",
    "/v1/carts/abandoned": "decisions:write",
    "/v1/reports/funnel": "reports:read",
    "/v1/reports/heatmap": "reports:read",
    "/v1/reports/policy-value": "reports:read",
    "/v1/reports/uplift": "reports:read",
    "/v1/reports/restock-calendar": "reports:read",
    "/v1/reports/segments": "reports:read",
    "/v1/reports/segments/customers": "customers:read",
    "/v1/reports/visitor": "customers:read",
    "/v1/action-bank": "admin",
    "/v1/placements": "admin",
    "/v1/privacy/export": "privacy:admin",
    "/v1/privacy/erase": "privacy:admin",
    "/v1/privacy/suppress": "privacy:admin",
    "/v1/jobs": "privacy:admin",
    "/v1/reports/integration": "reports:read",
    "/v1/reports/overview": "reports:read",
    "/v1/reports/models": "reports:read",
    "/v1/reports/audit": "admin",
    "/v1/models/promote": "admin",
    "/v1/models/rollback": "admin",
    "/console": None,
    "/console/sign-in": None,
    "/console/sign-out": None,
    "/console/language": None,
    "/console/static/{name:path}": None,
    "/console/funnel": None,
    "/console/recovery": None,
    "/console/uplift": None,
    "/console/send-times": None,
    "/console/restock": None,
    "/console/restock/day": None,
    "/console/restock/day.csv": None,
    "/console/visitor": None,
    "/console/visitor/{part}": None,
    "/console/segments": None,
    "/console/segments/customers.csv": None,
    "/console/integration": None,
    "/console/models": None,
    "/console/models/change": None,
}
"""The scope that a route asks for, by its path template; None is open to everybody.

A page of the console asks for no key: it asks for a session (`serving/console/frame.py`), and leads to the sign-in.
"""

PROBES = frozenset({"/livez", "/routez", "/readyz"})
"""Never limited: an orchestrator that is refused would end a service which is well."""

UNMATCHED = ""
"""The template of a path that no route has: whatever comes, the answer is that there is nothing."""

_OPEN_FOLDERS = {
    "/v1/problems/": "/v1/problems/{code}",
    "/v1/docs/": "/v1/docs/{name}",
    "/console/static/": "/console/static/{name:path}",
    "/console/visitor/": "/console/visitor/{part}",
}


def template_of(path: str) -> str:
    """The path template of a request, before any route has looked at it.

    >>> template_of("/v1/track"), template_of("/v1/problems/timeout"), template_of("/nothing")
    ('/v1/track', '/v1/problems/{code}', '')
    """
    if path in NEEDS:
        return path
    for folder, template in _OPEN_FOLDERS.items():
        if path.startswith(folder):
            return template
    return UNMATCHED


def check_routes(templates: Iterable[str]) -> None:
    """Raises LookupError for a route of which nobody has said who may use it: it would else be open to everybody."""
    missing = sorted(set(templates) - NEEDS.keys())
    if missing:
        raise LookupError(f"no scope for {', '.join(missing)}; say in serving/access/scopes.py which key may call it")
