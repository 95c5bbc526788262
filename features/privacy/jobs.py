"""What was asked for about persons, as a table of jobs: each is taken by one worker at a time, and ends or says why.

A job knows whom it is about only until it is done; then a keyed hash of each id stays, with what was erased where.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    Row,
    Table,
    Text,
    and_,
    delete,
    or_,
    select,
    update,
)

from features.database import metadata, writing
from features.log import microseconds, moment
from features.person import Person

Kind = Literal["export", "erase"]
State = Literal["queued", "running", "done", "failed"]

LEASE = timedelta(minutes=2)
"""So long a job belongs to who took it; whoever is killed meanwhile loses it to the next."""

PAUSE = timedelta(seconds=30)
MOST_ATTEMPTS = 20
"""After so many failures of one step, a pause apart, a job waits for a person."""

RESULTS_LAST = timedelta(days=1)
"""How long an export can be fetched: it is itself everything about somebody."""

JOBS = Table(
    "privacy_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("reason", Text),
    Column("person", Text),
    Column("hashes", Text, nullable=False),
    Column("request_id", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("counts", Text, nullable=False),
    Column("result", Text),
)
_LOCK = 7_061_776_694
_PERSON = msgspec.json.Decoder(Person)
COUNTS = msgspec.json.Decoder(dict[str, int])
HASHES = msgspec.json.Decoder(list[str])


@dataclass(frozen=True)
class Job:
    """One job. `step` is how many of its steps are done, `counts` what was found where, by the names of stores.

    `person` is None once it is done; `result` is what an export found, as JSON.
    """

    id: str
    kind: Kind
    state: State
    created_at: datetime
    updated_at: datetime
    hashes: tuple[str, ...]
    step: int = 0
    reason: str | None = None
    person: Person | None = None
    request_id: str | None = None
    attempts: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    result: str | None = None

    @property
    def whom(self) -> Person:
        """Whom it is about. Raises LookupError when that is forgotten."""
        if self.person is None:
            raise LookupError(f"job {self.id} does not know any more whom it was about")
        return self.person


def changing(engine: Engine) -> AbstractContextManager[Connection]:
    """A transaction beside which nobody else changes jobs."""
    return writing(engine, _LOCK)


class Jobs:
    """The table on `engine`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def submit(
        self, kind: Kind, person: Person, hashes: Sequence[str], now: datetime, request_id: str | None = None
    ) -> Job:
        """Write down what was asked for; once this returns it will be done."""
        job = Job(f"job_{secrets.token_hex(12)}", kind, "queued", now, now, tuple(hashes), 0, None, person, request_id)
        times = {"created_at": microseconds(now), "not_before": microseconds(now), "lease_until": 0}
        with changing(self.engine) as connection:
            connection.execute(JOBS.insert(), [{"id": job.id, "kind": kind, **times, **_values(job)}])
        return job

    def find(self, id_: str) -> Job | None:
        """The job of this id; None when there is none."""
        with self.engine.connect() as connection:
            row = connection.execute(select(JOBS).where(JOBS.c.id == id_)).one_or_none()
        return _job(row) if row is not None else None

    def take(self, now: datetime) -> Job | None:
        """The oldest job that waits, or whose worker is gone, for the caller alone as long as the lease lasts."""
        at = microseconds(now)
        waits = and_(JOBS.c.state == "queued", JOBS.c.not_before <= at)
        orphaned = and_(JOBS.c.state == "running", JOBS.c.lease_until <= at)
        oldest = select(JOBS).where(or_(waits, orphaned)).order_by(JOBS.c.created_at, JOBS.c.id).limit(1)
        with self.engine.connect() as connection:
            if connection.execute(oldest).first() is None:
                return None
        with changing(self.engine) as connection:
            row = connection.execute(oldest).one_or_none()
            if row is None:
                return None
            lease = {"state": "running", "lease_until": microseconds(now + LEASE)}
            connection.execute(update(JOBS).where(JOBS.c.id == row.id).values(**lease))
        return replace(_job(row), state="running")

    def save(self, job: Job, now: datetime) -> Job:
        """Write down how far a job has come, and go on holding it."""
        return self._write(job, now, lease_until=microseconds(now + LEASE))

    def release(self, job: Job, now: datetime, until: datetime) -> Job:
        """Put a job back, to be taken by whoever comes first from then on."""
        return self._write(replace(job, state="queued"), now, not_before=microseconds(until), lease_until=0)

    def end(self, job: Job, now: datetime, result: str | None = None) -> Job:
        """Done: who it was about is forgotten."""
        return self._write(replace(job, state="done", reason=None, person=None, result=result), now, lease_until=0)

    def fail(self, job: Job, reason: str, now: datetime) -> Job:
        """A step failed: it is tried again after a pause, until it has failed too often."""
        job = replace(job, reason=reason, attempts=job.attempts + 1)
        if job.attempts < MOST_ATTEMPTS:
            return self.release(job, now, now + PAUSE)
        return self._write(replace(job, state="failed"), now, lease_until=0)

    def again(self, now: datetime) -> int:
        """Let those that failed begin again where they stopped; returns how many."""
        fresh = {"state": "queued", "attempts": 0, "not_before": microseconds(now)}
        with changing(self.engine) as connection:
            return connection.execute(update(JOBS).where(JOBS.c.state == "failed").values(**fresh)).rowcount

    def expire(self, now: datetime) -> int:
        """Forget the results that have waited long enough; returns how many."""
        old = JOBS.c.result.is_not(None), JOBS.c.updated_at < microseconds(now - RESULTS_LAST)
        with self.engine.connect() as connection:
            if connection.execute(select(JOBS.c.id).where(*old).limit(1)).first() is None:
                return 0
        with changing(self.engine) as connection:
            return connection.execute(update(JOBS).where(*old).values(result=None)).rowcount

    def prune(self, before: datetime) -> int:
        """Delete jobs that were done before then, receipts and all; returns how many."""
        with changing(self.engine) as connection:
            old = JOBS.c.state == "done", JOBS.c.updated_at < microseconds(before)
            return connection.execute(delete(JOBS).where(*old)).rowcount

    def withdraw_results(self, hashes: Sequence[str], but: str) -> int:
        """Forget what exports found of a person, and exports that wait but one; returns how many."""
        known = set(hashes)
        with changing(self.engine) as connection:
            exports = connection.execute(select(JOBS.c.id, JOBS.c.hashes).where(JOBS.c.kind == "export"))
            theirs = [row.id for row in exports if known & set(HASHES.decode(row.hashes)) and row.id != but]
            gone = {"result": None, "person": None, "state": "done"}
            return connection.execute(update(JOBS).where(JOBS.c.id.in_(theirs)).values(**gone)).rowcount

    def _write(self, job: Job, now: datetime, **times: int) -> Job:
        job = replace(job, updated_at=now)
        with changing(self.engine) as connection:
            row = connection.execute(select(JOBS.c.counts).where(JOBS.c.id == job.id)).one_or_none()
            if row is not None:  # replicas add to it meanwhile, see `receipts.py`; no count ever falls
                told, known = COUNTS.decode(row.counts), job.counts
                job = replace(job, counts={**known, **{name: max(told[name], known.get(name, 0)) for name in told}})
            connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(**_values(job), **times))
        return job


def _values(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "step": job.step,
        "reason": job.reason,
        "person": msgspec.json.encode(job.person).decode() if job.person is not None else None,
        "hashes": msgspec.json.encode(job.hashes).decode(),
        "request_id": job.request_id,
        "updated_at": microseconds(job.updated_at),
        "attempts": job.attempts,
        "counts": msgspec.json.encode(job.counts).decode(),
        "result": job.result,
    }


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        state=row.state,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        hashes=tuple(HASHES.decode(row.hashes)),
        step=row.step,
        reason=row.reason,
        person=_PERSON.decode(row.person) if row.person is not None else None,
        request_id=row.request_id,
        attempts=row.attempts,
        counts=COUNTS.decode(row.counts),
        result=row.result,
    )
