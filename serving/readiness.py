"""What the service depends on and how each of it stands; ready is who can recommend at all, with or without others."""

from typing import Any, Literal

from pydantic import BaseModel

from serving.resources import Resources

State = Literal["ok", "degraded", "missing"]
"""Whether it does its part; answers go on without what is degraded, and nothing can be recommended without a model."""


class Dependency(BaseModel):
    """One of them, and what to do about it."""

    name: Literal["database", "online_store", "model", "policies", "projector"]
    state: State
    why: str = ""


class Readiness(BaseModel):
    """Whether recommendations can be answered."""

    ready: bool
    dependencies: list[Dependency]


def schema() -> dict[str, Any]:
    """The JSON schema of `Readiness`, in one piece."""
    found = Readiness.model_json_schema()
    found["properties"]["dependencies"]["items"] = found.pop("$defs")["Dependency"]
    return found


def readiness(resources: Resources) -> Readiness:
    """How everything stands, from what is known already: a probe asks no store."""
    model = _model(resources)
    dependencies = [_database(resources), _online_store(resources), model, _policies(resources), _projector(resources)]
    return Readiness(ready=model.state != "missing", dependencies=dependencies)


def not_ready(resources: Resources) -> str | None:
    """Why the service cannot answer yet, with the way out; None when it can."""
    if resources.champion.bundle is not None:
        return None
    return resources.champion.missing()


def not_routable(resources: Resources) -> str | None:
    """Why no request is to be sent to this worker yet; None when it takes events in and has what others may have.

    A shop without a model has events to take in, so this waits for the first look at the registry and not for a model.
    Once over it stays so: of what all workers share, none is served better by another.
    """
    return None if resources.champion.settled else resources.champion.missing()


def _database(resources: Resources) -> Dependency:
    breakers = resources.reads, resources.events.breaker, resources.decisions.breaker
    if all(breaker.state == "closed" for breaker in breakers):
        return Dependency(name="database", state="ok")
    why = "it does not answer; events and what was shown go into the journal until it does"
    return Dependency(name="database", state="degraded", why=why)


def _online_store(resources: Resources) -> Dependency:
    if resources.visitors.breaker.state == "closed":
        return Dependency(name="online_store", state="ok")
    why = "it does not answer in time; answers know what the log holds, and say `degraded`"
    return Dependency(name="online_store", state="degraded", why=why)


def _model(resources: Resources) -> Dependency:
    if (reason := not_ready(resources)) is not None:
        return Dependency(name="model", state="missing", why=reason)
    return Dependency(name="model", state="ok")


def _policies(resources: Resources) -> Dependency:
    if resources.bank.lacking(resources.bank.now) is not None:
        why = (
            "the action bank cannot be read, nothing is sent; the log says what is wrong with it, the file is followed"
        )
        return Dependency(name="policies", state="degraded", why=why)
    if resources.policies.live():
        return Dependency(name="policies", state="ok")
    why = "no policy is live, the rules decide; `python -m pipelines train policy`, then promote it"
    return Dependency(name="policies", state="degraded", why=why)


def _projector(resources: Resources) -> Dependency:
    if (late := resources.projection.late()) is not None:
        return Dependency(name="projector", state="degraded", why=late)
    return Dependency(name="projector", state="ok")
