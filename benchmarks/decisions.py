"""Everything that was claimed of decisions, as one table: `python -m benchmarks.decisions` writes it into the page.

The figures are those of `results/decisions.json`, which the scripts of the parts write; nothing is measured here.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.claim import ROOT, replace_section

SCRIPTS: Mapping[str, str] = {
    "bandits": "bandits VENVS",
    "cart world": "decision_worlds cart VENVS",
    "cart world, delay": "decision_worlds delay",
    "traps": "decision_traps",
    "series": "decision_series",
    "off_policy": "off_policy",
    "randomised": "randomised FOLDER",
    "propensities": "propensities VENVS",
    "decision_rules": "decision_rules",
    "send_hours": "send_hours FOLDER",
}
"""How each part is run again, in the order of the table."""

_VERDICTS = {True: "met", False: "**missed**", None: ""}


def table() -> str:
    """The rows of all parts, in the order of `SCRIPTS`. Raises KeyError for a part that has no script."""
    claims = json.loads((ROOT / "results/decisions.json").read_text())
    order = {part: place for place, part in enumerate(SCRIPTS)}
    lines = ["| measure | ours | owed | | beside |", "| --- | --- | --- | --- | --- |"]
    lines += [row for claim in sorted(claims, key=lambda claim: order[claim["part"]]) for row in _rows(claim)]
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
