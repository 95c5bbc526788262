"""The BentoML service around the application: process model, probes, packaging. `bentoml serve serving.service:Kairos`.

BentoML's own tracing, access log and metrics stay off: tracing costs 70 % of its overhead without an exporter, and the
other two are labelled with raw paths. Its timeout leaves a timer for each request, so it is no longer than a batch may
take; ours are shorter.
"""

import gc

import bentoml
from starlette.exceptions import HTTPException

from serving.app import create_app
from serving.operations import not_ready
from serving.problems import KINDS

app = create_app()


@bentoml.service(
    name="kairos",
    workers=1,
    traffic={"timeout": 30},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
@bentoml.asgi_app(app, path="/")
class Kairos:
    """One worker: state lives in the stores, so more throughput is more replicas."""

    def __init__(self) -> None:
        # full collections over everything that was imported: p99 of 124 to 183 ms with them, 17 to 19 ms without
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 1_000)

    async def __is_ready__(self) -> bool:
        """Ready is who can recommend. The way out goes into BentoML's answer, which else says only that it is not."""
        if reason := not_ready(app.state.resources):
            raise HTTPException(503, reason, {"Retry-After": str(KINDS["model_unavailable"].retry_after)})
        return True
