"""What `results/scale.json` says of steps that are not measured anew stays as it stands, with its machine and commit.

A row holds the mean of its seeds, rounded. Whoever made cells of rows, and rows of those cells, would fit exponents to
fewer points and round twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.claim import Claim
from benchmarks.scale_report import Cell, Growth
from benchmarks.scale_sizing import cells_of

_FIGURE, _GROWTH, _RAY = "CPU-seconds, ", "exponent of growth, ", "% of CPU that tasks of Ray"
_LIMITS = {
    "CPU-seconds of all features, ": "all features",
    "GB at the peak of all features, ": "all features",
    "CPU-seconds of the point-in-time join, ": "join",
    "CPU-seconds of the point-in-time join by bucket, ": "join by bucket",
    _RAY: "ray",
}


@dataclass(frozen=True)
class Kept:
    """Claims as they stood, and for table and plot the cells and the growths that they tell of."""

    claims: tuple[Claim, ...]
    cells: tuple[Cell, ...]
    growths: Mapping[str, Growth]


def kept(rows: Sequence[Mapping[str, Any]], measured: Collection[str]) -> Kept:
    """What `rows` say of every step that is not in `measured`; of `ray` a claim, as its cells are in no row."""
    left = [row for row in rows if step_of(row["measure"]) not in measured]
    cells = tuple(cells_of(left))
    growths = {step_of(row["measure"]): _growth(row, cells) for row in left if row["measure"].startswith(_GROWTH)}
    claims = [Claim(**{name: value for name, value in row.items() if name != "part"}) for row in left]
    return Kept(tuple(claims), cells, growths)


def in_order(claims: Sequence[Claim], steps: Sequence[str]) -> list[Claim]:
    """Limits, exponents, figures; within each in the order of `steps`."""

    def place(claim: Claim) -> tuple[int, int]:
        kind = next((kind for kind, start in enumerate((_GROWTH, _FIGURE), 1) if claim.measure.startswith(start)), 0)
        return kind, steps.index(step_of(claim.measure))

    return sorted(claims, key=place)


def step_of(measure: str) -> str:
    """The step that a row is about. Raises KeyError for a measure of no step."""
    for start in (_FIGURE, _GROWTH):
        if measure.startswith(start):
            return measure.removeprefix(start)
    for start, step in _LIMITS.items():
        if measure.startswith(start):
            return step
    raise KeyError(f"{measure!r} tells of no step; there are {_FIGURE!r}, {_GROWTH!r} and {', '.join(_LIMITS)}")


def _growth(row: Mapping[str, Any], cells: Sequence[Cell]) -> Growth:
    own = sorted((cell for cell in cells if cell.step == step_of(row["measure"])), key=lambda cell: cell.size)
    low, high = row["interval"]
    # Of the two only the interval is not rounded, and the exponent is its middle.
    return Growth(round((low + high) / 2, 6), (low, high), own[-1].seconds or 0.0, tuple(cell.size for cell in own))
