"""A drawing and its table are made of the same numbers, and what is not known is in neither as a zero."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.console.charts import bars, heat, lines, ranges

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=8)


def numbers(option: Any) -> list[float | None]:
    return [one["value"] if isinstance(one, dict) else one for one in option["series"][0]["data"]]


@given(VALUES, st.booleans())
def test_bars_and_lines_draw_what_the_table_says(values: list[float | None], horizontal: bool) -> None:
    labels = [f"<{place}>" for place in range(len(values))]
    for chart in (
        bars("a", "A", "It is so.", "day", labels, {"n": values}, horizontal=horizontal, grey=[0]),
        lines("a", "A", "It is so.", "day", labels, {"n": values}, bands={"n": (values, values)}, reference=0.0),
    ):
        assert numbers(chart.option) == values
        assert [row[1] for row in chart.rows] == values
        assert [row[0] for row in chart.rows] == labels
        assert chart.empty is all(value is None for value in values)
        assert len(chart.columns) == len(chart.rows[0])
        json.dumps(chart.option, allow_nan=False)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
def test_a_range_reaches_from_end_to_end_in_percent(found: list[tuple[float, float, float]]) -> None:
    points = [point for point, _, _ in found]
    lower, upper = [point - below for point, below, _ in found], [point + above for point, _, above in found]
    labels = [str(place) for place in range(len(found))]
    chart = ranges("a", "A", "So.", "arm", labels, points, lower, upper, names=("is", "from", "to"), unit="%", digits=1)
    drawn = chart.option["series"][0]
    assert [x for x, _ in drawn["data"]] == [100 * point for point in points]
    for place, (begin, end) in enumerate(drawn["markLine"]["data"]):
        assert (begin["coord"], end["coord"]) == ([100 * lower[place], place], [100 * upper[place], place])
    axis = chart.option["xAxis"]
    assert axis["min"] <= 100 * min(lower)
    assert axis["max"] >= 100 * max(upper)
    assert chart.rows[0] == ("0", points[0], lower[0], upper[0])
    json.dumps(chart.option, allow_nan=False)


def test_a_cell_that_is_not_known_is_not_drawn() -> None:
    chart = heat("a", "A", "So.", "day", ["0", "1"], ["Mon", "Tue"], [[1, None], [None, 0.5]], shaded={(1, 1)})
    cells = chart.option["series"][0]["data"]
    assert [cell["value"] for cell in cells] == [[0, 0, 1], [1, 1, 0.5]]
    assert "itemStyle" in cells[1]
    assert chart.rows == (("Mon", 1, None), ("Tue", None, 0.5))
