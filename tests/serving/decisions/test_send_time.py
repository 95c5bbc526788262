"""Hours of the week: the slots that are offered follow the hours in which a customer is there."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from models.arrays import Floats
from models.policies.hour_of_week import FittedHourOfWeek, HourOfWeek
from models.policies.rhythm import Visits
from serving.decisions import send_time
from tests.serving.decisions.world import ask, logged
from tests.serving.world import NOW, Shop

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def model() -> FittedHourOfWeek:
    """Hours of a shop whose customers each have one hour of the day of their own."""
    rng = np.random.default_rng(7)
    customers = np.repeat(np.arange(200, dtype=np.int32), 14)
    own = np.repeat(rng.integers(0, 24, 200), 14)
    hours = (24 * np.tile(np.arange(14) % 7, 200) + own) % 168
    return HourOfWeek().fit(Visits(customers, hours.astype(np.int32), np.zeros(200, np.int32)))


def test_an_hour_of_a_day_is_one_visit() -> None:
    times = [NOW, NOW + timedelta(minutes=30), NOW + timedelta(hours=1), NOW + timedelta(days=7)]
    counts = send_time.visits(times, BERLIN)
    assert (counts[24 * 5 + 13], counts[24 * 5 + 14], counts.sum()) == (2, 1, 3)


def test_slots_follow_the_hours_of_the_customer(
    decider: Shop, model: FittedHourOfWeek, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decider.resources.policies, "hours", model)
    for day in range(1, 25):
        at = (NOW - timedelta(days=day)).replace(hour=15)  # four in the afternoon in Berlin
        decider.track("Page", {}, userId="afternoon", messageId=f"a-{day}", timestamp=at.isoformat())
        viewed = {"product_id": "tea"}
        decider.track("Product Viewed", viewed, userId="afternoon", messageId=f"v-{day}", timestamp=at.isoformat())
    options = logged(decider, ask(decider, "afternoon")["decision_id"]).options[1:]
    best = max(options, key=lambda option: option.slot_score)
    assert best.hour == "15-18"
    assert best.slot_score > 0.5
    assert len({option.slot_score for option in options}) > 3
    stranger = logged(decider, ask(decider, "stranger")["decision_id"]).options[1:]
    assert max(option.slot_score for option in stranger) < best.slot_score


def test_what_cannot_tell_the_hours_does_not_go_live(model: FittedHourOfWeek) -> None:
    send_time.probe(model)

    class Silent:
        name = "silent"

        def scores(self, counts: Floats, segments: object) -> Floats:
            return np.full((1, 168), np.nan)

    with pytest.raises(ValueError, match="168 finite"):
        send_time.probe(Silent())  # type: ignore[arg-type]
