"""What a forecast lacks, in a code: the reason for saying nothing, which people are told in words."""

from typing import Literal

import numpy as np

from models.arrays import Ids, codes_of
from models.time_to_event.groups import Groups
from models.time_to_event.lines import Lines
from models.time_to_event.pairs import Pairs, Watch

Missing = Literal["", "one_purchase", "all_on_one_day", "long_ago", "not_periodic", "no_group", "never_bought"]
"""Of a pair: `one_purchase`, so nobody knows how long it lasts; `all_on_one_day`, several of them, which is no interval
either; `long_ago`, longer than anybody is watched. Of a product without a pair: `not_periodic`, as the shop declares;
`no_group`, as the catalogue did not hold it when the model was made; `never_bought`. "" where nothing is missing."""


def missing(pairs: Pairs, lines: Lines, groups: Groups, watch: Watch) -> Ids:
    """What each pair lacks; the pairs are those of `lines`, whose groups are `groups`.

    A single purchase is enough in a group of which the shop declares that it is bought periodically.
    """
    count = pairs.columns["purchases"]
    declared = np.zeros(len(groups.unit_ids), bool)
    declared[groups.units[(groups.periodic == 1) & (groups.units >= 0)]] = True
    few = (count < watch.purchases) & ~declared[codes_of(pairs.unit_ids, groups.unit_ids)[pairs.units]]
    choices = [pairs.columns["elapsed"] > watch.days, ~few, (count == 1) & _several(pairs, lines, groups)]
    return np.select(choices, ["long_ago", "", "all_on_one_day"], "one_purchase").astype(object)


def missing_of(product_id: str, groups: Groups) -> Missing:
    """What a product lacks of which a customer has no pair."""
    place = int(codes_of([product_id], groups.product_ids)[0])
    if place < 0:
        return "no_group"
    return "not_periodic" if groups.units[place] < 0 else "never_bought"


def _several(pairs: Pairs, lines: Lines, groups: Groups) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a pair has more than one line."""
    places = codes_of(lines.product_ids, groups.product_ids)[lines.products]
    units = np.where(places >= 0, groups.units[places], -1)
    bought = (lines.customers.astype(np.int64) * len(groups.unit_ids) + units)[units >= 0]
    asked = pairs.customers.astype(np.int64) * len(groups.unit_ids) + pairs.units
    order = np.argsort(asked)
    found = np.searchsorted(asked[order], bought)
    counts = np.zeros(len(asked), np.int64)
    there = found < len(asked)
    there[there] = asked[order][found[there]] == bought[there]  # what was bought years ago has no pair any more
    counts[order] = np.bincount(found[there], minlength=len(asked))
    return np.asarray(counts > 1)
