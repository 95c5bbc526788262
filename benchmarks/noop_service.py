"""What a BentoML endpoint costs that does nothing: the constant answer that serving is measured against.

Tracing, access log and metrics are off, and its garbage collector is set as ours is: everything that is left is
BentoML's own way from a request to `@bentoml.api` and back. `bentoml serve benchmarks.noop_service:NoOp`.
"""

import gc

import bentoml
from pydantic import BaseModel


class Question(BaseModel):
    """A request as small as they come."""

    user_id: str
    limit: int = 20


class Constant(BaseModel):
    """As many ids and scores as a recommendation has."""

    ids: list[int]
    scores: list[float]


ANSWER = Constant(ids=list(range(1_000, 1_020)), scores=[place / 20 for place in range(20)])


@bentoml.service(
    name="noop",
    workers=1,
    traffic={"timeout": 5},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class NoOp:
    """One endpoint, one worker."""

    def __init__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 1_000)

    @bentoml.api(route="/noop")  # type: ignore[untyped-decorator]
    async def noop(self, question: Question, /) -> Constant:  # noqa: ARG002
        """Whatever is asked, the same answer."""
        return ANSWER
