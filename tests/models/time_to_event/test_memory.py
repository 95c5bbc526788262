"""What a replenishment fit needs is known before it starts, is about what it takes, and the way out is one."""

import re
import tracemalloc
from dataclasses import replace

import pytest

from benchmarks.replenishment_memory import made
from models.time_to_event.durations import Durations
from models.time_to_event.groups import Groups
from models.time_to_event.hazard import Hazard
from models.time_to_event.memory import bytes_needed, check, rows_asked
from models.time_to_event.pairs import Watch
from models.time_to_event.replenishment import Replenishment

RECIPE = Replenishment(need=Hazard(trees=10))


@pytest.mark.parametrize("watch", [Watch(), Watch(1, 30), Watch(3, 500)])
@pytest.mark.parametrize("interval", [9.0, 70.0])
def test_rows_are_counted_as_they_are_made(watch: Watch, interval: float) -> None:
    lines, catalogue = made(60, 5, interval, products=40)
    purchases = lines.by_group(Groups.of(catalogue, lines))
    days = RECIPE.origins_before(lines.day)
    for of in (purchases, purchases.orders()):
        assert rows_asked(of, [*days, lines.day], watch) == len(Durations.of(of, days, watch=watch).pairs)
    nobody = replace(
        lines, **{name: getattr(lines, name)[:0] for name in ("customers", "products", "days", "packs", "prices")}
    )
    assert rows_asked(nobody.by_group(Groups.of(catalogue, lines)), days, watch) == 0


def test_a_fit_takes_what_it_said_and_not_much_less() -> None:
    lines, catalogue = made(150, 8, 20.0, products=100)
    needed = bytes_needed(RECIPE, lines, catalogue)
    tracemalloc.start()
    try:
        RECIPE.fit(lines, catalogue)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert needed / 3 < peak < 1.15 * needed


def test_what_does_not_fit_is_refused_with_a_way_out_that_fits() -> None:
    lines, catalogue = made(150, 8, 20.0, products=100)
    needed = bytes_needed(RECIPE, lines, catalogue)
    for memory in (None, needed):
        check(RECIPE, lines, catalogue, memory)
    with pytest.raises(
        ValueError, match=r"150 customers and [\d,]+ lines needs 0\.\d GB .* take origins=\d+, or"
    ) as caught:
        check(RECIPE, lines, catalogue, needed // 2)
    found = re.search(r"origins=(\d+)", str(caught.value))
    assert found
    assert bytes_needed(replace(RECIPE, origins=int(found[1])), lines, catalogue) <= needed // 2
    with pytest.raises(ValueError, match="train on fewer days, or on a machine"):
        check(RECIPE, lines, catalogue, 1_000)
