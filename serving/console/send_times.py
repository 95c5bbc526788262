"""The page Send times: which hours of the week were used, how messages were answered there, and what is proved."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from features.reports.heatmap import Block, Grid, HeatMap, Measure
from serving.console.charts import Chart, heat, ranges
from serving.console.frame import Viewer, show, words_of
from serving.console.words import Words, msgid
from serving.reports.kept import kept_of, reported_points
from serving.resources import Resources

router = APIRouter(include_in_schema=False)

_DAYS = (
    msgid("Monday"),
    msgid("Tuesday"),
    msgid("Wednesday"),
    msgid("Thursday"),
    msgid("Friday"),
    msgid("Saturday"),
    msgid("Sunday"),
)
_MEASURES: Mapping[Measure, str] = {
    "answered": msgid("opened, clicked or ordered"),
    "ordered": msgid("ordered"),
}
_SEGMENTS: Mapping[str, str] = {
    "new": msgid("new customers: at most one order"),
    "repeat": msgid("repeat customers: two orders or more"),
    "lapsed": msgid("lapsed customers: no order for 90 days"),
    "unknown": msgid("nothing was known of them"),
}
_MOSTLY = 0.5


@router.get("/console/send-times")
def page(
    request: Request,
    _: Viewer,
    decision_point: str | None = None,
    channel: str | None = None,
    segment: str | None = None,
    measure: str | None = None,
) -> Response:
    """One grid at a time: of a point, a channel or all, a segment or all."""
    resources: Resources = request.app.state.resources
    words, points = words_of(request), reported_points(resources, "heatmap")
    report = kept_of(resources, "heatmap", decision_point or None, HeatMap) if points else None
    shown = {} if report is None else _shown(words, report, channel or None, segment or None, measure or "answered")
    return show(request, "send_times.html", points=points, report=report, **shown)


def _shown(words: Words, report: HeatMap, channel: str | None, segment: str | None, measure: str) -> dict[str, Any]:
    """The grid that is asked for; that of all messages where there is none of it."""
    asked = (one for one in report.grids if (one.channel, one.segment, one.measure) == (channel, segment, measure))
    grid = next(asked, report.grids[0])
    return {
        "grid": grid,
        "channels": sorted({one.channel for one in report.grids if one.channel is not None}),
        "segments": {key: name for key, name in _SEGMENTS.items() if any(one.segment == key for one in report.grids)},
        "measures": _MEASURES,
        "days": _DAYS,
        "charts": [*_heats(words, report, grid), *_blocks(words, grid)],
        "verdict": verdict(words, grid),
        "quiet": spans(closed_hours(report, grid.channel)),
    }


def _heats(words: Words, report: HeatMap, grid: Grid) -> list[Chart]:
    quiet = closed_hours(report, grid.channel)
    shaded = [(day, hour) for day in range(7) for hour in quiet]
    wide = [
        None if low is None or high is None else (high - low) / 2 for low, high in zip(grid.low, grid.high, strict=True)
    ]
    frame: dict[str, Any] = {
        "label": words("Day"),
        "columns": [f"{hour:02d}" for hour in range(24)],
        "rows": [words(day) for day in _DAYS],
        "shaded": shaded,
    }
    return [
        heat(
            "estimate",
            words("Share of messages answered, by the hour they were sent"),
            verdict(words, grid),
            values=_week(grid.estimate),
            unit="%",
            digits=1,
            **frame,
        ),
        heat(
            "uncertainty",
            words("How uncertain that is"),
            words(
                "Half the width of the 95 % interval, in percentage points. The stronger the colour, the less is "
                "known, mostly because little was sent there."
            ),
            values=_week(wide),
            unit="%",
            digits=1,
            **frame,
        ),
        heat("messages", words("Messages sent"), _sends(words, grid), values=_week(grid.sends), **frame),
    ]


def _blocks(words: Words, grid: Grid) -> list[Chart]:
    if len(grid.blocks) < 2:
        return []
    chart = ranges(
        "blocks",
        words("Three hours at a time"),
        words("The line is the average of all hours. An interval beside it is no proof yet, as many are compared."),
        words("Hours"),
        [hours(words, block) for block in grid.blocks],
        [block.answered.value for block in grid.blocks],
        [block.answered.low for block in grid.blocks],
        [block.answered.high for block in grid.blocks],
        names=(words("answered"), words("at least"), words("at most")),
        unit="%",
        digits=1,
        reference=grid.average.value,
    )
    return [chart]


def verdict(words: Words, grid: Grid) -> str:
    """Which hours are better than the others, and whether that is proved."""
    if not grid.average.of:
        return words("No message of these is old enough yet to say how it was answered.")
    better = [block for block in grid.blocks if _above(block)]
    worse = [block for block in grid.blocks if block.seen and not _above(block)]
    proved, seen = [block for block in better if block.proved], [block for block in better if block.seen]
    average = words(
        "On average {rate} of {n} messages were answered.",
        rate=words.percent(grid.average.value, 1),
        n=words.number(grid.average.of),
    )
    if proved:
        told = words("Proved better, by messages whose time chance drew: {hours}.", hours=_listed(words, proved))
    elif seen:
        told = words(
            "Answered more often, by more than chance: {hours}. That does not prove that the hour is the reason: the "
            "times were chosen for the people.",
            hours=_listed(words, seen),
        )
    elif worse:
        told = words("Answered less often, by more than chance: {hours}.", hours=_listed(words, worse))
    else:
        told = words("No hours differ from the others by more than chance: that any is better is not proved.")
    return f"{average} {told}"


def closed_hours(report: HeatMap, channel: str | None) -> list[int]:
    """The hours of the day in which a channel, or all of them, mostly says nothing."""
    shares = [report.closed[channel]] if channel in report.closed else [] if channel else list(report.closed.values())
    return [hour for hour in range(24) if shares and min(share[hour] for share in shares) > _MOSTLY]


def spans(hours_: Sequence[int]) -> str:
    """Hours of the day as spans of the clock, over midnight too.

    >>> spans([0, 1, 13, 22, 23]), spans([]), spans(range(24))
    ('13:00–14:00, 22:00–02:00', '', '00:00–24:00')
    """
    closed = set(hours_)
    if len(closed) == 24:
        return "00:00–24:00"
    found = []
    for begin in sorted(hour for hour in closed if (hour - 1) % 24 not in closed):
        end = next(hour for hour in range(begin + 1, begin + 25) if hour % 24 not in closed)
        found.append(f"{begin:02d}:00–{end % 24:02d}:00")
    return ", ".join(found)


def hours(words: Words, block: Block) -> str:
    """A block in words."""
    days = words("weekend") if block.weekend else words("Monday to Friday")
    return f"{days} {block.from_hour:02d}–{block.until_hour:02d}"


def _listed(words: Words, blocks: Iterable[Block]) -> str:
    return "; ".join(
        words(
            "{hours} ({rate} against {others})",
            hours=hours(words, block),
            rate=words.percent(block.answered.value, 1),
            others=words.percent(block.others.value, 1),
        )
        for block in blocks
    )


def _above(block: Block) -> bool:
    return (block.answered.value or 0) > (block.others.value or 0)


def _sends(words: Words, grid: Grid) -> str:
    used = sum(1 for count in grid.sends if count)
    return words.plural(
        "{n} message was sent; {used} of the 168 hours of a week were used.",
        "{n} messages were sent; {used} of the 168 hours of a week were used.",
        sum(grid.sends),
        used=words.number(used),
    )


def _week(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[24 * day : 24 * day + 24] for day in range(7)]
