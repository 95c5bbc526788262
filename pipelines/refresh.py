"""From the log to what models and the service read: history, then features, then the online store.

Each step is safe to repeat and to interrupt; cron runs them in this order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from features.alone import HISTORY, alone
from features.assortment import described
from features.catalog import Catalog
from features.customer_restock import VIEW
from features.database import open_database
from features.history import POSITIONS_A_PART, Compaction, compact, drop, generation, position
from features.history_part import Positions, Written, write_part_from
from features.identity import Identities
from features.log import EVENTS, Log
from features.not_yet import NothingYet
from features.one_history import check_whole, one_history
from features.snapshots import Built, build
from features.store import materialize
from models.catalogue import Catalogue
from models.recommenders.base import days
from pipelines.at_work import at_work
from pipelines.database_url import reached, refuse_one_machine
from pipelines.engine import LOCAL, BucketsFailed, opened
from pipelines.settings import Settings
from pipelines.store import registered_store
from training.assortment import Assortment

Progress = Callable[[int], None]
PARTS_AT_A_TIME = 32
"""Of a compaction by tasks: what is begun anew when it is killed."""
_NO_HISTORY = "no history in {}; run `python -m pipelines ingest`, then `python -m pipelines compact` first"


@dataclass(frozen=True)
class Online:
    """What was put online: features of this many customers as of a moment, and what is foreseen of how many."""

    customers: int
    as_of: datetime
    restock_customers: int
    restock_as_of: datetime | None


def compact_history(settings: Settings, progress: Progress, anew: bool = False) -> Compaction:
    """Bring the Parquet history (and who is who) up to the end of the log; `anew` drops the history first.

    What is more than one part goes to the engine of the settings where that is not this process. Raises Taken while
    another process writes the history, on whatever machine, ConnectionError, before anything is dropped, where no
    cluster answers, ValueError for a cluster that is to read a file of SQLite, RuntimeError where tasks saw another
    database or folder than this process, or where a part failed.
    """
    refuse_one_machine(settings)
    database = open_database(settings.database_url)
    log = Log(database, EVENTS)
    identities = Identities(database)
    behind = log.last_position() - (0 if anew else position(settings.history))
    address = settings.engine if behind > POSITIONS_A_PART else LOCAL
    # the engine first: where none answers nothing is dropped, and nobody waits for the lease meanwhile
    with opened(address) as engine, alone(database, HISTORY, partial(datetime.now, UTC)) as hold:

        def step(more: int) -> None:
            hold.check()
            progress(more)

        if anew:
            identities.rebuild(log)
            drop(settings.history, hold.check)
        else:
            identities.catch_up(log)
        if address == LOCAL:
            return compact(
                log, settings.history, settings.history_buckets, step, POSITIONS_A_PART, still_alone=hold.check
            )
        url, folder = reached(settings.database_url), settings.history.resolve()
        each = partial(write_part_from, url, folder, settings.history_buckets)

        def write(ranges: Sequence[Positions]) -> list[Written]:
            try:
                return engine.map(each, ranges, lambda _done, _of: hold.check())
            except BucketsFailed as failed:
                left = position(folder)
                stands = f"ends at position {left}, since --rebuild dropped it" if anew else "stays where it was"
                raise RuntimeError(_ranges_failed(failed, ranges, stands)) from failed

        return compact(
            log, folder, settings.history_buckets, step, POSITIONS_A_PART, write, PARTS_AT_A_TIME, hold.check
        )


def _ranges_failed(failed: BucketsFailed, ranges: Sequence[Positions], stands: str) -> str:
    errors = [(one, failed.errors[one]) for one in ranges if one in failed.errors]
    told = "; ".join(f"positions {one[0]} to {one[1]}: {type(error).__name__}: {error}" for one, error in errors)
    return (
        f"{len(errors)} of {len(ranges)} parts could not be written, so the history {stands}: mend this and "
        f"compact again, which writes all {len(ranges)} anew. {told}"
    )


def build_features(settings: Settings, as_of: datetime | None, created: datetime) -> Built:
    """Compute the features of every customer and product as of `as_of`, shard by shard, on the engine of the settings.

    With None it is as of `created`, or of the moment of a build that failed on the same day, which it goes on with.
    Raises FileNotFoundError when there is no history yet, RuntimeError while it is being made, ValueError for an
    `as_of` in the future, whose table would stand before all that are built until then, Taken while another process
    builds, on whatever machine, and BucketsFailed where a shard failed: a rerun does what is missing.
    """
    reached = position(settings.history)
    check_whole(settings.history, reached)
    if not reached:
        raise NothingYet(_NO_HISTORY.format(settings.history))
    if as_of is not None and as_of > created:
        raise ValueError(f"as_of {as_of} lies in the future, it is {created}; leave it out for now")
    database = open_database(settings.database_url)
    identities = Identities(database).table()
    with at_work(database, "features") as hold, opened(settings.engine) as engine:
        return build(
            settings.history,
            identities,
            settings.feature_data,
            as_of,
            created,
            run=engine.map,
            cores=engine.cores,
            still_alone=hold.check,
        )


def materialize_features(settings: Settings, progress: Progress) -> Online:
    """Register Feast's objects; put the newest customer features online, what is foreseen too if anybody was scored."""
    store = registered_store(settings)
    done = materialize(store, progress)
    scored = any((settings.feature_data / VIEW).glob("*.parquet"))
    foreseen = materialize(store, progress, view=VIEW) if scored else None
    return Online(
        done.customers,
        done.as_of,
        restock_customers=foreseen.customers if foreseen else 0,
        restock_as_of=foreseen.as_of if foreseen else None,
    )


def assortment(settings: Settings) -> Assortment:
    """What training may learn about products; their features of the past are kept beside the others."""
    known = Catalog(open_database(settings.database_url)).changed_since(0)
    return Assortment(settings.feature_data / "training", known.products, known.added)


def catalogue(settings: Settings, as_of: datetime) -> Catalogue:
    """The products as the shop describes them, for models; of today whatever `as_of`, as it keeps no versions."""
    known = Catalog(open_database(settings.database_url)).changed_since(0)
    told = described(list(known.products), known.added, None)
    return Catalogue(days(as_of), told.item_ids, told.texts, told.numbers)


def end_of_history(settings: Settings) -> datetime:
    """The midnight (UTC) after the last event of the history: a natural `as_of` for data of the past.

    Raises FileNotFoundError when there is no history yet, and RuntimeError while it is being made, as its days come in
    the order of the log.
    """
    with one_history(settings.history, generation(settings.history)):
        check_whole(settings.history, position(settings.history))
        days = [folder.name.removeprefix("day=") for folder in settings.history.glob("day=*")]
    if not days:
        raise NothingYet(_NO_HISTORY.format(settings.history))
    return datetime.fromisoformat(max(days)).replace(tzinfo=UTC) + timedelta(days=1)
