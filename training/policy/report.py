"""What the evaluation of a policy says, for people and for files: a table of estimates, and a page."""

from collections.abc import Iterator

import pandas as pd

from training.bootstrap import Interval
from training.policy.dataset import History
from training.policy.groups import Comparison, Group
from training.policy.power import Provable
from training.policy.rewards import in_words
from training.policy.value import Estimate
from training.policy.verdict import Verdict

WORDS = {
    "clipped dr": "doubly robust, weights clipped: the one that counts",
    "dr": "doubly robust",
    "snips": "self-normalised importance weights",
    "dm": "the reward model alone",
    "ips": "importance weights",
    "switch_dr": "doubly robust, large weights left to the model",
    "mips": "importance weights of what actions are made of",
}


def estimates(verdict: Verdict) -> pd.DataFrame:
    """One row an estimator: what the candidate would earn a decision, and how much more than the champion did."""
    return pd.DataFrame(
        [
            {
                "estimator": one.name,
                "value": one.value.mean,
                "value, low": one.value.low,
                "value, high": one.value.high,
                "difference": one.difference.mean,
                "difference, low": one.difference.low,
                "difference, high": one.difference.high,
                "least": one.least,
            }
            for one in estimates_of(verdict)
        ]
    )


def estimates_of(verdict: Verdict) -> tuple[Estimate, ...]:
    """All estimates, the one that counts first; none where nothing could be estimated."""
    return (verdict.valued.chosen, *verdict.valued.beside) if verdict.valued else ()


def page(title: str, seen: History, verdict: Verdict, groups: Comparison, power: Provable | None) -> str:
    """The whole evaluation in Markdown."""
    month = [f"What your traffic can prove: in a month, {power}.", ""] if power else []
    parts = [*_gate(verdict), "", *month, *_estimates(verdict), *_groups(seen, groups)]
    return "\n".join([f"# {title}", "", *parts, ""])


def _gate(verdict: Verdict) -> Iterator[str]:
    yield f"Gate: {'passed' if verdict.passed else 'not passed'}, on {verdict.decisions:,} decisions. {verdict.words}."
    for refusal in verdict.refusals:
        yield f"- `{refusal.code}`: {refusal.words}"


def _estimates(verdict: Verdict) -> Iterator[str]:
    if verdict.valued is None or verdict.weighed is None:
        return
    weighed, calibrated = verdict.weighed, verdict.calibrated
    yield from ["## What it would earn a decision", ""]
    yield f"The champion earned {verdict.valued.base:.4f}. Intervals are 95 %, by customer."
    yield from ["", "| estimator | value | more than the champion | at least |", "| --- | ---: | ---: | ---: |"]
    for one in estimates_of(verdict):
        yield f"| {WORDS.get(one.name, one.name)} | {one.value.mean:.4f} | {one.difference} | {one.least:+.4f} |"
    yield from ["", "## Whether the log can bear it", ""]
    yield f"- Worth {weighed.effective:,.0f} decisions of the candidate's own."
    yield f"- Mean weight {weighed.mean.mean:.3f}, which should be 1; the largest {weighed.largest:.1f}."
    yield f"- Weights are clipped at {verdict.valued.clip:g}, which takes {verdict.lost_mass:.1%} of their mass."
    if calibrated is not None:
        yield f"- Actions were taken as often as their probabilities say: p = {calibrated.pvalue:.3f}."
    yield ""


def _groups(seen: History, groups: Comparison) -> Iterator[str]:
    yield from ["## Groups", "", f"As of {seen.as_of:%Y-%m-%d}, windows that have closed."]
    if groups.mismatch:
        yield f"**The groups have not the sizes that they should have (p = {groups.ratio:.1g}): believe nothing here.**"
    head = (
        "group",
        "customers",
        "episodes",
        "value an episode",
        "bought",
        "messages",
        "unsubscribed",
        "policy above it",
    )
    yield from ["", f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    for group in groups.groups.values():
        yield f"| {' | '.join(cells(group, groups.uplifts.get(group.arm)))} |"
    yield from ["", f"Left out of learning: {in_words(seen.left_out)}."]


def cells(group: Group, above: Interval | None) -> list[str]:
    """One row of the table of groups."""
    return [
        group.arm,
        f"{group.customers:,}",
        f"{group.episodes:,}",
        f"{group.value.mean:.4f}",
        f"{group.bought:.2%}",
        f"{group.messages:.2f}",
        f"{group.unsubscribed:.2%}",
        str(above or ""),
    ]
