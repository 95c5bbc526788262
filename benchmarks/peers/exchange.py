"""What a benchmark and a peer in another virtual environment hand each other: a folder of arrays, needing only numpy.

    lines.npz      what was bought before the split, and who is asked
    trials.json    the settings to try, each {"model": name, "parameters": {...}}
    answers-N.npz  the twenty best of trial N for everybody asked, with everything allowed and with the new only

Customers and products are codes throughout.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEPTH = 20
_BLOCK = 256
_WIDTH = 64

Codes = NDArray[np.int32]
Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of orders, oldest first for each customer: codes of `customers`, `items` and `baskets`, the `days` and
    weights. `asked` are the codes of the customers to answer; all know the same products."""

    customers: Codes
    items: Codes
    baskets: Codes
    days: NDArray[np.float64]
    weights: NDArray[np.float64]
    asked: Codes
    customer_count: int
    item_count: int

    def owned(self, customers: Codes) -> tuple[Codes, Codes]:
        """(place in `customers`, item) of everything they ever had: what the new-only task forbids."""
        places = np.full(self.customer_count, -1, np.int32)
        places[customers] = np.arange(len(customers), dtype=np.int32)
        kept = places[self.customers] >= 0
        return places[self.customers[kept]], self.items[kept]


@dataclass(frozen=True)
class Trial:
    """A model of a peer by its name, and how it is set."""

    model: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Answers:
    """(asked, DEPTH) codes, best first, -1 for none: with repeats allowed and with the new only; the CPU-seconds of
    fit and answers."""

    repeats: Codes
    new: Codes
    cpu_seconds: float


Peer = Callable[..., tuple[Codes, Codes]]


def write(folder: Path, lines: Lines, trials: Sequence[Trial]) -> None:
    """Lay the task out in `folder`, whose old answers go."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("answers-*.npz"):
        old.unlink()
    columns: dict[str, Any] = asdict(lines)
    np.savez(folder / "lines.npz", **columns)
    (folder / "trials.json").write_text(json.dumps([asdict(trial) for trial in trials]))


def answers(folder: Path) -> list[Answers]:
    """What the peer has answered, trial by trial; fewer than the trials when its time was up."""
    found: list[Answers] = []
    while (path := folder / f"answers-{len(found)}.npz").exists():
        with np.load(path) as arrays:
            found.append(Answers(arrays["repeats"], arrays["new"], float(arrays["cpu_seconds"])))
    return found


def serve(peers: Mapping[str, Peer]) -> None:
    """The main of a peer's script: `script FOLDER SECONDS` begins trials until the CPU-seconds are spent, and at least
    one."""
    folder, budget = Path(sys.argv[1]), float(sys.argv[2])
    with np.load(folder / "lines.npz") as arrays:
        counts = {name: int(arrays[name]) for name in ("customer_count", "item_count")}
        columns: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        lines = Lines(**{**columns, **counts})
    began = time.process_time()
    for number, trial in enumerate(json.loads((folder / "trials.json").read_text())):
        if number and time.process_time() - began > budget:
            break
        started = time.process_time()
        repeats, new = peers[trial["model"]](lines, **trial["parameters"])
        spent = time.process_time() - started
        np.savez(folder / f"answers-{number}.npz", repeats=repeats, new=new, cpu_seconds=spent)


def ranked(lines: Lines, scores: Callable[[Codes], Values]) -> tuple[Codes, Codes]:
    """Both answers from dense scores: `scores(customers)` has shape (customers, items); ties go to the lower code, and
    a score of 0 is no answer."""
    blocks = [_block(lines, customers, scores(customers)) for customers in _blocks(lines.asked)]
    return np.concatenate([one for one, _ in blocks]), np.concatenate([other for _, other in blocks])


def _block(lines: Lines, customers: Codes, found: Values) -> tuple[Codes, Codes]:
    repeats = top(found)
    found[lines.owned(customers)] = 0
    return repeats, top(found)


def _blocks(asked: Codes) -> Iterable[Codes]:
    for start in range(0, len(asked), _BLOCK):
        yield asked[start : start + _BLOCK]


def top(scores: Values) -> Codes:
    """(rows, DEPTH) codes of the highest positive scores.

    >>> top(np.array([[0.0, 1.0, 2.0, 2.0]]))[0, :4].tolist()
    [2, 3, 1, -1]
    """
    answer = np.full((len(scores), DEPTH), -1, np.int32)
    bounds = _bounds(scores)
    for row, bound in enumerate(bounds):
        candidates = np.flatnonzero((scores[row] >= bound) & (scores[row] > 0))
        order = candidates[np.argsort(-scores[row, candidates], kind="stable")][:DEPTH]
        answer[row, : len(order)] = order
    return answer


def _bounds(scores: Values) -> Values:
    """What the DEPTH-th best of each row reaches at least: the DEPTH-th highest among maxima of columns in blocks."""
    blocks = scores.shape[1] // _WIDTH
    if blocks < DEPTH:
        return np.zeros(len(scores))
    highest = scores[:, : blocks * _WIDTH].reshape(len(scores), blocks, _WIDTH).max(axis=2)
    return np.partition(highest, blocks - DEPTH, axis=1)[:, blocks - DEPTH]
