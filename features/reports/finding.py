"""What a gate found, as a code with its figures: a version keeps it beside the words, so that a page can say it in the
language of whoever reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Protocol

import msgspec

_INTERVAL = ("difference", "low", "high")
_MATCH = ("candidate", "opponent", *_INTERVAL)

CODES: Final[Mapping[str, tuple[str, ...]]] = {
    "better_at_repeats": (*_MATCH, "gain"),
    "not_better_at_repeats": (*_MATCH, "gain"),
    "not_worse_at_new": ("opponent", *_INTERVAL),
    "worse_at_new": ("opponent", *_INTERVAL),
    "better_order": _MATCH,
    "not_better_order": _MATCH,
    "better_chance": _INTERVAL,
    "not_better_chance": _INTERVAL,
    "as_honest": ("mine", "its"),
    "less_honest": ("mine", "its", "allowed"),
    "better_hours": ("opponent", "customers", *_INTERVAL),
    "not_better_hours": ("opponent", "customers", *_INTERVAL),
    "frozen": ("position",),
    "same_policy": ("version",),
    "valued": (*_INTERVAL, "gain", "clip"),
    "admitted": (),
    "candidate_saw_window": ("learned", "frozen"),
    "too_few_decisions": ("decisions", "needed"),
    "rewards_immature": ("share",),
    "clipped_mass": ("share", "clip"),
    "propensities_mismatch": ("chance", "least_chance"),
    "weights_off": ("weight",),
    "small_effective_sample": ("decisions", "needed"),
    "estimates_disagree": ("difference", "other", "estimator"),
    "not_better": ("least",),
    "harm_unsubscribed": ("most", "allowed"),
    "harm_complained": ("most", "allowed"),
    "harm_discount": ("most", "allowed"),
    "canary_nobody": (),
    "canary_unequal": ("given", "customers", "share"),
    "canary_better": (*_INTERVAL, "customers"),
    "canary_worse": (*_INTERVAL, "customers"),
    "canary_alike": (*_INTERVAL, "customers"),
    "canary_open": (*_INTERVAL, "customers"),
}
"""Every code with what it tells of: `names` of what was compared, and figures, which are None where they are unbounded
or not known. `gain` and `share` are shares of 1, `chance` a p-value."""


class Bounded(Protocol):
    """A difference with the ends of its interval."""

    @property
    def mean(self) -> float:
        """By how much."""

    @property
    def low(self) -> float:
        """At least."""

    @property
    def high(self) -> float:
        """At most."""


def difference(found: Bounded) -> dict[str, float]:
    """A difference as findings tell of it."""
    return {"difference": found.mean, "low": found.low, "high": found.high}


@dataclass(frozen=True)
class Finding:
    """One thing that a gate found: its code, its figures and the names in it."""

    code: str
    figures: dict[str, float | None]
    names: dict[str, str]

    @classmethod
    def of(cls, code: str, figures: Mapping[str, float] | None = None, **names: str) -> "Finding":
        """From numbers that may be infinite or NaN. Raises ValueError for what the code does not tell of.

        >>> Finding.of("clipped_mass", {"share": 0.25, "clip": float("inf")})
        Finding(code='clipped_mass', figures={'share': 0.25, 'clip': None}, names={})
        """
        kept = {name: float(x) if isfinite(x) else None for name, x in (figures or {}).items()}
        found = cls(code, kept, names)
        if not found.known:
            wanted = ", ".join(CODES[code]) if code in CODES else f"one of {', '.join(CODES)}"
            raise ValueError(f"{code} with {', '.join([*kept, *names]) or 'nothing'}: it takes {wanted}")
        return found

    @property
    def known(self) -> bool:
        """Whether this is a code of ours with all that it tells of: another version may have written another."""
        return self.code in CODES and {*self.figures, *self.names} == {*CODES[self.code]}


def to_text(found: Sequence[Finding]) -> str:
    """As a tag of a version keeps them."""
    return msgspec.json.encode(found).decode()


def from_text(text: str | None) -> tuple[Finding, ...]:
    """What `to_text` made; nothing of versions from before there were codes, nor of what is not known here.

    >>> from_text(to_text([Finding.of("admitted")]))
    (Finding(code='admitted', figures={}, names={}),)
    >>> from_text(None), from_text('[{"code":"of tomorrow","figures":{},"names":{}}]'), from_text("{")
    ((), (), ())
    """
    try:
        found = msgspec.json.decode(text or "[]", type=tuple[Finding, ...])
    except msgspec.DecodeError:
        return ()
    return found if all(one.known for one in found) else ()
