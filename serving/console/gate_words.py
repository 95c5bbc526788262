"""What a gate found, in the language of whoever reads: a version keeps its findings as codes with their figures."""

from collections.abc import Mapping, Sequence
from typing import Final

from features.reports.finding import Finding
from serving.console.verdicts import signed
from serving.console.words import Words, msgid

ESTIMATORS: Final[Mapping[str, str]] = {
    "clipped dr": msgid("doubly robust, large weights cut: the one that counts"),
    "dr": msgid("doubly robust"),
    "snips": msgid("importance weights, normalised (SNIPS)"),
    "dm": msgid("the reward model alone (DM)"),
    "ips": msgid("importance weights (IPS)"),
    "switch_dr": msgid("doubly robust, large weights left to the model"),
    "mips": msgid("importance weights of what actions are made of"),
}
_NAMES: Final[Mapping[str, str]] = {
    **ESTIMATORS,
    "champion": msgid("what was live"),
    "the hours of the shop": msgid("the hours of the shop"),
}
"""Names that are words; a recipe goes by its own name."""

FOUND: Final[Mapping[str, str]] = {
    "better_at_repeats": msgid(
        "Repeats allowed, {candidate} finds provably more of what is bought than {opponent}: recall@10 {difference} "
        "({gain}), 95 % interval {low} to {high}."
    ),
    "not_better_at_repeats": msgid(
        "Repeats allowed, {candidate} does not provably find more of what is bought than {opponent}: recall@10 "
        "{difference} ({gain}), 95 % interval {low} to {high}."
    ),
    "not_worse_at_new": msgid(
        "Of what is new to a customer it does not provably find less than {opponent}: {difference}, 95 % interval "
        "{low} to {high}."
    ),
    "worse_at_new": msgid(
        "Of what is new to a customer it finds provably less than {opponent}: {difference}, 95 % interval {low} to "
        "{high}."
    ),
    "better_order": msgid(
        "Who comes first {candidate} tells provably better than {opponent}: concordance {difference}, 95 % interval "
        "{low} to {high}."
    ),
    "not_better_order": msgid(
        "Who comes first {candidate} does not provably tell better than {opponent}: concordance {difference}, 95 % "
        "interval {low} to {high}."
    ),
    "better_chance": msgid(
        "How likely somebody comes within 14 days it tells provably better: Brier score lower by {difference}, 95 % "
        "interval {low} to {high}."
    ),
    "not_better_chance": msgid(
        "How likely somebody comes within 14 days it does not provably tell better: Brier score lower by {difference}, "
        "95 % interval {low} to {high}."
    ),
    "as_honest": msgid("The calibration error at 14 days is {mine}, the other's {its}: not worse."),
    "less_honest": msgid(
        "The calibration error at 14 days is {mine}, the other's {its}: worse by more than {allowed}."
    ),
    "better_hours": msgid(
        "The hours of later visits of {customers} customers it foresees provably better than {opponent}: log "
        "probability {difference}, 95 % interval {low} to {high}."
    ),
    "not_better_hours": msgid(
        "The hours of later visits of {customers} customers it does not provably foresee better than {opponent}: log "
        "probability {difference}, 95 % interval {low} to {high}."
    ),
    "frozen": msgid(
        "Frozen at position {position} of the decision log; what is decided behind that is what it is judged on."
    ),
    "same_policy": msgid("What version {version} has become by learning."),
    "valued": msgid(
        "Above what was earned, a decision: {difference} ({gain}), 95 % interval {low} to {high}, weights cut at "
        "{clip}."
    ),
    "admitted": msgid("It may be tried on a share of the customers."),
    "candidate_saw_window": msgid(
        "It learned up to position {learned} of the decision log but was frozen at {frozen}: freeze it anew and wait "
        "for new decisions."
    ),
    "too_few_decisions": msgid("{decisions} settled decisions since it was frozen; {needed} are needed."),
    "rewards_immature": msgid("{share} of the rewards are known; wait until the windows have closed."),
    "clipped_mass": msgid("Too many decisions, {share}, have weights above {clip}."),
    "propensities_mismatch": msgid(
        "Actions were not taken as often as their logged probabilities say (p = {chance}, below {least_chance}): find "
        "out who else chose, and log that."
    ),
    "weights_off": msgid("The mean weight is {weight}, not 1: the log lacks what this version would do."),
    "small_effective_sample": msgid(
        "The log is worth {decisions} decisions of this version; {needed} are needed: wait, or explore more."
    ),
    "estimates_disagree": msgid(
        "Estimates differ in sign: {difference} by the one that counts, {other} by another: {estimator}."
    ),
    "not_better": msgid("The one-sided 95 % bound of the difference is {least}, not above 0."),
    "harm_unsubscribed": msgid("Unsubscribing may rise by {most} a decision; {allowed} is allowed."),
    "harm_complained": msgid("Complaints may rise by {most} a decision; {allowed} is allowed."),
    "harm_discount": msgid("Discounts may rise by {most} a decision; {allowed} is allowed."),
    "canary_nobody": msgid("No customer's days are over yet."),
    "canary_unequal": msgid("{given} of {customers} customers got it, {share} were to: nothing can be compared."),
    "canary_better": msgid("{difference} a customer after {customers}, at all times {low} to {high}: better."),
    "canary_worse": msgid("{difference} a customer after {customers}, at all times {low} to {high}: worse."),
    "canary_alike": msgid(
        "{difference} a customer after {customers}, at all times {low} to {high}: not to be told from what is live in "
        "that time."
    ),
    "canary_open": msgid("{difference} a customer after {customers}, at all times {low} to {high}: not decided yet."),
}
"""By the codes of `features.reports.finding`."""

_WHOLE = {"customers", "decisions", "needed", "learned", "frozen", "position", "given"}
_SIGNED = {"difference", "low", "high", "other", "least"}
_DIGITS = {"weight": 3, "least_chance": 3}


def told(words: Words, found: Sequence[Finding]) -> str | None:
    """The findings as sentences; None where there are none, or one that this console has no words for."""
    if not found or not all(one.known and one.code in FOUND for one in found):
        return None
    return " ".join(_sentence(words, one) for one in found)


def _sentence(words: Words, one: Finding) -> str:
    names = {place: words(_NAMES[name]) if name in _NAMES else name for place, name in one.names.items()}
    return words(FOUND[one.code], **names, **{place: _shown(words, place, x) for place, x in one.figures.items()})


def _shown(words: Words, place: str, x: float | None) -> str:
    """A figure as its place wants it; weights that are cut nowhere are cut at infinity."""
    if place == "clip":
        return "∞" if x is None else words.number(x, 0 if x == round(x) else 1)
    if place == "share":
        return words.percent(x, 0)
    if place == "gain":
        return signed(words.percent(x, 1), x)
    if place == "chance":
        return f"{0.0 if x is None else x:.1g}".replace(".", "," if words.locale == "ru" else ".")
    shown = words.number(x, 0 if place in _WHOLE else _DIGITS.get(place, 4))
    return signed(shown, x) if place in _SIGNED else shown
