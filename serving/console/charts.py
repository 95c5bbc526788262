"""Charts as plain data: one sentence, one table and one drawing, made of the same numbers.

A drawing is an option of ECharts without functions; a colour in it is the name of a colour of the style sheet, as
`$accent`, so that light and dark are the style sheet's business.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Cell = str | float | int | None
Value = float | int | None


@dataclass(frozen=True)
class Column:
    """A column of the table: its title, and how its numbers are shown; `unit` is `%` for shares, or words."""

    title: str
    unit: str = ""
    digits: int = 0


@dataclass(frozen=True)
class Chart:
    """What `chart.html` draws. `sentence` says what it means and whether it is proved; `id` is unique on its page."""

    id: str
    title: str
    sentence: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    option: Mapping[str, Any]
    tall: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(isinstance(cell, float | int) for row in self.rows for cell in row)


def bars(
    id: str,  # noqa: A002  # the attribute's name in HTML
    title: str,
    sentence: str,
    label: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    *,
    unit: str = "",
    digits: int = 0,
    stacked: bool = False,
    horizontal: bool = False,
    grey: Collection[int] = (),
) -> Chart:
    """A bar for each of `labels` in each of `series`; those at the places `grey` are not final and drawn so.

    >>> bars("a", "Orders", "Most on Monday.", "day", ["Mon", "Tue"], {"orders": [3, 1]}).rows
    (('Mon', 3), ('Tue', 1))
    """
    drawn = [
        {
            "type": "bar",
            "name": name,
            "data": [
                {"value": value, "itemStyle": {"color": "$faint"}} if place in grey else value
                for place, value in enumerate(_scaled(values, unit))
            ],
            "barMaxWidth": 36,
            **({"stack": "all"} if stacked else {"itemStyle": {"borderRadius": 3}}),
        }
        for name, values in series.items()
    ]
    categories, values = _category(labels), _values(unit)
    if horizontal:
        categories["inverse"] = True
    axes = {"xAxis": values, "yAxis": categories} if horizontal else {"xAxis": categories, "yAxis": values}
    option = _option(axes, drawn, legend=len(series) > 1, trigger="axis")
    return _chart(id, title, sentence, label, labels, series, unit, digits, option)


def lines(
    id: str,  # noqa: A002
    title: str,
    sentence: str,
    label: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    *,
    unit: str = "",
    digits: int = 0,
    bands: Mapping[str, tuple[Sequence[Value], Sequence[Value]]] | None = None,
    reference: float | None = None,
) -> Chart:
    """A line for each of `series`; of those in `bands` also (lower, upper), dashed, and in the table.

    `reference` is a value that the lines are to be compared with: it gets a line of its own.
    """
    drawn: list[dict[str, Any]] = []
    table: dict[str, Sequence[Value]] = {}
    for place, (name, values) in enumerate(series.items()):
        colour = f"$series{place + 1}"
        drawn.append(
            {
                "type": "line",
                "name": name,
                "data": _scaled(values, unit),
                "symbolSize": 6,
                "showSymbol": len(labels) <= 40,
                "lineStyle": {"color": colour},
                "itemStyle": {"color": colour},
            }
        )
        table[name] = values
        for bound, edge in zip((f"{name} ↓", f"{name} ↑"), (bands or {}).get(name, ()), strict=False):
            table[bound] = edge
            dashed = {"type": "dashed", "width": 1, "color": colour}
            drawn.append(
                {
                    "type": "line",
                    "name": bound,
                    "data": _scaled(edge, unit),
                    "symbol": "none",
                    "lineStyle": dashed,
                    "itemStyle": {"color": colour},
                }
            )
    if drawn and reference is not None:
        drawn[0]["markLine"] = _reference({"yAxis": _scaled([reference], unit)[0]})
    axes = {"xAxis": _category(labels), "yAxis": {**_values(unit), "scale": True}}
    option = _option(axes, drawn, legend=len(series) > 1, trigger="axis")
    if len(series) > 1:
        option["legend"]["data"] = list(series)
    return _chart(id, title, sentence, label, labels, table, unit, digits, option)


def heat(
    id: str,  # noqa: A002
    title: str,
    sentence: str,
    label: str,
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[Value]],
    *,
    unit: str = "",
    digits: int = 0,
    shaded: Collection[tuple[int, int]] = (),
) -> Chart:
    """A cell for each of `rows` in each of `columns`, `values[row][column]`; the cells (row, column) `shaded` are
    those that are closed, as at night: drawn with a dashed border.
    """
    scaled = [_scaled(line, unit) for line in values]
    known = [value for line in scaled for value in line if value is not None]
    cells = [
        {
            "value": [column, row, value],
            **({"itemStyle": {"borderColor": "$muted", "borderType": "dashed"}} if (row, column) in shaded else {}),
        }
        for row, line in enumerate(scaled)
        for column, value in enumerate(line)
        if value is not None
    ]
    option = {
        "tooltip": _tooltip("item"),
        "grid": {"left": 8, "right": 16, "top": 8, "bottom": 56, "containLabel": True},
        "xAxis": {**_category(columns), "splitArea": {"show": False}},
        "yAxis": {**_category(rows), "inverse": True},
        "visualMap": {
            "min": min(known, default=0),
            "max": max(known, default=1),
            "calculable": False,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "inRange": {"color": ["$heat0", "$heat1", "$heat2"]},
            "textStyle": {"color": "$muted"},
            "precision": digits,
            **({"formatter": f"{{value}} {unit}"} if unit else {}),
        },
        "series": [
            {"type": "heatmap", "name": title, "data": cells, "itemStyle": {"borderColor": "$card", "borderWidth": 1}}
        ],
    }
    titles = (Column(label), *(Column(name, unit, digits) for name in columns))
    table = tuple((name, *line) for name, line in zip(rows, values, strict=True))
    return Chart(id, title, sentence, titles, table, option, tall=len(rows) > 7)


def ranges(
    id: str,  # noqa: A002
    title: str,
    sentence: str,
    label: str,
    labels: Sequence[str],
    points: Sequence[Value],
    lower: Sequence[Value],
    upper: Sequence[Value],
    *,
    names: tuple[str, str, str],
    unit: str = "",
    digits: int = 0,
    reference: float | None = None,
) -> Chart:
    """A point with its interval for each of `labels`, beside each other on one scale.

    `names` are of the point and of its two bounds; `reference` is what the interval is to exclude, as 0 or the value
    of the rule.
    """
    scaled = list(zip(_scaled(points, unit), _scaled(lower, unit), _scaled(upper, unit), strict=True))
    whiskers = [
        [{"coord": [low, place]}, {"coord": [high, place]}]
        for place, (_, low, high) in enumerate(scaled)
        if low is not None and high is not None
    ]
    bounds = [value for triple in scaled for value in triple if value is not None]
    if reference is not None:
        bounds += _scaled([reference], unit)  # type: ignore[arg-type]
    edge = (max(bounds, default=1) - min(bounds, default=0) or 1) * 0.08
    drawn: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "name": names[0],
            "symbolSize": 11,
            "data": [[point, place] for place, (point, _, _) in enumerate(scaled) if point is not None],
            "itemStyle": {"color": "$accent"},
            "markLine": {
                "symbol": ["none", "none"],
                "silent": True,
                "label": {"show": False},
                "lineStyle": {"type": "solid", "width": 3, "color": "$accent", "opacity": 0.45},
                "data": whiskers,
                "animation": False,
            },
        }
    ]
    if reference is not None:
        at = {"xAxis": _scaled([reference], unit)[0]}
        drawn.append({"type": "scatter", "data": [], "markLine": _reference(at)})
    fine = 10.0 ** (digits if unit == "%" else digits + 1)
    least = math.floor((min(bounds, default=0) - edge) * fine) / fine
    most = math.ceil((max(bounds, default=1) + edge) * fine) / fine
    scale = _values(unit)
    scale["axisLabel"] |= {"showMinLabel": False, "showMaxLabel": False}  # where the scale ends is no round number
    axes = {
        "xAxis": {**scale, "min": least, "max": most},
        "yAxis": {**_category(labels), "inverse": True},
    }
    option = _option(axes, drawn, legend=False, trigger="item")
    series = {names[0]: points, names[1]: lower, names[2]: upper}
    return _chart(id, title, sentence, label, labels, series, unit, digits, option)


def _chart(
    id_: str,
    title: str,
    sentence: str,
    label: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    unit: str,
    digits: int,
    option: Mapping[str, Any],
) -> Chart:
    columns = (Column(label), *(Column(name, unit, digits) for name in series))
    rows = tuple((name, *values) for name, *values in zip(labels, *series.values(), strict=True))
    return Chart(id_, title, sentence, columns, rows, option)


def _option(axes: dict[str, Any], series: list[dict[str, Any]], legend: bool, trigger: str) -> dict[str, Any]:
    shown = {"legend": {"top": 0, "left": 0, "textStyle": {"color": "$text"}, "icon": "roundRect"}} if legend else {}
    top = 40 if legend else 16
    grid = {"left": 8, "right": 24, "top": top, "bottom": 8, "containLabel": True}
    return {"tooltip": _tooltip(trigger), "grid": grid, **shown, **axes, "series": series}


def _tooltip(trigger: str) -> dict[str, Any]:
    # drawn on the canvas: as HTML it would bring styles that the page's policy forbids
    return {"trigger": trigger, "renderMode": "richText", "confine": True}


def _category(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": list(labels),
        "axisLabel": {"color": "$muted", "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": "$line"}},
        "axisTick": {"show": False},
    }


def _values(unit: str) -> dict[str, Any]:
    shown = {"formatter": f"{{value}} {unit}"} if unit else {}
    return {
        "type": "value",
        "axisLabel": {"color": "$muted", "hideOverlap": True, **shown},
        "splitLine": {"lineStyle": {"color": "$line"}},
    }


def _reference(at: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": ["none", "none"],
        "silent": True,
        "label": {"show": False},
        "lineStyle": {"type": "dashed", "color": "$muted", "width": 1},
        "data": [at],
        "animation": False,
    }


def _scaled(values: Sequence[Value], unit: str) -> list[Value]:
    """Shares are drawn as percent."""
    return [None if value is None else value * 100 if unit == "%" else value for value in values]
