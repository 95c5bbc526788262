"""Counts of what did not get in: whoever asks for the table finds in it also what another thread was just writing."""

import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from features.arrivals import Why
from serving.arrivals import ArrivalCounts
from tests.serving.world import NOW
from tests.waiting import PATIENCE

WHY = Why("rejected", "of the test")


class Table:
    """Stands for the table; takes its time until it may `go_on`."""

    def __init__(self) -> None:
        self.counts: Counter[Why] = Counter()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def add(self, counts: Mapping[Why, int], at: datetime) -> None:
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        self.counts.update(counts)


def test_whoever_writes_waits_for_who_is_writing() -> None:
    table: Any = Table()
    counts, found = ArrivalCounts(table, lambda: NOW), list[int]()
    counts.add([WHY])

    def look() -> None:
        counts.write()
        found.append(table.counts[WHY])

    writing, looking = threading.Thread(target=counts.write), threading.Thread(target=look)
    writing.start()
    assert table.begun.wait(PATIENCE)
    looking.start()
    looking.join(0.2)  # if it does not wait, it is over by now
    table.go_on.set()
    for thread in (writing, looking):
        thread.join(PATIENCE)
    assert found == [1]
