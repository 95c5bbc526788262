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

import numpy as np
import typer

from benchmarks import serving_world
from benchmarks.claim import ROOT, machine, replace_section
from features.catalog import Catalog
from features.database import open_database
from features.definitions import RECOMMENDER_FEATURES
from features.identity import Identities
from features.log import DECISIONS, EVENTS, Log, Record, microseconds
from features.online_rows import rows_of
from features.person import Person
from features.snapshots import product_table
from features.stirred import stirred
from features.store import open_store, read_customers
from models.arrays import Mask
from models.recommenders.base import Query, days
from models.recommenders.candidates import Candidates
from models.recommenders.own_history import OwnHistories
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

    who = cost(lambda some: identities.people([(user, None) for user in some]), groups) * len(groups) / len(users)
    people = [[Person(user, (user,), ()) for user in some] for some in groups]
    news = cost(lambda some: stirred(log, some, last, now), people) * len(groups) / len(users)
    return [
        ("who is who", cost(lambda user: identities.person(user, None), users), who),
        ("row of the feature store", sdk, direct),
        ("latest events of the log, of whom there are none", cost(tail, users), news),
    ]


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
    mask = allow(Rules(), Page(day), bundle.columns)
    queries = [visitor.query(day) for visitor in visitors]
    alone, together = ranking(model, queries, mask, 1), ranking(model, queries, mask, _TOGETHER)
    request = RecommendationRequest.model_validate({"subject": {"user_id": "1"}})
    home = DEFAULT["home"]
    groups = [visitors[start : start + _TOGETHER] for start in range(0, len(visitors), _TOGETHER)]
    single = cost(lambda one: answered(bundle, home, [request], [one], now), visitors)
    whole = cost(lambda some: answered(bundle, home, [request] * len(some), some, now), groups)
    whole *= len(groups) / len(visitors)
    made = [one.answer for one in answered(bundle, home, [request] * 40, visitors[:40], now)]
    return [
        *((name, alone[name], together[name]) for name in alone),
        ("rules, reasons, answer, record", single - sum(alone.values()), whole - sum(together.values())),
        ("JSON", None, cost(lambda answer: answer.json(), made)),
    ]


def ranking(model: Any, queries: Sequence[Query], mask: Mask, size: int) -> dict[str, float]:
    """What the ranker's answers cost a query, stage by stage, when `size` queries are asked at once."""
    groups = [queries[start : start + size] for start in range(0, len(queries), size)]
    sweeps = []
    for _ in range(_SWEEPS):
        spent = np.zeros(4)
        for some in deepcopy(groups):
            times = [time.thread_time()]
            histories: OwnHistories = model._histories(some)
            times.append(time.thread_time())
            candidates = Candidates.of(some, model.voices, model._depths, mask, len(model.item_ids))
            times.append(time.thread_time())
            model.columns.blocks(candidates, histories)
            times.append(time.thread_time())
            model.ranker.odds(candidates, histories)
            times.append(time.thread_time())
            spent += np.diff(times)
        sweeps.append(spent / len(queries) * 1e6)
    histories_, scored, columns, odds = np.min(sweeps, axis=0).tolist()
    whole = cost(lambda some: model.recommend(some, 10, mask), groups) / size
    return {
        "codes of the history, and what it shows": histories_,
        "scores of 20,000 products, and their best": scored,
        "columns of the ranker": columns,
        "trees of LightGBM, by masks": odds - columns,
        "order of the candidates": max(whole - histories_ - scored - odds, 0.0),
    }


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
