"""Hours of the week pass only where they foresee when customers come better than what would else be asked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.not_yet import NotYet, TooLittleYet
from features.reports.finding import from_text
from models.policies.rhythm import HOURS_OF_WEEK
from models.promotion import Refused, promote
from models.published import CHAMPION, FAMILY
from models.registry import Registry
from serving.decisions import send_time as served
from training.send_time import NAME, Dated, train

BERLIN = ZoneInfo("Europe/Berlin")
END = datetime(2026, 6, 1, tzinfo=UTC)


def shop(customers: int, personal: bool, seed: int = 0) -> pa.Table:
    """Half a year of visits, twice a week; each customer at hours of their own, or all at any."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        own = int(rng.integers(24))
        for week in range(26):
            for day in rng.integers(7, size=2).tolist():
                hour = own if personal else int(rng.integers(24))
                at = END - timedelta(weeks=26) + timedelta(weeks=week, days=day, hours=hour, minutes=5)
                rows.append((f"c{number}", int(at.timestamp() * 1e6)))
    names, moments = zip(*rows, strict=True)
    return pa.table({"customer_id": list(names), "us": list(moments)})


def test_hours_of_their_own_pass_go_live_and_are_what_the_service_asks_for(registry: Registry) -> None:
    trained = train(shop(150, True), BERLIN, registry, END, np.random.default_rng(0))
    assert trained.passed
    assert trained.version.tags[FAMILY] == "send_time"
    assert trained.customers == 150
    live = promote(registry, served.MODEL, None, "ann", "it passed", END).live
    assert (live.name, live.alias) == (NAME, CHAMPION)
    served.probe(registry.load(live).model)
    again = train(shop(150, True), BERLIN, registry, END, np.random.default_rng(0))
    assert not again.passed, "the same again is no better than what is live"
    with pytest.raises(Refused, match="did not pass"):
        promote(registry, NAME, None, "ann", "try", END)


def test_pyfunc_scores_hours_as_the_service_does(registry: Registry) -> None:
    version = train(shop(100, True), BERLIN, registry, END, np.random.default_rng(0)).version
    counts = np.zeros((2, HOURS_OF_WEEK))
    counts[0, 30] = 5.0
    mlflow.set_tracking_uri(registry.uri)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/{version.number}")
    found = np.array(model.predict(pd.DataFrame({"visits": counts.tolist()}))["scores"].tolist())
    assert np.array_equal(found, registry.load(version).model.scores(counts, np.full(2, -1, np.int32)))
    assert found[0, 30] > found[1, 30]


def test_hours_that_nobody_keeps_are_refused(registry: Registry) -> None:
    trained = train(shop(150, False), BERLIN, registry, END, np.random.default_rng(0))
    assert not trained.passed
    assert "not above 0" in trained.version.tags["gate.words"]
    (said,) = from_text(trained.version.tags["gate.findings"])
    assert (said.code, said.names) == ("not_better_hours", {"opponent": "the hours of the shop"})
    assert said.figures["customers"] == trained.customers


def test_too_few_who_came_back_say_nothing(registry: Registry) -> None:
    with pytest.raises(TooLittleYet, match="at least, so ingest"):
        train(shop(20, True), BERLIN, registry, END, np.random.default_rng(0))
    new = shop(150, True)
    of_three_weeks = new.filter(pc.greater(new["us"], int((END - timedelta(weeks=3)).timestamp() * 1e6)))
    with pytest.raises(TooLittleYet):
        train(of_three_weeks, BERLIN, registry, END, np.random.default_rng(0))


@pytest.mark.parametrize("weeks", [4, 16])
def test_that_enough_came_back_once_and_no_longer_do_is_a_fault_however_long_ago(
    registry: Registry, weeks: int
) -> None:
    found = shop(150, True)
    broke = found.filter(pc.less(found["us"], int((END - timedelta(weeks=weeks)).timestamp() * 1e6)))
    with pytest.raises(ValueError, match="still come in") as told:
        train(broke, BERLIN, registry, END, np.random.default_rng(0))
    assert not isinstance(told.value, NotYet)


def test_visits_are_counted_on_the_clock_that_the_service_counts_them_on() -> None:
    times = [datetime(2026, month, 29, 22, 40, tzinfo=UTC) for month in (1, 3, 6)]
    table = pa.table({"customer_id": ["ann"] * 3, "us": [int(when.timestamp() * 1e6) for when in times]})
    for zone in (BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("America/St_Johns")):
        counts = Dated.of(table, zone).visits().counts.toarray()[0]
        assert counts.tolist() == served.visits(times, zone).tolist()


def test_the_hours_that_are_judged_were_not_learned_from() -> None:
    known = Dated.of(shop(5, True), BERLIN)
    split = (END - timedelta(weeks=4)).timestamp()
    assert known.visits(split).counts.sum() == (known.at < split).sum() < len(known.at)
