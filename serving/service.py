"""The BentoML service around the application: process model, probes, packaging. `bentoml serve serving.service:Kairos`.

BentoML's own tracing, access log and metrics stay off: ours hold no raw path. No request waits for its timeout.
"""

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.logs import write_json_lines
from serving.pauses import keep_what_is_there
from serving.settings import Settings


@bentoml.service(
    name="kairos",
    workers=1,
    traffic={"timeout": 30},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Kairos:
    """One worker: state lives in the stores, so more throughput is more replicas."""

    def __init__(self) -> None:
        write_json_lines(Settings().log_level)
        keep_what_is_there()


class Ahead(bentoml.Service):  # type: ignore[misc]
    """The service whose worker answers every request with our application, ahead of BentoML's middleware.

    That middleware costs some 40 µs a request without tracing, log and metrics (`benchmarks/serving_layers.py`), and
    leaves a timer for each. Start and end stay BentoML's, and so do workers and packaging.
    """

    __slots__ = ()

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """What BentoML's worker serves. Made here, as the process that only starts and watches workers needs none."""
        from serving.app import create_app  # noqa: PLC0415  # eleven seconds of CPU, half a gigabyte

        app = create_app()
        self.mount_asgi_app(app, path="/")
        theirs = super().to_asgi(is_main)

        async def ahead(scope: Scope, receive: Receive, send: Send) -> None:
            await (theirs if scope["type"] == "lifespan" else app)(scope, receive, send)

        return ahead


Kairos.__class__ = Ahead  # type: ignore[method-assign]  # BentoML's decorator names its own class
