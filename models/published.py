"""A published model as the others see it: which version it is, and what was loaded of it.

Apart from the registry, which brings MLflow: who works with a model that somebody else has loaded, as a worker of a
cluster does with the part of an export, starts in half the time without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from models.policies.base import FittedPolicy, Policy
from models.recommenders.base import FittedRecommender, Recommender
from models.time_to_event.replenishment import FittedReplenishment, Replenishment

CHAMPION, CHALLENGER, CANARY = "champion", "challenger", "canary"
FAMILY = "family"
"""The tag that says what kind of model a version holds."""

R = TypeVar("R")
M = TypeVar("M")


@dataclass(frozen=True)
class Version:
    """One version of a registered model."""

    name: str
    number: str
    run_id: str
    alias: str | None
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Published(Generic[R, M]):
    """A version, loaded: what serving needs, and the recipe that a later challenger is compared with."""

    version: Version
    recipe: R
    model: M
    features: tuple[str, ...]


PublishedRecommender = Published[Recommender, FittedRecommender]
PublishedReplenishment = Published[Replenishment, FittedReplenishment]
PublishedPolicy = Published[Policy, FittedPolicy]
