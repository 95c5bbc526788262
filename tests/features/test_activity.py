"""The tallies say what the log says, whoever counts, however often and in whatever steps."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from features import activity
from features.activity import MADE, Activity
from features.log import DECISIONS, EVENTS, Log, Record
from features.unknown_items import unknown_items
from tests.features.counted import NOW, event, everything


def test_every_event_is_counted_once_by_hour_and_type_in_whatever_steps(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_AT_ONCE", 7)
    kinds = ("product_viewed", "order_completed", "cart_viewed")
    records = [event(number, kinds[number % 3], timedelta(), number // 10) for number in range(50)]
    log, found = Log(engine, EVENTS), Activity(engine)
    for first in range(0, 50, 20):
        log.append(records[first : first + 20])
        everything(found)
        everything(Activity(engine))
    told = Counter({(tally.hour, tally.type): tally.count for tally in found.hours("event", NOW)})
    hour = NOW.replace(minute=0)
    truth = Counter((hour + timedelta(hours=number // 10), kinds[number % 3]) for number in range(50))
    assert told == truth
    assert found.behind() == 0
    assert {tally.type: tally.count for tally in found.types("event")} == Counter(kinds[n % 3] for n in range(50))
    assert max(tally.received_at for tally in found.types("event")) == NOW + timedelta(hours=4)


def test_made_customers_are_counted_apart_too_and_what_they_name_is_not_looked_up(engine: Engine) -> None:
    made = [replace(event(n, "product_viewed", timedelta(), 0, "thing"), user_id=f"simulated-{n}") for n in range(3)]
    visitor = replace(event(7, "product_viewed", timedelta(), 0, "ghost"), user_id=None, anonymous_id="simulated-7")
    Log(engine, EVENTS).append([*made, visitor])
    found = Activity(engine)
    everything(found)
    (all_,), (apart,) = found.types("event"), found.hours(MADE, NOW)
    assert (all_.count, apart.count, apart.type) == (4, 3, "product_viewed")
    assert (all_.known_lines, all_.unknown_lines, apart.unknown_lines) == (0, 1, 0)
    assert [item.product_id for item in unknown_items(found.engine, 9)] == ["ghost"]


def test_no_id_of_a_person_gets_into_a_tally(engine: Engine) -> None:
    record = Record("m1", "product_viewed", 0, 0, "secret-person", "secret-device", '{"query":"secret-words"}')
    Log(engine, EVENTS).append([record])
    Log(engine, DECISIONS).append([record])
    found = Activity(engine)
    everything(found)
    with engine.connect() as connection:
        kept = [
            str(row)
            for name in ("activity", "unknown_item")
            for row in connection.execute(text(f"SELECT * FROM {name}"))
        ]
    assert len(kept) == 2
    assert "secret" not in "".join(kept)


def test_a_shop_without_anything_has_nothing(engine: Engine) -> None:
    found = Activity(engine)
    assert found.step() is False
    assert (found.types("event"), found.hours("decision", NOW), unknown_items(found.engine, 5), found.behind()) == (
        [],
        [],
        [],
        0,
    )
