"""From what a model found to the answer: weigh, pin, draw the new, fill the rest. The second half of the rules."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.arrays import Mask
from serving.rules.allow import allow
from serving.rules.candidates import Candidate, Candidates, weighed
from serving.rules.columns import Columns
from serving.rules.exploration import explore
from serving.rules.fill import filled
from serving.rules.filters import mask
from serving.rules.page import Page, Slot
from serving.rules.pins import pinned
from serving.rules.promotion import quota, within_share
from serving.rules.rules import Rules

PINNED, PROMOTED, EXPLORED = "pinned", "promoted", "explored"
"""The sources of what no model found."""

_CHOICE = 100
_TIMES = 5


def depth(rules: Rules, limit: int) -> int:
    """How many candidates to ask a model for: no more than needed while its order stands, else enough to choose from.

    >>> depth(Rules(), 10), depth(Rules(diversity=0.3), 10)
    (10, 100)
    """
    reorders = rules.boost or rules.rotation or rules.avoid_rejected or rules.diversity or rules.caps or rules.promoted
    return max(_CHOICE, _TIMES * limit) if reorders else limit


def arrange(
    rules: Rules,
    page: Page,
    columns: Columns,
    candidates: Sequence[Candidate],
    limit: int,
    allowed: Mask | None = None,
) -> list[Slot]:
    """At most `limit` slots from `candidates`, best first, several sources one after another.

    `allowed` is what `allow` gave, asked again when None; nothing outside of it is ever in the answer. Pins stand at
    their positions, or nearer to the front of an answer that is shorter, unless a cap or the share of promoted products
    forbids it; both hold for everything. The same input and `page.seed` give the same slots.
    """
    may = allow(rules, page, columns) if allowed is None else allowed
    if plain(rules):
        return _in_their_order(columns, candidates, may)[:limit]
    promoted = _promoted(rules, columns)
    found = weighed(rules, page, columns, candidates, may)
    pins = pinned(rules, columns, found.by_weight, may, limit)
    pins = _within_quota(rules, promoted, pins, limit)
    drawn = explore(rules, page, columns, found, may & ~promoted, pins, limit)
    fixed = {**pins, **{position: code for position, (code, _) in drawn.items()}}
    room = quota(rules, limit) - sum(bool(promoted[code]) for code in pins.values())
    free = [position for position in range(1, limit + 1) if position not in fixed]
    chosen = filled(rules, columns, found, fixed, promoted, may, free, room)
    slots = _slots(columns, found, pins, drawn, chosen, promoted)
    kept = set(within_share(rules, [*slots.values()]))
    standing = [slot for position, slot in sorted(slots.items()) if position not in pins and slot in kept]
    for position in sorted(pins):
        if slots[position] in kept:
            standing.insert(position - 1, slots[position])
    return standing


def plain(rules: Rules) -> bool:
    """Whether nothing is weighed, drawn or put anywhere, so that the order of the models stands."""
    weighed_by = rules.min_relevance or rules.boost or rules.rotation or rules.avoid_rejected or rules.diversity
    return not (weighed_by or rules.caps or rules.promoted or rules.pin or rules.explore)


def _in_their_order(columns: Columns, candidates: Sequence[Candidate], may: Mask) -> list[Slot]:
    """Each allowed product once, as it was first found: what the general way comes to where the rules are plain."""
    codes = columns.codes([candidate.item_id for candidate in candidates])
    standing = ((codes >= 0) & may[codes]).tolist()
    slots: dict[str, Slot] = {}
    for (item_id, score, source, _), stands in zip(candidates, standing, strict=True):
        if stands and item_id not in slots:
            slots[item_id] = Slot(item_id, score, source)
    return list(slots.values())


def _slots(
    columns: Columns,
    found: Candidates,
    pins: Mapping[int, int],
    drawn: Mapping[int, tuple[int, float]],
    chosen: Mapping[int, int],
    promoted: Mask,
) -> dict[int, Slot]:
    """By position, the pinned ones first."""
    known = dict(zip(found.codes.tolist(), zip(found.scores.tolist(), found.sources, strict=True), strict=True))

    def slot(code: int, source: str, propensity: float | None = None) -> Slot:
        score, its = known.get(code, (0.0, source))
        item_id, mark = str(columns.item_ids[code]), bool(promoted[code])
        # The place of a pin is the shop's choice, so a model that found the product too must not learn from it.
        return Slot(item_id, score, source if source == PINNED else its, mark, propensity is not None, propensity)

    slots = {position: slot(code, PINNED) for position, code in pins.items()}
    slots |= {position: slot(code, EXPLORED, propensity) for position, (code, propensity) in drawn.items()}
    return slots | {position: slot(code, PROMOTED) for position, code in chosen.items()}


def _promoted(rules: Rules, columns: Columns) -> Mask:
    if rules.promoted is None:
        return np.zeros(len(columns.item_ids), bool)
    return mask(columns, rules.promoted.filter, strict=False)


def _within_quota(rules: Rules, promoted: Mask, pins: dict[int, int], limit: int) -> dict[int, int]:
    """Pins may not promote more than the rules do."""
    over = [position for position, code in pins.items() if promoted[code]][quota(rules, limit) :]
    return {position: code for position, code in pins.items() if position not in over}
