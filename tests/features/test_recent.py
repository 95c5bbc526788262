"""Recent rows are what a plain loop over the log finds, in every database; what was before as many as are asked for
costs nothing."""

import random
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

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
    for base in (Base(), Base(30, None), Base(30, 40), Base(58, 55)):
        for upto in (60, 45):
            found = recents_of(log, IDS, base, upto, LIMIT)
            wanted = {id_[0] or f"anonymous:{id_[1]}": plainly(log, id_, base, upto) for id_ in IDS}
            assert found == wanted


@pytest.mark.parametrize("since", [None, 2])
def test_an_id_costs_no_more_for_what_it_did_before_the_latest_since_the_build(
    tmp_path: Path, since: int | None
) -> None:
    """A bot would cost each range in which it occurs in proportion to all that it did since the last build. Who did
    less than `limit` since then costs what they did before, where the base has a moment."""

    def spent(events: int) -> int:
        engine = open_database(f"sqlite:///{tmp_path / f'{events}.db'}")
        log, steps = Log(engine, EVENTS), [0]
        log.append([Record(f"k{number}", KINDS[0], 1, 1, "bot", None, "{}") for number in range(events)])

        def count() -> None:
            steps[0] += 1

        sqlalchemy_event.listen(engine, "checkout", lambda found, *_: found.set_progress_handler(count, 100))
        engine.dispose()
        recents_of(log, [("bot", None)], Base(1, since), events, 500)
        engine.dispose()
        return steps[0]

    assert spent(20_000) == pytest.approx(spent(1_000), rel=0.2)
