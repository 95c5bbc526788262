"""Everything that was claimed of decisions, as one table: `python -m benchmarks.decisions` writes it into the page.

The figures are those of `results/decisions.json`, which the scripts of the parts write; nothing is measured here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.claim import ROOT, replace_section

PARTS = (
    "bandits",
    "cart world",
    "cart world, delay",
    "traps",
    "series",
    "off_policy",
    "randomised",
    "propensities",
    "rare_orders",
    "decision_rules",
    "send_hours",
    "decision_memory",
)
"""In the order of the table."""

_VERDICTS = {True: "met", False: "**missed**", None: ""}


def table() -> str:
    """The rows of all parts, in the order of `PARTS`. Raises ValueError for a part that is not one of them."""
    claims = json.loads((ROOT / "results/decisions.json").read_text())
    lines = ["| measure | ours | owed | | beside |", "| --- | --- | --- | --- | --- |"]
    lines += [row for claim in sorted(claims, key=lambda claim: PARTS.index(claim["part"])) for row in _rows(claim)]
    return "\n".join(lines)


def _rows(claim: Mapping[str, Any]) -> Iterator[str]:
    interval = claim["interval"]
    ours = _number(claim["ours"]) + (f" [{_number(interval[0])}, {_number(interval[1])}]" if interval else "")
    beside = "; ".join(f"{name} {_number(value)}" for name, value in claim["baselines"].items())
    measure = claim["measure"].replace("|", "/")
    yield f"| {measure} | {ours} | {claim['must'] or ''} | {_VERDICTS[claim['met']]} | {beside} |"


def _number(value: float) -> str:
    """Three digits, no exponent where it can be helped."""
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


if __name__ == "__main__":
    replace_section(ROOT / "README.md", "decisions", table())
