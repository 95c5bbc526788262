"""The service as users start it, but that it gives no request up: a machine that is slow is no fault of what is tested.

Whether one is given up in time, or refused where a disk hangs, is tested where the time is known, in `test_ingest.py`
and `test_desk.py`.
"""

from functools import partial

from starlette.types import ASGIApp

from serving.service import Ahead, Kairos
from tests.waiting import PATIENCE

__all__ = ["Kairos"]


class Patient(Ahead):
    """The service, whose application waits as long as tests do."""

    __slots__ = ()

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """What BentoML's worker serves."""
        from serving import app
        from serving.decisions import desk

        desk._HANGS_SECONDS = PATIENCE
        app._PATIENT = dict.fromkeys(app._PATIENT, PATIENCE)
        app.create_app = partial(app.create_app, give_up_seconds=PATIENCE)  # type: ignore[assignment]
        return super().to_asgi(is_main)


Kairos.__class__ = Patient  # type: ignore[method-assign]
