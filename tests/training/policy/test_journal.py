"""A journal that is gathered batch by batch is the one that is read whole, whatever each batch happens to name."""

from collections.abc import Iterator

import msgspec
import numpy as np

from features.log import DECISIONS, Log, Record
from tests.training.policy.planted import MAIL, POINT, SILENCE, START, Planted, hours
from training.policy.journal import Journal, gathered


class Few(Log):
    """A log that is read two rows at a time."""

    def scan(self, after: int = 0, upto: int | None = None, batch: int = 0) -> Iterator[list[Record]]:
        """Everything behind `after`."""
        return super().scan(after, upto, 2)


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
        point = {"decision_point": "elsewhere"} if number in (2, 3) else {}
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
