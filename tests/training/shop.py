"""A real history on disk in which taste decides: even customers buy even products, odd ones odd, and some again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from features.compute import NOBODY
from features.log import Record, moment
from tests.features.shop import bought, day, happened, history_of
from training.dataset import Exam, exam
from training.splits import Fold

SPLIT, END = 60.0, 80.0
FOLD = Fold(day(SPLIT), day(END))
CUSTOMERS, PRODUCTS = 30, 16


def records(seed: int = 0) -> list[Record]:
    """80 days of orders and some views, in the order in which they happened."""
    rng = np.random.default_rng(seed)
    found = []
    for order, at in enumerate(np.sort(rng.random(600)) * END):
        customer = int(rng.integers(CUSTOMERS))
        favourite = 2 * int(rng.integers(PRODUCTS // 2)) + customer % 2
        usual = 2 * (customer % 3) + customer % 2
        products = [f"p{favourite:02d}", f"p{usual:02d}"]
        if rng.random() < 0.2:
            found.append(happened("product_viewed", f"c{customer:02d}", float(at), products[0]))
        else:
            found.append(bought(f"c{customer:02d}", float(at), f"o{order}", *dict.fromkeys(products)))
    return found


def occurred(record: Record) -> datetime:
    """When a record happened."""
    return moment(record.occurred_at)


def the_past(written: Sequence[Record]) -> list[Record]:
    """Those before the split."""
    return [record for record in written if occurred(record) < FOLD.split]


def exam_of(folder: Path, written: Sequence[Record]) -> Exam:
    """The exam of FOLD on a history of `written` in `folder`."""
    return exam(history_of(folder, written), NOBODY, FOLD)


def later(record: Record, by: timedelta) -> datetime:
    """When a record happened, and `by` more."""
    return occurred(record) + by
