"""The verb `restock score`: what every customer needs again and when, for whoever asks who is due, and as features.

Customers are scored shard by shard, where the engine of the settings says, and in a shard in buckets by a hash of
their id, so that memory does not grow with the shop. A bucket is a pure function of its lines, and how many buckets
and shards there are changes no answer; what was scored before a failure is not scored again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import Catalog
from features.customer_restock import keep_restock
from features.database import open_database
from features.history import buckets, generation, position, position_before
from features.log import microseconds
from features.not_yet import NoModelYet, NothingYet
from features.one_history import check_whole, one_history
from features.privacy.personal import identities_to_learn_from
from features.restock_table import write
from features.results import FOLDER as UNFINISHED
from features.results import begun_at, code, kept, take_back
from features.shards import Shards, prepare, size
from features.snapshots import digest
from models.published import CHAMPION, PublishedReplenishment
from models.registry import Registry
from models.time_to_event.replenishment import Replenishment
from pipelines.at_work import at_work
from pipelines.console import Tick
from pipelines.engine import opened
from pipelines.refresh import catalogue
from pipelines.score_part import CPU, DONE, PAIRS, ROWS, score_shard
from pipelines.settings import Settings

MODEL = Replenishment.name
_NO_CHAMPION = (
    "no champion to forecast with; run `python -m pipelines train replenishment`, then "
    "`python -m pipelines promote replenishment`"
)


@dataclass(frozen=True)
class Scored:
    """What `score` wrote: for how many customers, and how many forecasts of groups; rate in pairs a CPU-second."""

    model_version: str
    as_of: datetime
    customers: int
    forecasts: int
    pairs_per_cpu_second: float
    files: tuple[str, ...]


def score(settings: Settings, registry: Registry, until: datetime | None, now: datetime, progress: Tick) -> Scored:
    """Forecast everybody who bought before `until`, and keep both tables of that moment; they appear when complete.

    With None it is as of `now`, or of the moment of a scoring that failed on the same day (UTC), to go on with that.
    Raises LookupError without a champion, FileNotFoundError without a history, RuntimeError while that is being made,
    ValueError for an `until` in the future, whose tables would stand before all that are scored until then.
    """
    if until is not None and until > now:
        raise ValueError(f"{until} lies in the future, it is {now}; leave it out for now")
    history = generation(settings.history)
    reached = position(settings.history)
    check_whole(settings.history, reached)
    if not reached:
        raise NothingYet(f"no history in {settings.history}; run `python -m pipelines compact` first")
    published = champion(registry)
    database = open_database(settings.database_url)
    identities = identities_to_learn_from(database)
    laid = buckets(settings.history)
    count = size(settings.history, until or now, reached, laid)
    of = (history, reached, laid, count, until and microseconds(until), digest(identities))
    catalog, model_version = Catalog(database).changed_since(0).revision, published.version.number
    made = (*of, catalog, model_version, settings.mlflow_uri, code("features", "models", "pipelines", "training"))
    with (
        at_work(database, "score") as hold,
        kept(settings.feature_data / UNFINISHED / "score", *made) as folder,
        opened(settings.engine) as engine,
    ):
        as_of = until or begun_at(folder, now)
        groups = published.model.groups.extended(catalogue(settings, as_of))
        model = replace(published.model, groups=groups)
        shards = Shards(settings.history.resolve(), as_of, None, reached, laid, count, history, folder.resolve())
        prepare(shards, identities, engine.map, engine.cores)
        with one_history(settings.history, history):
            known = position_before(settings.history, as_of)
        engine.map(partial(score_shard, shards, model, cores=engine.cores), shards.missing(DONE), progress)
        rows = [pq.read_table(shards.path(ROWS, shard)) for shard in range(count)]
        foreseen = pa.concat_tables([pq.read_table(shards.path(DONE, shard)) for shard in range(count)])
        told = [pq.read_metadata(shards.path(DONE, shard)).metadata for shard in range(count)]
        if not len(foreseen):
            raise ValueError(f"nobody bought anything before {as_of}; there is nobody to score")
        progress(len(foreseen), len(foreseen))
        hold.check()
        table = write(settings.feature_data, as_of, known, rows)
        foreseen = foreseen.sort_by("customer_id")
        features = {name: foreseen[name].to_numpy() for name in foreseen.column_names}
        file = keep_restock(settings.feature_data, as_of, now, reached, features.pop("customer_id"), features)
        take_back(folder, table, file)
    pairs, cpu = sum(int(one[PAIRS]) for one in told), sum(float(one[CPU]) for one in told)
    rate = round(pairs / cpu, 1) if cpu else 0.0
    forecasts = sum(len(part) for part in rows)
    return Scored(published.version.number, as_of, len(foreseen), forecasts, rate, (str(table), str(file)))


def champion(registry: Registry) -> PublishedReplenishment:
    """The live replenishment model. Raises LookupError that says how to get one."""
    version = registry.alias(MODEL, CHAMPION)
    if version is None:
        raise NoModelYet(_NO_CHAMPION)
    return registry.load(version)
