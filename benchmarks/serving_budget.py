"""Where the CPU of one recommendation goes, stage by stage, and what each stage cost by the way it was done before.

    python -m benchmarks.serving FOLDER             # builds the shop below FOLDER
    python -m benchmarks.serving_budget FOLDER

CPU time of one thread, the fastest of several sweeps over the same households, so that a busy machine shows little.
Writes the table into `docs/serving.md`.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import text

from benchmarks import serving_world
from benchmarks.claim import ROOT, machine, replace_section
from features.catalog import Catalog
from features.database import open_database
from features.definitions import RECOMMENDER_FEATURES
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, microseconds
from features.online_rows import rows_of
from features.snapshots import product_table
from features.store import open_store, read_customers
from models.recommenders.base import days
from models.recommenders.own_history import OwnHistory
from models.recommenders.ranker_features import matrix
from models.registry import Registry
from serving.answers import answered
from serving.bundle import Bundle, Shelf
from serving.placements import DEFAULT
from serving.rules.allow import allow
from serving.rules.page import Page
from serving.rules.rules import Rules
from serving.schemas import RecommendationRequest
from serving.visitor import Visitor

PAGE = ROOT.parent / "docs/serving.md"
_SWEEPS = 5
_TOGETHER = 16

Stage = tuple[str, float | None, float]


def cost(function: Callable[[Any], object], each: Sequence[Any]) -> float:
    """CPU microseconds a call of `function`, the fastest of several sweeps over `each`.

    Each sweep asks anew, with copies, as a service hardly sees the same request twice: what is remembered is no gain.
    """
    sweeps = []
    for _ in range(_SWEEPS):
        asked = deepcopy(each)
        began = time.thread_time()
        for one in asked:
            function(one)
        sweeps.append((time.thread_time() - began) / len(each) * 1e6)
    return min(sweeps)


def reading(folder: Path, users: Sequence[str], now: datetime) -> list[Stage]:
    """What is read about a visitor."""
    settings = serving_world.settings_of(folder)
    engine = open_database(settings.database_url)
    identities, log = Identities(engine), Log(engine, EVENTS)
    store = open_store(settings.feature_data, settings.online_store)
    online, features = rows_of(store), RECOMMENDER_FEATURES
    groups = [users[start : start + _TOGETHER] for start in range(0, len(users), _TOGETHER)]
    sdk = cost(lambda user: read_customers(store, [user], features, now), users[:60])
    direct = cost(lambda some: read_customers(store, some, features, now, online=online), groups) / _TOGETHER
    last = log.last_position()

    def tail(user: str) -> None:
        log.of_person((user,), (), last, 500, now)

    with_index = cost(tail, users)
    return [
        ("who is who", None, cost(lambda user: identities.person(user, None), users)),
        ("row of the feature store", sdk, direct),
        ("latest events of the log", _without_index(engine, last, users), with_index),
    ]


def _without_index(engine: Any, last: int, users: Sequence[str]) -> float:
    """The statement of `Log.of_person` where the index does not hold the time: every row of the person is looked at."""
    query = text(
        "select * from event where user_id = :user "
        "and (position > :last or +received_at > :late) order by position desc limit 500"
    )
    with engine.connect() as connection:
        return cost(lambda user: connection.execute(query, {"user": user, "last": last, "late": 2**62}).all(), users)


def choosing(folder: Path, candidates: int, visitors: Sequence[Visitor], now: datetime) -> list[Stage]:
    """From a visitor to JSON."""
    settings = serving_world.settings_of(folder)
    registry = Registry(settings.mlflow_uri, settings.mlflow_artifacts)
    number = str(1 + list(serving_world.DEPTHS).index(candidates))
    published = registry.load(registry.version(serving_world.NAME, number))
    shelf = Shelf().following(Catalog(open_database(settings.database_url)).changed_since(0))
    bundle = Bundle.assembled(published, shelf, product_table(settings.feature_data), days(now))
    model: Any = bundle.members["main"]
    day = days(now)
    queries = [visitor.query(day) for visitor in visitors]
    said = [model._said(query) for query in queries[:40]]
    mask = allow(Rules(), Page(day), bundle.columns)
    found = [model._candidates(scores, mask) for scores in said]
    rows = [
        matrix(codes, scores, OwnHistory.of(query, model.vocabulary.codes(query.history_ids)), model.facts)
        for codes, scores, query in zip(found, said, queries, strict=False)
    ]
    request = RecommendationRequest.model_validate({"subject": {"user_id": "1"}})
    whole = cost(lambda one: answered(bundle, DEFAULT["home"], [request], [one], now), visitors)
    made = [answered(bundle, DEFAULT["home"], [request], [one], now)[0].answer for one in visitors[:40]]
    ranked = cost(lambda query: model.recommend([query], 10, mask), queries)
    trees = cost(model.booster.scores, rows)
    scored = cost(model._said, queries)
    typer.echo(f"{sum(map(len, found)) / len(found):.0f} candidates on average")
    return [
        ("scores of 20,000 products from the history", None, scored),
        ("columns of the ranker", None, ranked - trees - scored),
        ("LightGBM", None, trees),
        ("rules, reasons, answer, record", None, whole - ranked),
        ("JSON", None, cost(lambda answer: answer.model_dump_json(), made)),
    ]


def logging(folder: Path, visitors: Sequence[Visitor], now: datetime) -> Stage:
    """The commit of what was shown, alone and shared; into a database of its own in the same folder."""
    path = folder / "budget.db"
    path.unlink(missing_ok=True)
    log = Log(open_database(f"sqlite:///{path}"), DECISIONS)

    def record(_: object) -> Record:
        at = microseconds(now)
        return Record(uuid.uuid4().hex, "recommendation", at, at, "u1", None, "x" * 1_500)

    alone = cost(lambda one: log.append([record(one)]), visitors[:40])
    together = cost(lambda _: log.append([record(None) for _ in range(_TOGETHER)]), visitors[:20]) / _TOGETHER
    path.unlink()
    return "commit of what was shown", alone, together


def main(
    folder: Annotated[Path, typer.Argument(help="where the shop is")],
    candidates: Annotated[int, typer.Option(help="how many are ranked, 50 or 200")] = 50,
    count: Annotated[int, typer.Option(help="households")] = 160,
) -> None:
    """Measure, print, write."""
    folder, now = folder.resolve(), datetime.now(UTC)
    users = serving_world.customers(folder)[:count]
    settings = serving_world.settings_of(folder)
    rows = read_customers(open_store(settings.feature_data, settings.online_store), users, RECOMMENDER_FEATURES, now)
    histories = [
        Visitor(*(row.values[name] for name in ("history_ids", "history_days", "history_weights")))
        for row in rows
        if row is not None
    ]
    body = b'{"subject": {"user_id": "u1"}, "placement": "home", "limit": 10}'
    stages: list[Stage] = [
        ("reading and checking the request", None, cost(RecommendationRequest.model_validate_json, [body] * 500)),
        *reading(folder, users, now),
        *choosing(folder, candidates, histories, now),
        logging(folder, histories, now),
    ]
    lines = ["| stage | before, us | now, us |", "|---|---|---|"]
    lines += [
        f"| {name} | {'' if before is None else f'{before:,.0f}'} | {now_:,.0f} |" for name, before, now_ in stages
    ]
    lines += [f"| sum | | {sum(now_ for _, _, now_ in stages):,.0f} |", "", f"{candidates} candidates; {machine()}."]
    table = "\n".join(lines)
    typer.echo(table)
    replace_section(PAGE, "budget", table)


if __name__ == "__main__":
    typer.run(main)
