"""What a replenishment fit needs is known before it starts, is about what it takes, and the way out is one."""

import re
import tracemalloc
from dataclasses import replace

import pytest

from benchmarks.replenishment_memory import made
from models.time_to_event.durations import Durations
from models.time_to_event.groups import Groups
from models.time_to_event.hazard import Hazard
from models.time_to_event.memory import TooLarge, bytes_needed, check, rows_asked
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


@pytest.mark.parametrize("rows", [500, Hazard.rows])
@pytest.mark.parametrize("share", [0.9, 0.75, 0.6])
def test_what_does_not_fit_is_refused_with_a_way_out_that_fits(rows: int, share: float) -> None:
    recipe = Replenishment(need=Hazard(trees=10, rows=rows))
    lines, catalogue = made(150, 8, 20.0, products=100)
    needed = bytes_needed(recipe, lines, catalogue)
    for memory in (None, needed):
        check(recipe, lines, catalogue, memory)
    free = int(share * needed)
    with pytest.raises(
        TooLarge, match=r"150 customers and [\d,]+ lines needs \d\.\d GB .* take origins=\d+, or"
    ) as caught:
        check(recipe, lines, catalogue, free)
    found = re.search(r"origins=(\d+)", str(caught.value))
    assert found
    assert caught.value.origins == int(found[1])
    check(replace(recipe, origins=int(found[1])), lines, catalogue, free)
    with pytest.raises(TooLarge, match="take origins="):
        check(replace(recipe, origins=int(found[1]) + 1), lines, catalogue, free)


def test_what_two_days_of_asking_do_not_mend_is_no_way_out() -> None:
    lines, catalogue = made(150, 8, 20.0, products=100)
    with pytest.raises(TooLarge, match="train on fewer days, or on a machine") as caught:
        check(RECIPE, lines, catalogue, 1_000)
    assert caught.value.origins is None
