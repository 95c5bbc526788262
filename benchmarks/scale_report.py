"""What the cells of the growth benchmark say: exponents with intervals, the table, the plot, and the claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy import stats

from benchmarks.claim import Claim, commit

PART = "scale"
MILLION = 1_000_000
SHOWN = (MILLION, 10 * MILLION, 100 * MILLION)
WORST = 1.1
MADE = ("history", "log")
"""Steps that make what is measured; they are no part of Kairos and in no table."""

_MEASURED = ("seconds", "gigabytes")
_PROTOCOL = "python -m benchmarks.scale; a process a cell, its children included"


@dataclass(frozen=True)
class Cell:
    """One step at one size with one seed, on a `machine`.

    `done` says how much was done, by name; `failed` why there is no figure.
    """

    step: str
    size: int
    seed: int
    commit: str
    seconds: float | None = None
    gigabytes: float | None = None
    done: dict[str, float] = field(default_factory=dict)
    failed: str | None = None
    machine: str = "machine not told"

    def told(self) -> str:
        """In one line."""
        if self.seconds is None:
            return f"failed: {self.failed}"
        return f"{self.seconds:.1f} CPU-s, {self.gigabytes:.2f} GB, {self.done}"


@dataclass(frozen=True)
class Growth:
    """How CPU-seconds grow with events: to the `exponent`, whose 95 % `interval` is by Student's t.

    The largest of `sizes` took `largest` CPU-seconds.
    """

    exponent: float
    interval: tuple[float, float]
    largest: float
    sizes: tuple[int, ...]

    @staticmethod
    def of(sizes: Sequence[int], seconds: Sequence[float]) -> "Growth":
        """By least squares of the logarithms. Raises ValueError for fewer than three points, or less than a decade.

        >>> Growth.of([1_000, 10_000, 100_000], [1.0, 10.0, 100.0]).exponent
        1.0
        """
        if len(sizes) < 3 or max(sizes) < 10 * min(sizes):
            raise ValueError(f"growth needs three points over a decade at least, found sizes {sorted(sizes)}")
        fit = stats.linregress(np.log(sizes), np.log(seconds))
        reach = stats.t.ppf(0.975, len(sizes) - 2) * fit.stderr
        return Growth(
            round(float(fit.slope), 6),
            (float(fit.slope - reach), float(fit.slope + reach)),
            float(np.mean([each for size, each in zip(sizes, seconds, strict=True) if size == max(sizes)])),
            tuple(sorted(set(sizes))),
        )

    def seconds(self, size: int) -> float:
        """What a larger size is foreseen to cost, from the largest that was measured.

        By the exponent, but never below 1: what every run costs alike hides growth among small sizes.
        """
        return float(self.largest * (size / self.sizes[-1]) ** max(self.exponent, 1.0))


def growths(cells: Sequence[Cell]) -> dict[str, Growth]:
    """Of every step that was measured at three sizes or seeds, over a decade at least, on one machine."""
    found = {}
    for name, own in _by_step(cells).items():
        if len({cell.machine for cell in own}) > 1:
            continue
        try:
            found[name] = Growth.of([cell.size for cell in own], [cell.seconds or 0.0 for cell in own])
        except ValueError:
            continue
    return found


def mean_of(cells: Sequence[Cell], step: str, size: int, name: str) -> float | None:
    """The mean over seeds of `seconds`, of `gigabytes` or of what was done; None where it was not measured."""
    own = [cell for cell in _by_step(cells).get(step, []) if cell.size == size]
    found = [getattr(cell, name) if name in ("seconds", "gigabytes") else cell.done[name] for cell in own]
    return float(np.mean(found)) if found else None


def text(cells: Sequence[Cell], grown: Mapping[str, Growth] | None = None) -> str:
    """The table, with what was extrapolated in brackets, and what failed; `grown` where it is not that of the cells."""
    grown = growths(cells) if grown is None else grown
    head = " | ".join(f"{size // MILLION} M: CPU-s | GB" for size in SHOWN)
    lines = [
        f"| step | {head} | exponent (95 %) | sizes measured |",
        f"| --- |{' ---: | ---: |' * len(SHOWN)} ---: | --- |",
    ]
    for step, own in _by_step(cells).items():
        growth = grown.get(step)
        shown = " | ".join(_shown(cells, step, growth, size) for size in SHOWN)
        exponent = "not known"
        if growth:
            exponent = f"{growth.exponent:.2f} ({growth.interval[0]:.2f} to {growth.interval[1]:.2f})"
        sizes = ", ".join(_short(size) for size in sorted({cell.size for cell in own}))
        lines.append(f"| {step} | {shown} | {exponent} | {sizes} |")
    failed = [
        f"{cell.step}, {_short(cell.size)}, seed {cell.seed}: {cell.failed}."
        for cell in cells
        if cell.failed is not None
    ]
    words = [
        *_machines(cells),
        "One process at a time, other work beside it. In brackets: foreseen from the largest size by the exponent, at "
        "least 1, not measured. Memory is that of the whole process, .5 GB of libraries included.",
        *_unproved(grown),
        *failed,
    ]
    return "\n".join(lines) + "\n\n" + " ".join(words)


def claims(cells: Sequence[Cell]) -> list[Claim]:
    """The rows of `results/scale.json`: what the goals name, and the exponent of every step."""
    grown = growths(cells)
    large = ("all features", 100 * MILLION)
    found = [
        _limit(cells, grown, *large, "seconds", "CPU-seconds of all features, 100 M events", 240),
        _limit(cells, grown, *large, "gigabytes", "GB at the peak of all features, 100 M events", 4),
        *(
            _limit(
                cells, grown, step, 10 * MILLION, "seconds", f"CPU-seconds of the point-in-time {step}, 1 M x 10 M", 20
            )
            for step in ("join", "join by bucket")
        ),
    ]
    for cell in _by_step(cells).get("ray", []):
        for work, overhead in (("features", "overhead"), ("scores", "overhead of scores")):
            if overhead in cell.done:
                found.append(
                    _claim(
                        f"% of CPU that tasks of Ray cost beyond bare processes, {work}",
                        f"{_short(cell.size)} events",
                        100 * cell.done[overhead],
                        5,
                        cell.seconds or 0.0,
                        cell.machine,
                        seeds=(cell.seed,),
                        baselines={name: round(seconds, 3) for name, seconds in cell.done.items()},
                    )
                )
    for step, growth in grown.items():
        if step != "ray":
            data = f"{_short(growth.sizes[0])} to {_short(growth.sizes[-1])} events"
            own = _by_step(cells)[step]
            seeds = tuple(sorted({cell.seed for cell in own}))
            measure = f"exponent of growth, {step}"
            found.append(_claim(measure, data, growth.exponent, WORST, 0.0, own[0].machine, growth.interval, seeds))
    return [*(claim for claim in found if claim is not None), *figures(cells)]


def figures(cells: Sequence[Cell]) -> list[Claim]:
    """Every cell, the mean of its seeds, as a row that owes nothing: what sizes are reckoned from."""
    found = []
    for step, own in _by_step([cell for cell in cells if cell.step != "ray"], ()).items():
        for size in sorted({cell.size for cell in own}):
            same = [cell for cell in own if cell.size == size]
            mean = {name: float(np.mean([cell.done[name] for cell in same])) for name in same[0].done}
            seconds, gigabytes = (float(np.mean([getattr(cell, name) for cell in same])) for name in _MEASURED)
            found.append(
                Claim(
                    measure=f"CPU-seconds, {step}",
                    data=f"made shop, {_short(size)} events",
                    protocol=_PROTOCOL,
                    ours=round(seconds, 4),
                    interval=None,
                    baselines={"GB at the peak": round(gigabytes, 3), **mean},
                    must=None,
                    goal=None,
                    met=None,
                    seeds=tuple(cell.seed for cell in same),
                    cpu_seconds=round(seconds, 1),
                    machine=same[-1].machine,
                    commit=same[-1].commit,
                )
            )
    return found


def plot(cells: Sequence[Cell], path: Path, grown: Mapping[str, Growth] | None = None) -> None:
    """CPU-seconds and peak memory over events, both axes logarithmic; a dotted line is growth with exponent one."""
    grown = growths(cells) if grown is None else grown
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, name, unit in zip(figure.subplots(1, 2), ("seconds", "gigabytes"), ("CPU-seconds", "GB"), strict=True):
        for step in grown:
            sizes = sorted({cell.size for cell in _by_step(cells)[step]})
            panel.plot(
                sizes, [mean_of(cells, step, size, name) for size in sizes], marker="o", markersize=3, label=step
            )
        panel.set(xscale="log", yscale="log", xlabel="events", ylabel=unit)
        panel.grid(alpha=0.3)
        if name == "seconds":
            low = panel.get_ylim()[0]
            panel.plot([3e5, 1e8], [low, low * 1e8 / 3e5], ":", color="grey", label="exponent 1", scaley=False)
    figure.axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="x-small", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _by_step(cells: Sequence[Cell], left_out: Sequence[str] = MADE) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.seconds is not None and cell.step not in left_out:
            found.setdefault(cell.step, []).append(cell)
    return found


def _shown(cells: Sequence[Cell], step: str, growth: Growth | None, size: int) -> str:
    seconds, gigabytes = (mean_of(cells, step, size, name) for name in ("seconds", "gigabytes"))
    if seconds is None or gigabytes is None:
        return f"({growth.seconds(size):,.0f}) | " if growth else " | "
    return f"{seconds:,.1f} | {gigabytes:.1f}"


def _unproved(grown: Mapping[str, Growth]) -> list[str]:
    names = [step for step, growth in grown.items() if growth.interval[0] <= WORST < growth.interval[1]]
    if not names:
        return []
    return [f"Whether the exponent is at most {WORST:g}, as is owed, these points do not show for: {', '.join(names)}."]


def _machines(cells: Sequence[Cell]) -> list[str]:
    """On which machine each step was measured; steps of one are compared, those of two are not."""
    found: dict[str, list[str]] = {}
    for step, own in _by_step(cells).items():
        found.setdefault(own[0].machine, []).append(step)
    if len(found) == 1:
        return [f"{name}." for name in found]
    return [f"{name}: {', '.join(steps)}." for name, steps in found.items()]


def _short(size: int) -> str:
    return f"{size / MILLION:g} M"


def _limit(
    cells: Sequence[Cell], grown: Mapping[str, Growth], step: str, size: int, name: str, measure: str, most: float
) -> Claim | None:
    """A figure that has a limit; foreseen where CPU-seconds were not measured, None where nothing can be said."""
    found, data = mean_of(cells, step, size, name), f"{_short(size)} events"
    if found is None and name == "seconds" and step in grown:
        found, data = grown[step].seconds(size), f"{data}, extrapolated from at most {_short(grown[step].sizes[-1])}"
    if found is None:
        return None
    seconds = mean_of(cells, step, size, "seconds") or 0.0
    return _claim(measure, data, found, most, seconds, _by_step(cells)[step][0].machine)


def _claim(
    measure: str,
    data: str,
    ours: float,
    most: float,
    seconds: float,
    on: str,
    interval: tuple[float, float] | None = None,
    seeds: tuple[int, ...] = (0,),
    baselines: dict[str, float] | None = None,
) -> Claim:
    """`met` once the whole interval is below `most`: an exponent of three points that lies below may be luck."""
    return Claim(
        measure=measure,
        data=f"made shop, {data}",
        protocol=_PROTOCOL,
        ours=round(ours, 3),
        interval=interval,
        baselines=baselines or {},
        must=f"<= {most:g}",
        goal=f"<= {most:g}",
        met=bool((interval[1] if interval else ours) <= most),
        seeds=seeds,
        cpu_seconds=round(seconds, 1),
        machine=on,
        commit=commit(),
    )
