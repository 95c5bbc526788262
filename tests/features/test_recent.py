"""Recent rows are what a plain loop over the log finds, in every database; what was before as many as are asked for
costs nothing."""

import random
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from features.ahead import Ahead
from features.database import open_database
from features.log import EVENTS, Log, Record
from features.recent import TAIL_EVENTS, Base, Id, Recent, recents_of

LIMIT = 3
KINDS = (*TAIL_EVENTS[:2], "page_viewed")
IDS: list[Id] = [("ü'1", None), ("u2", None), ("nobody", None), (None, "a"), (None, "b")]


def plainly(log: Log, id_: Id, base: Base, upto: int) -> Recent:
    user, visitor = id_
    rows = log.read()
    theirs = [one for one in rows if (one.user_id == user if user else one.anonymous_id == visitor)]
    own = [one for one in theirs if user or one.user_id is None]
    news = [one for one in own if one.position > base.position or (base.since and one.occurred_at >= base.since)]
    kept = [one for one in news if one.type in TAIL_EVENTS and one.position <= upto][-LIMIT:]
    begins = theirs[0].position if theirs else 0
    return Recent(upto, Base() if begins > base.position else base, kept)


def test_the_newest_of_each_id_are_read_and_no_other(engine: Engine) -> None:
    rng, log = random.Random(3), Log(engine, EVENTS)
    who = [("ü'1", None), ("u2", "a"), (None, "a"), (None, "b"), ("other", "b")]
    log.append(
        [
            Record(f"k{number}", rng.choice(KINDS), rng.randrange(60), number, *rng.choice(who), "{}")
            for number in range(60)
        ]
    )
    asked = [(base, upto) for base in (Base(), Base(30, None), Base(30, 40), Base(58, 55)) for upto in (60, 45)]
    kept = Ahead()
    for base, upto in (*asked, *asked):
        wanted = {id_[0] or f"anonymous:{id_[1]}": plainly(log, id_, base, upto) for id_ in IDS}
        assert recents_of(log, IDS, base, upto, LIMIT) == wanted
        assert recents_of(log, IDS, base, upto, LIMIT, kept) == wanted


def test_what_is_erased_or_loses_its_device_is_not_told_from_memory(engine: Engine) -> None:
    log, kept, base = Log(engine, EVENTS), Ahead(), Base(5, 50)
    early = [Record(f"u{n}", TAIL_EVENTS[0], 60 + n, n, "u2", None, "{}") for n in range(2)]
    log.append([*early, *(Record(f"a{n}", TAIL_EVENTS[0], 70 + n, n, None, "a", "{}") for n in range(3))])
    assert [len(one.records) for one in recents_of(log, IDS, base, 5, LIMIT, kept).values()] == [0, 2, 0, 3, 0]
    with engine.begin() as connection:
        connection.execute(EVENTS.delete().where(EVENTS.c.key == "u1"))
        connection.execute(EVENTS.update().where(EVENTS.c.key == "a0").values(anonymous_id=None))
        connection.execute(EVENTS.update().where(EVENTS.c.key == "a1").values(user_id="other"))
    found = recents_of(log, IDS, base, 5, LIMIT, kept)
    assert found == {id_[0] or f"anonymous:{id_[1]}": plainly(log, id_, base, 5) for id_ in IDS}
    assert [len(one.records) for one in found.values()] == [0, 1, 0, 1, 0]


def test_what_is_remembered_does_not_grow_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.ahead._MOST_HELD", 20)
    log, kept = Log(engine, EVENTS), Ahead()
    for number in range(60):
        recents_of(log, [(f"u{number}", None)], Base(1, 1), 1, LIMIT, kept)
        assert len(kept._places) <= 21


@pytest.mark.parametrize(("many", "since"), [(True, None), (True, 2), (False, 2)])
def test_an_id_costs_no_more_for_what_it_did_before_the_latest_since_the_build(
    tmp_path: Path, many: bool, since: int | None
) -> None:
    """A bot would cost each range in which it occurs in proportion to all that it did since the last build, or, where
    that is less than `limit`, to all that it did before."""

    def spent(events: int) -> int:
        engine = open_database(f"sqlite:///{tmp_path / f'{events}.db'}")
        log, steps = Log(engine, EVENTS), [0]
        log.append([Record(f"k{number}", KINDS[0], 1, 1, "bot", None, "{}") for number in range(events)])
        features, kept = Base(1 if many else events - 10, since), Ahead()
        recents_of(log, [("bot", None)], features, events, 500, kept)

        def count() -> None:
            steps[0] += 1

        sqlalchemy_event.listen(engine, "checkout", lambda found, *_: found.set_progress_handler(count, 100))
        engine.dispose()
        recents_of(log, [("bot", None)], features, events, 500, kept)
        engine.dispose()
        return steps[0]

    assert spent(20_000) == pytest.approx(spent(1_000), rel=0.2)
