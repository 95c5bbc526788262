"""Doing what a job asks for, step by step: whoever is killed in the middle of one does it again, and nothing is lost.

An erasure begins with the suppression list and waits until every worker knows it, so that nothing new arrives behind
it; then come the stores, those first that others are made from. Last it looks again everywhere: what was being computed
while it worked may have brought something back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from feast import FeatureStore
from sqlalchemy import Engine

from features.alone import HISTORY, Taken, alone
from features.person import Person
from features.privacy.base import Store
from features.privacy.events import EventRows
from features.privacy.jobs import Job, Jobs
from features.privacy.online import OnlineRows
from features.privacy.parquet import HistoryFiles, customer_files
from features.privacy.projections import carts, links, words
from features.privacy.residue import settle
from features.privacy.suppression import Suppressions
from features.privacy.tombstones import DecisionRows

Clock = Callable[[], datetime]

KNOWN_EVERYWHERE = timedelta(seconds=5)
"""After so long every worker has read the suppression list anew, and what it had accepted before is on disk."""


@dataclass(frozen=True)
class Places:
    """Everywhere that something is held about persons. `more` are stores of the floors above."""

    engine: Engine
    history: Path
    feature_data: Path
    online: FeatureStore
    suppressions: Suppressions
    more: Sequence[Store] = ()
    wait: timedelta = KNOWN_EVERYWHERE

    def stores(self, as_of: datetime) -> list[Store]:
        """In the order in which they are erased.

        Decisions need the events, which all others are made from; the online store needs to know who shared a device.
        """
        return [
            DecisionRows(self.engine, as_of),
            EventRows(self.engine),
            OnlineRows(self.online, self.engine),
            links(self.engine),
            carts(self.engine),
            words(self.engine),
            *self.more,
            HistoryFiles(self.history),
            *customer_files(self.feature_data),
        ]

    @property
    def jobs(self) -> Jobs:
        """What is to be done."""
        return Jobs(self.engine)


def work(places: Places, clock: Clock) -> Job | None:
    """Take one job and do the next step of it; None when none waits. An error ends in the job's `reason`."""
    places.jobs.expire(clock())
    job = places.jobs.take(clock())
    if job is None:
        return None
    try:
        if job.kind == "export":
            return places.jobs.end(job, clock(), export(places, job.whom, clock()))
        return _erase(places, job, clock)
    except Exception as error:  # whatever a store raises, the job says so and is tried again
        return places.jobs.fail(places.jobs.find(job.id) or job, _words(error), clock())


def export(places: Places, person: Person, now: datetime) -> str:
    """Everything that is held about a person, by store, as JSON."""
    found = {store.name: list(store.held(person)) for store in places.stores(now)}
    ids = {"user_ids": person.user_ids, "anonymous_ids": person.anonymous_ids}
    listed = {"suppressed": places.suppressions.has_any(person)}
    return msgspec.json.encode({"as_of": now, **ids, **listed, "held": found}).decode()


def steps(places: Places, now: datetime) -> list[str]:
    """The steps of an erasure by their names."""
    return ["suppress", *(store.name for store in places.stores(now)), "exports", "look again", "files"]


def _erase(places: Places, job: Job, clock: Clock) -> Job:
    jobs, stores = places.jobs, {store.name: store for store in places.stores(clock())}
    name = steps(places, clock())[job.step]
    wait = timedelta(0)
    if name == "files":
        job = jobs.save(replace(job, person=None), clock())  # whom it is about stands in the files as well
        settle(places.engine)
        return jobs.end(job, clock())
    if name == "suppress":
        places.suppressions.add(job.whom, clock())
        wait = places.wait
    elif name == "exports":
        jobs.withdraw_results(job.hashes, job.id)
    elif name == "look again":
        for store in stores.values():
            if any(True for _ in store.held(job.whom)):
                _erase_in(places, store, job.whom, clock)
    else:
        if name not in job.counts:  # counted before, or who is killed half-way would not know any more
            counts = {**job.counts, name: sum(1 for _ in stores[name].held(job.whom))}
            job = jobs.save(replace(job, counts=counts), clock())
        _erase_in(places, stores[name], job.whom, clock)
    return jobs.release(replace(job, step=job.step + 1, attempts=0, reason=None), clock(), clock() + wait)


def _erase_in(places: Places, store: Store, person: Person, clock: Clock) -> None:
    if store.name != HistoryFiles.name:
        store.erase(person)
        return
    with alone(places.engine, HISTORY, clock) as hold:
        HistoryFiles(places.history, hold.check).erase(person)


def _words(error: Exception) -> str:
    """What may be read by anybody: messages of others may hold ids, ours name the way out."""
    ours = type(error) in (RuntimeError, Taken, TimeoutError, LookupError)
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__
