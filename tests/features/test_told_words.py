"""Words about consent are counted by the channel and the purpose that they name, once; made-up names fill no table."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy import event as sqlalchemy_event

from features import activity, told_words
from features.activity import Activity
from features.events import Body, Event
from features.log import EVENTS, Log, Record, to_record
from features.offsets import offset
from features.told_words import CHANNELS, PURPOSES, Named
from tests.features.counted import NOW, everything


def word(number: int, channel: str | None, kind: str = "consent_changed", **said: str) -> Record:
    at = NOW + timedelta(hours=number)
    body = Body(channel=channel, **said)
    told = Event(message_id=f"word-{number}", type=kind, occurred_at=at, received_at=at, user_id="u", body=body)
    return to_record(told)


def words_by_channel(found: Activity, named: Named = CHANNELS) -> dict[str, dict[str, int]]:
    return {log: {tally.type: tally.count for tally in found.types(log)} for log in (named.withdrawn, named.granted)}


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
    assert words_by_channel(found) == {
        CHANNELS.withdrawn: {"emial": 2, "почта": 1, "sms": 1},
        CHANNELS.granted: {"emial": 1},
    }
    log.append([word(9, "emial", **no)])
    everything(found)
    (tally,) = [tally for tally in found.types(CHANNELS.withdrawn) if tally.type == "emial"]
    assert (tally.count, tally.received_at) == (3, NOW + timedelta(hours=9))


def test_words_are_counted_from_the_beginning_of_a_log_that_was_counted_before(engine: Engine) -> None:
    """By a version that knew nothing of channels, nor of purposes."""
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(1, "emial", purpose="markteing", consent="withdrawn")])
    everything(found)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM activity WHERE log <> 'event'"))
        connection.execute(text("DELETE FROM projection WHERE \"name\" LIKE '% by %'"))
    everything(found)
    assert words_by_channel(found)[CHANNELS.withdrawn] == {"emial": 1}
    assert [tally.count for tally in found.types("event")] == [1]
    assert words_by_channel(found, PURPOSES)[PURPOSES.withdrawn] == {"markteing": 1}


@pytest.mark.parametrize("late", [CHANNELS, PURPOSES])
@pytest.mark.parametrize("counted", [0, 1, 4])
def test_marks_that_are_apart_meet_and_no_word_is_counted_twice(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, late: Named, counted: int
) -> None:
    """As where a version that knew channels alone counted so many, or two versions by turns."""
    monkeypatch.setattr(activity, "_AT_ONCE", 3)
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(n, "emial", purpose="markteing", consent="withdrawn") for n in range(counted)])
    everything(found)
    log.append([word(n, "emial", purpose="markteing", consent="withdrawn") for n in range(counted, 8)])
    with monkeypatch.context() as patched:
        patched.setattr(
            activity, "_marks", lambda connection: {late: offset(connection, f"activity of {late.granted}")}
        )
        everything(found)
    everything(found)
    assert words_by_channel(found)[CHANNELS.withdrawn] == {"emial": 8}
    assert words_by_channel(found, PURPOSES)[PURPOSES.withdrawn] == {"markteing": 8}


def test_words_by_channel_and_by_purpose_are_read_once(engine: Engine) -> None:
    log, found, read = Log(engine, EVENTS), Activity(engine), list[str]()
    log.append([word(1, "emial", purpose="markteing", consent="withdrawn")])

    def asked(_: object, __: object, statement: str, *___: object) -> None:
        if "consent_changed" in statement:
            read.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", asked)
    everything(found)
    sqlalchemy_event.remove(engine, "before_cursor_execute", asked)
    assert len(read) == 1


def test_words_are_counted_by_the_purpose_that_they_name_too(engine: Engine) -> None:
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append(
        [
            word(1, "email", purpose="markteing", consent="withdrawn"),
            word(2, "sms", purpose="markteing", consent="granted"),
            word(3, "email", consent="withdrawn"),
            word(4, "email", purpose="personalization", consent="withdrawn"),
            word(5, None, "unsubscribed", purpose="новости"),
        ]
    )
    everything(found)
    told = words_by_channel(found, PURPOSES)
    assert told == {PURPOSES.withdrawn: {"markteing": 1, "новости": 1}, PURPOSES.granted: {"markteing": 1}}


def test_made_up_channels_do_not_fill_the_table(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(told_words, "_KEPT", 5)
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(n, "often" if n < 3 else f"x{n}", consent="withdrawn") for n in range(40)])
    everything(found)
    assert len(found.types(CHANNELS.withdrawn)) == 5
    assert words_by_channel(found)[CHANNELS.withdrawn]["often"] == 3


def test_made_up_channels_do_not_take_the_place_of_one_that_somebody_mistyped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(told_words, "_KEPT", 5)
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(0, "emial", consent="withdrawn")])
    everything(found)
    for step in range(1, 4):
        log.append([word(step * 100 + n, f"a{step}-{n}", consent="withdrawn") for n in range(20)])
        everything(found)
    assert words_by_channel(found)[CHANNELS.withdrawn]["emial"] == 1


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
    assert words_by_channel(found) == {CHANNELS.withdrawn: {**each, "emial": 1}, CHANNELS.granted: each}


def test_the_longest_name_of_a_channel_is_counted_and_cut(engine: Engine) -> None:
    """Of signs that cannot be compressed, of which PostgreSQL takes no more than 900 into a key."""
    signs = "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x9FFF, 1_024)))
    log, found = Log(engine, EVENTS), Activity(engine)
    log.append([word(1, signs, "unsubscribed"), word(2, "emial", "unsubscribed"), word(3, signs[:100], "unsubscribed")])
    everything(found)
    assert words_by_channel(found)[CHANNELS.withdrawn] == {f"{signs[:100]}…": 1, signs[:100]: 1, "emial": 1}
    assert not found.step()
