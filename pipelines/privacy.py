"""The verbs about persons: the jobs that the service does too, done here, for when it does not run."""

import time
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from features.alone import HISTORY, alone
from features.database import open_database
from features.foreign_tables import opening
from features.identity import Identities
from features.log import EVENTS, Log
from features.privacy.jobs import Job, Kind
from features.privacy.retention import Retention, prune
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.privacy.sweep import sweep
from features.privacy.work import Places, work
from features.store import open_store
from pipelines.files import File, delivered
from pipelines.settings import Settings
from serving.privacy.kept import KeptAnswerRows
from serving.privacy.put_aside import PutAsideRecords

Clock = Callable[[], datetime]
_PAUSE = 0.5


def places(settings: Settings) -> Places:
    """Everywhere that something is held about persons."""
    engine = open_database(settings.database_url)
    with opening(engine, partial(datetime.now, UTC), feast=settings.feast_registry):
        store = open_store(settings.feature_data, settings.online_store, settings.feast_registry)
    return Places(
        engine,
        settings.history,
        settings.feature_data,
        store,
        Suppressions(engine, secret_in(settings.privacy_key)),
        (KeptAnswerRows(engine), PutAsideRecords(settings.journal)),
    )


def ask(settings: Settings, kind: Kind, user_id: str | None, anonymous_id: str | None, clock: Clock) -> dict[str, Any]:
    """Do a job about a person to its end; what it found, where. Raises ValueError when neither id is given."""
    there = places(settings)
    identities = Identities(there.engine)
    identities.catch_up(Log(there.engine, EVENTS))
    person = identities.person(user_id, anonymous_id)
    job = there.jobs.submit(kind, person, there.suppressions.hashes_of(person), clock())
    return told(finished(there, job, clock))


def finished(there: Places, job: Job, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> Job:
    """The job at its end, whoever did it; others that wait are done as well. Raises RuntimeError when it failed."""
    while True:
        moved = work(there, clock)
        found = there.jobs.find(job.id) or job
        if found.state == "done":
            return found
        if found.state == "failed":
            raise RuntimeError(f"{found.reason}; mend that, then run `python -m pipelines privacy resume`")
        if moved is None:
            sleep(_PAUSE)


def resume(settings: Settings, clock: Clock) -> dict[str, Any]:
    """Go on with everything that waits or failed."""
    there = places(settings)
    again = there.jobs.again(clock())
    steps = 0
    while work(there, clock) is not None:
        steps += 1
    return {"begun_again": again, "steps": steps}


def suppress(settings: Settings, user_id: str | None, anonymous_id: str | None, lift: bool, clock: Clock) -> int:
    """Put a person on the suppression list, or take them off; how many ids that were."""
    there = places(settings)
    person = Identities(there.engine).person(user_id, anonymous_id)
    return there.suppressions.lift(person) if lift else there.suppressions.add(person, clock())


def retain(settings: Settings, now: datetime) -> dict[str, int]:
    """Delete what is older than the settings say, and the features of people who are on the suppression list.

    Raises Taken while another process writes the history.
    """
    there = places(settings)
    keep = Retention(**{one.name: getattr(settings, f"retention_{one.name}_days") for one in fields(Retention)})
    with alone(there.engine, HISTORY, partial(datetime.now, UTC)) as hold:
        pruned = prune(there.engine, settings.history, settings.feature_data, keep, now, hold.check)
    return {**asdict(pruned), "suppressed": sweep(there)}


def told(job: Job) -> dict[str, Any]:
    """The receipt, as it is printed."""
    receipt = {"job_id": job.id, "kind": job.kind, "state": job.state, "at": job.updated_at.isoformat()}
    return {**receipt, "person": list(job.hashes), "found": dict(job.counts)}


def write_export(settings: Settings, report: dict[str, Any], out: File) -> None:
    """What an export found, into a file of its own."""
    found = places(settings).jobs.find(report["job_id"])
    if found is None or found.result is None:
        raise LookupError(f"the export {report['job_id']} is gone; ask again")
    text = msgspec.json.format(found.result.encode(), indent=2)

    def write(path: Path) -> None:
        path.write_bytes(text)

    delivered(out, write)
