"""A report as it was computed last: read from the database, never computed in a request."""

from collections.abc import Iterable
from typing import TypeVar

from features.reports.table import Report, missing
from serving.problems import Refused
from serving.resources import Resources

T = TypeVar("T", bound=Report)


def kept(resources: Resources, name: str, scope: str, of: type[T]) -> T:
    """The report of this name and scope. Raises `Refused`, `not_found`, which says how to have it computed."""
    found = resources.reports.read(name, scope, of)
    if found is None:
        raise Refused("not_found", missing(name) if not scope else f"{missing(name)}, also for {scope}")
    return found


def kept_of(resources: Resources, name: str, decision_point: str | None, of: type[T]) -> T:
    """The report of a decision point, of the first one that has any when None. Raises `Refused`, `not_found`."""
    points = reported_points(resources, name)
    if decision_point is None and not points:
        raise Refused("not_found", missing(name))
    if decision_point is not None and decision_point not in points:
        there = ", ".join(points) or "none"
        raise Refused("not_found", f"no {name} of the decision point {decision_point!r}; there is {there}")
    return kept(resources, name, decision_point or points[0], of)


def reported_points(resources: Resources, name: str) -> list[str]:
    """The decision points that have such a report, in the order of the action bank."""
    return _ordered(resources.reports.scopes(name), resources.bank.now.points)


def _ordered(scopes: list[str], points: Iterable[str]) -> list[str]:
    return [point for point in points if point in scopes]
