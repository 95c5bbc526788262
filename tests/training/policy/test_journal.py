"""A journal that is gathered batch by batch is the one that is read whole, whatever each batch happens to name."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from features.log import DECISIONS, Log, Record
from features.outcomes import outcomes
from tests.training.policy.planted import MAIL, POINT, SILENCE, START, Planted, hours
from training.policy.journal import Journal, gathered, gathered_by_point


class Few(Log):
    """A log that is read two rows at a time."""

    def scan(self, after: int = 0, upto: int | None = None, batch: int = 0) -> Iterator[list[Record]]:
        """Everything behind `after`."""
        return super().scan(after, upto, 2)


class Once(Log):
    """A log that counts how often it is read."""

    scans = 0

    def scan(self, after: int = 0, upto: int | None = None, batch: int = 10_000) -> Iterator[list[Record]]:
        """Everything behind `after`."""
        self.scans += 1
        return super().scan(after, upto, batch)


def parts(found: Journal) -> dict[str, object]:
    """All that a journal holds, so that it can be compared."""
    inside = {"contexts": found.contexts.__dict__, "eligible": found.eligible.__dict__}
    return {**found.__dict__, **inside}


def test_batches_that_name_other_contexts_and_labels_make_the_same_journal() -> None:
    shop = Planted()
    for number in range(9):
        told = msgspec.structs.replace(MAIL, send_at=START + hours(24), argument="", channel="abcdefghi"[-number])
        other = msgspec.structs.replace(told, delay=f"{number}h", probability=0.5)
        offered = (SILENCE, told, other)[: 2 + number % 2]
        context = {f"known {number // 3}": float(number), "cart_value": 40.0}
        point: dict[str, Any] = {"decision_point": "elsewhere"} if number in (2, 3) else {}
        at = START + hours(number)
        shop.decided(f"d{number}", f"c{number % 4}", at, number % 3 > 0, offered, context=context, **point)
    logs = shop.logs
    few, identities = Few(logs.decisions.engine, DECISIONS), logs.identities.table()
    records, found = gathered(few, [POINT], identities, 1, 8)
    same, whole = gathered(logs.decisions, [POINT], identities, 1, 8)
    assert [record.position for record in records] == [2, 5, 6, 7, 8]
    assert records == same
    np.testing.assert_equal(parts(found), parts(whole))
    assert len(gathered(few, ["nowhere"], identities)[1]) == 0
    every = list(gathered_by_point(few, dict.fromkeys(["elsewhere", POINT, "nowhere"], 0), identities))
    assert [(point, len(records)) for point, records, _ in every] == [("elsewhere", 2), (POINT, 7), ("nowhere", 0)]
    for point, records, journal in every:
        alone, its = gathered(logs.decisions, [point], identities)
        assert records == alone
        np.testing.assert_equal(parts(journal), parts(its))


def test_points_are_told_apart_in_one_pass_over_the_log() -> None:
    shop = Planted()
    for number in range(4):
        point: dict[str, Any] = {"decision_point": "elsewhere"} if number % 2 else {}
        shop.decided(f"d{number}", f"c{number}", START + hours(number), **point)
    once = Once(shop.logs.decisions.engine, DECISIONS)
    found = gathered_by_point(once, {POINT: 0, "elsewhere": 0}, shop.logs.identities.table())
    assert [records[0].key for _, records, _ in found] == ["d0", "d1"]
    assert once.scans == 1


def test_each_point_begins_behind_its_own_position_and_none_before_the_moment() -> None:
    shop = Planted()
    for number in range(12):
        point: dict[str, Any] = {"decision_point": "elsewhere"} if number % 2 else {}
        shop.decided(f"d{number}", f"c{number}", START + hours(number), **point)
    identities = shop.logs.identities.table()
    found = gathered_by_point(shop.logs.decisions, {POINT: 8, "elsewhere": 2}, identities, START + hours(5))
    assert {point: [record.key for record in records] for point, records, _ in found} == {
        POINT: ["d8", "d10"],
        "elsewhere": ["d5", "d7", "d9", "d11"],
    }


def test_records_without_what_else_could_have_been_tell_the_same_of_what_came() -> None:
    shop = Planted()
    mails = (msgspec.structs.replace(MAIL, send_at=START + hours(24), delay=f"{hour}h") for hour in range(1, 25))
    offered = (SILENCE, *mails)
    for number, at in enumerate([START, START + hours(1), START + hours(2)]):
        shop.decided(f"d{number}", f"c{number}", at, number != 1, offered, anonymous=number == 2)
    shop.sent("d0", "c0", START + hours(24))
    shop.ordered("c1", START + hours(5), "20")
    logs = shop.logs
    whole = [record for batch in logs.decisions.scan() for record in batch]
    short, _ = gathered(logs.decisions, [POINT], logs.identities.table())
    over = START + hours(500)
    came = [outcomes(logs.events, logs.decisions, logs.identities, each, over) for each in (whole, short)]
    assert came[0] == came[1]
    assert [one.channel for one in came[1]] == ["email", None, "email"]
    assert came[1][0].activated_at is not None
    assert came[1][1].orders == 1
    assert max(len(record.payload) for record in short) * 3 < min(len(record.payload) for record in whole)
