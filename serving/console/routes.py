"""Every route of the console: the frame's own, and one router a page."""

from serving.console import (
    files,
    funnel,
    integration,
    models,
    overview,
    recovery,
    restock,
    restock_day,
    segments,
    send_times,
    sign_in,
    uplift,
    visitor,
)

ROUTERS = (
    files.router,
    sign_in.router,
    overview.router,
    visitor.router,
    restock.router,
    restock_day.router,
    integration.router,
    models.router,
    recovery.router,
    uplift.router,
    funnel.router,
    send_times.router,
    segments.router,
)
