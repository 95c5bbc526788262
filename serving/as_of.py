"""Before which moment everything is known that a request is answered with: now, or an `as_of` of the past."""

from datetime import UTC, datetime, timedelta

from serving.problems import InvalidField, Refused
from serving.resources import Resources

_INSTANT = timedelta(microseconds=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""No event is older, so an older `as_of` knows no less; there are hardly dates before those of the year 1."""


def moment_of(resources: Resources, as_of: datetime | None) -> datetime:
    """Before which moment everything is known: what happens right now counts, or whatever was before `as_of`.

    Raises `Refused` for an `as_of` where no setting allows it, and for one in the future.
    """
    now = resources.clock() + _INSTANT
    if as_of is None:
        return now
    if not resources.settings.allow_as_of:
        detail = "as_of is for simulation and replay; start the service with KAIROS_ALLOW_AS_OF=true to use it"
    elif as_of > now:
        detail = f"as_of lies in the future; nothing is known after {now.isoformat(timespec='seconds')}"
    else:
        return max(as_of, _EARLIEST)
    raise Refused("validation_error", detail, [InvalidField(pointer="/as_of", code="not_allowed", detail=detail)])
