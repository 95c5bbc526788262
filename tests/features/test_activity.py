"""The tallies say what the log says, whoever counts, however often and in whatever steps."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text

from features import activity
from features.activity import MADE, SKEWS, Activity
from features.catalog import Catalog, Product
from features.events import Body, Event, Line
from features.log import DECISIONS, EVENTS, Log, Record, to_record
from features.told_channels import GRANTED, WITHDRAWN

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def event(
    number: int, kind: str = "product_viewed", late: timedelta = timedelta(), hours: int = 0, *items: str
) -> Record:
    """One event that came `hours` after noon, `late` after it happened."""
    received = NOW + timedelta(hours=hours)
    body = Body(lines=tuple(Line(product_id=item) for item in items))
    return to_record(
        Event(
            message_id=str(number), type=kind, occurred_at=received - late, received_at=received, user_id="u", body=body
        )
    )


def everything(found: Activity) -> None:
    while found.step():
        pass


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


def test_the_clock_of_an_event_falls_into_one_bucket(engine: Engine) -> None:
    minute = timedelta(minutes=1)
    cases = {
        "ahead": [-2 * minute, -minute - timedelta(microseconds=1)],
        "at_once": [timedelta(), minute, -minute],
        "within_hour": [minute + timedelta(microseconds=1), timedelta(hours=1)],
        "within_day": [timedelta(hours=2), timedelta(days=1)],
        "older": [timedelta(days=1, microseconds=1), timedelta(days=900)],
    }
    late = [one for lates in cases.values() for one in lates]
    Log(engine, EVENTS).append([event(number, late=one) for number, one in enumerate(late)])
    found = Activity(engine)
    everything(found)
    (tally,) = found.types("event")
    assert dict(zip(SKEWS, tally.skews, strict=True)) == {name: len(lates) for name, lates in cases.items()}


def test_lines_are_looked_up_in_the_catalogue_and_the_unknown_are_named_until_they_are_known(engine: Engine) -> None:
    catalog, found = Catalog(engine), Activity(engine)
    catalog.upsert([Product(product_id="tea")], NOW)
    lines = [("tea", "ghost"), ("ghost", "шар"), ()]
    Log(engine, EVENTS).append([event(n, "product_viewed", timedelta(), 0, *ids) for n, ids in enumerate(lines)])
    everything(found)
    (tally,) = found.types("event")
    assert (tally.known_lines, tally.unknown_lines) == (1, 3)
    assert [(item.product_id, item.lines) for item in found.unknown_items(9)] == [("ghost", 2), ("шар", 1)]
    catalog.upsert([Product(product_id="ghost")], NOW)
    assert [item.product_id for item in found.unknown_items(9)] == ["шар"]


def test_made_customers_are_counted_apart_too_and_what_they_name_is_not_looked_up(engine: Engine) -> None:
    made = [replace(event(n, "product_viewed", timedelta(), 0, "thing"), user_id=f"simulated-{n}") for n in range(3)]
    visitor = replace(event(7, "product_viewed", timedelta(), 0, "ghost"), user_id=None, anonymous_id="simulated-7")
    Log(engine, EVENTS).append([*made, visitor])
    found = Activity(engine)
    everything(found)
    (all_,), (apart,) = found.types("event"), found.hours(MADE, NOW)
    assert (all_.count, apart.count, apart.type) == (4, 3, "product_viewed")
    assert (all_.known_lines, all_.unknown_lines, apart.unknown_lines) == (0, 1, 0)
    assert [item.product_id for item in found.unknown_items(9)] == ["ghost"]


def test_made_up_ids_do_not_fill_the_table(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "_UNKNOWN_KEPT", 5)
    often = [event(1_000 + n, "product_viewed", timedelta(), 0, "often") for n in range(3)]
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append(often)
    everything(found)
    log.append([event(n, "product_viewed", timedelta(), 0, f"x{n}") for n in range(40)])
    everything(found)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM unknown_item")).scalar() == 5
    assert found.unknown_items(1)[0].product_id == "often"


def word(number: int, channel: str | None, kind: str = "consent_changed", **said: str) -> Record:
    at = NOW + timedelta(hours=number)
    body = Body(channel=channel, **said)
    told = Event(message_id=f"word-{number}", type=kind, occurred_at=at, received_at=at, user_id="u", body=body)
    return to_record(told)


def words_by_channel(found: Activity) -> dict[str, dict[str, int]]:
    return {log: {tally.type: tally.count for tally in found.types(log)} for log in (WITHDRAWN, GRANTED)}


def test_words_about_consent_are_counted_by_the_channel_that_they_name_once_in_whatever_steps(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_AT_ONCE", 3)
    no, yes, known = {"consent": "withdrawn"}, {"consent": "granted"}, {"purpose": "personalization"}
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append(
        [
            word(1, "emial", **no),
            word(2, "emial", purpose="carts", **no),
            word(3, "emial", **yes),
            word(4, "почта", "unsubscribed"),
            word(5, None, "unsubscribed"),
            word(6, "sms", "message_marked_as_spam"),
            word(7, "sms", "message_sent"),
            word(8, "web", **no, **known),
        ]
    )
    everything(found)
    everything(Activity(engine))
    assert words_by_channel(found) == {WITHDRAWN: {"emial": 2, "почта": 1, "sms": 1}, GRANTED: {"emial": 1}}
    log.append([word(9, "emial", **no)])
    everything(found)
    (tally,) = [tally for tally in found.types(WITHDRAWN) if tally.type == "emial"]
    assert (tally.count, tally.received_at) == (3, NOW + timedelta(hours=9))


def test_words_are_counted_from_the_beginning_of_a_log_that_was_counted_before(engine: Engine) -> None:
    """By a version that knew nothing of channels."""
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(1, "emial", consent="withdrawn")])
    everything(found)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM activity WHERE log <> 'event'"))
        connection.execute(text("DELETE FROM projection WHERE \"name\" LIKE '%by channel'"))
    everything(found)
    assert words_by_channel(found)[WITHDRAWN] == {"emial": 1}
    assert [tally.count for tally in found.types("event")] == [1]


def test_made_up_channels_do_not_fill_the_table(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "KEPT", 5)
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(n, "often" if n < 3 else f"x{n}", consent="withdrawn") for n in range(40)])
    everything(found)
    assert len(found.types(WITHDRAWN)) == 5
    assert words_by_channel(found)[WITHDRAWN]["often"] == 3


def test_made_up_channels_do_not_take_the_place_of_one_that_somebody_mistyped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "KEPT", 5)
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(0, "emial", consent="withdrawn")])
    everything(found)
    for step in range(1, 4):
        log.append([word(step * 100 + n, f"a{step}-{n}", consent="withdrawn") for n in range(20)])
        everything(found)
    assert words_by_channel(found)[WITHDRAWN]["emial"] == 1


def test_a_channel_of_one_word_is_found_among_those_of_every_hour_with_all_their_words(engine: Engine) -> None:
    hours = range(200)
    words = [
        word(hour, channel, consent=consent)
        for hour in hours
        for channel in ("email", "sms", "push")
        for consent in ("granted", "withdrawn")
    ]
    words.append(word(100, "emial", consent="withdrawn"))
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([replace(one, key=str(number)) for number, one in enumerate(words)])
    everything(found)
    each = dict.fromkeys(("email", "sms", "push"), len(hours))
    assert words_by_channel(found) == {WITHDRAWN: {**each, "emial": 1}, GRANTED: each}


def test_the_longest_name_of_a_channel_is_counted_and_cut(engine: Engine) -> None:
    """Of signs that cannot be compressed, of which PostgreSQL takes no more than 900 into a key."""
    signs = "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x9FFF, 1_024)))
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(1, signs, "unsubscribed"), word(2, "emial", "unsubscribed"), word(3, signs[:100], "unsubscribed")])
    everything(found)
    assert words_by_channel(found)[WITHDRAWN] == {f"{signs[:100]}…": 1, signs[:100]: 1, "emial": 1}
    assert not found.step()


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
    assert (found.types("event"), found.hours("decision", NOW), found.unknown_items(5), found.behind()) == (
        [],
        [],
        [],
        0,
    )
