"""The drawings of what a policy does: what it chose week by week, how much it tried, and what rules took away."""

from collections import Counter
from collections.abc import Mapping

from features.reports.policy_value import PolicyValue, Week
from serving.console.charts import Chart, bars, lines
from serving.console.words import Words, msgid

_FACTORS: Mapping[str, str] = {
    "channel": msgid("Channels"),
    "delay": msgid("How long after the cart was left"),
    "argument": msgid("Arguments"),
    "incentive": msgid("Incentives"),
}
REASONS: Mapping[str, str] = {
    "switched_off": msgid("the point is off"),
    "order_completed": msgid("bought in the meantime"),
    "cart_emptied": msgid("the cart is empty"),
    "expired": msgid("too late to write"),
    "window_too_short": msgid("no time is left to send"),
    "max_messages": msgid("the series is over"),
    "out_of_stock": msgid("out of stock"),
    "no_channel": msgid("no channel in common"),
    "channel_not_eligible": msgid("channel not asked for"),
    "no_consent": msgid("no consent"),
    "unsubscribed": msgid("unsubscribed"),
    "unreachable": msgid("messages bounce"),
    "low_margin": msgid("costs more than it may earn"),
    "argument_not_eligible": msgid("argument not asked for"),
    "argument_not_true": msgid("the argument is not true"),
    "incentive_not_eligible": msgid("incentive not asked for"),
    "budget_spent": msgid("the day's budget is spent"),
    "incentive_share": msgid("enough incentives that day"),
    "incentive_cooldown": msgid("had an incentive lately"),
    "quiet_hours": msgid("quiet hours"),
    "legal_hours": msgid("hours forbidden by law"),
    "capped_1d": msgid("enough messages within a day"),
    "capped_7d": msgid("enough messages within a week"),
    "capped_30d": msgid("enough messages within a month"),
    "min_gap": msgid("too soon after another message"),
    "suppressed": msgid("the person is suppressed"),
}
"""In short, for an axis; `serving.decisions.rules.REASONS` says them in full."""


def mix_charts(words: Words, report: PolicyValue) -> list[Chart]:
    """One drawing a factor that was used at all, each with silence, and the share that was tried to learn."""
    if not report.weeks:
        return []
    used = {factor for week in report.weeks for factor in (one.factor for one in week.taken)}
    return [*(_mix(words, report, factor) for factor in _FACTORS if factor in used), _explored(words, report)]


def _mix(words: Words, report: PolicyValue, factor: str) -> Chart:
    totals = Counter[str]()
    for week in report.weeks:
        totals.update({one.label: one.decisions for one in week.taken if one.factor == factor})
    labels = sorted(totals, key=_order) if factor == "delay" else [label for label, _ in totals.most_common()]
    series = {label: [_count(week, factor, label) for week in report.weeks] for label in labels}
    silence = words("silence")
    series[silence] = [_count(week, "silence", "") for week in report.weeks]
    decisions, silent = sum(week.decisions for week in report.weeks), sum(series[silence])
    label, most = totals.most_common(1)[0]
    return bars(
        f"mix-{factor}",
        words(_FACTORS[factor]),
        words(
            "Most often chosen: {label}, in {share} of decisions. Nothing was sent in {silent}.",
            label=label,
            share=words.percent(most / decisions, 0),
            silent=words.percent(silent / decisions, 0),
        ),
        words("Week from"),
        [words.day(week.begins) for week in report.weeks],
        series,
        stacked=True,
    )


def _explored(words: Words, report: PolicyValue) -> Chart:
    decisions, explored = (sum(getattr(week, name) for week in report.weeks) for name in ("decisions", "explored"))
    return lines(
        "explored",
        words("Tried in order to learn"),
        words(
            "In {share} of decisions something else than the likeliest action was done. That is the price of learning; "
            "it falls as the policy becomes sure.",
            share=words.percent(explored / decisions, 0),
        ),
        words("Week from"),
        [words.day(week.begins) for week in report.weeks],
        {words("share of decisions"): [week.explored / week.decisions for week in report.weeks]},
        unit="%",
        digits=1,
    )


def refusal_chart(words: Words, report: PolicyValue) -> list[Chart]:
    """What rules took away; nothing where they took nothing."""
    if not report.refused:
        return []
    first = report.refused[0]
    return [
        bars(
            "refused",
            words("What rules took away"),
            words(
                "Most often: {reason}, in {n} decisions. Rules come before the policy: it never sees what they forbid.",
                reason=_reason(words, first.reason),
                n=words.number(first.decisions),
            ),
            words("Rule"),
            [_reason(words, one.reason) for one in report.refused],
            {
                words("took something away"): [one.decisions for one in report.refused],
                words("left nothing to send"): [one.silenced for one in report.refused],
            },
            horizontal=True,
        )
    ]


def _reason(words: Words, code: str) -> str:
    return words(REASONS[code]) if code in REASONS else code


def _count(week: Week, factor: str, label: str) -> int:
    return next((one.decisions for one in week.taken if (one.factor, one.label) == (factor, label)), 0)


def _order(delay: str) -> tuple[float, str]:
    """Delays by how long they are.

    >>> sorted(["3d", "24h", "90m"], key=_order)
    ['90m', '24h', '3d']
    """
    units = {"m": 1, "h": 60, "d": 1_440}
    number = delay[:-1]
    return (float(number) * units.get(delay[-1:], 1) if number.isdigit() else float("inf")), delay
