"""What a visitor came back from: looked at, thought over, not added. Its traits speak against their like.

Who looked at a red one and did not take it may want another colour, not another red one.
"""

from collections.abc import Iterator

import numpy as np

from models.arrays import Codes, Floats, Mask
from serving.rules.columns import Columns
from serving.rules.history import ADDED, History, history_of
from serving.rules.page import Page

VISIT = 1 / 48
"""In days: what was looked at once within this time is still being looked at."""

_MOST = 20
_THIRDS = 3


def rejection(page: Page, columns: Columns, codes: Codes) -> Floats:
    """How much speaks against each of `codes`, 0 to below 1, shape (codes,).

    Rejected is what was looked at in an earlier visit or twice, and neither added nor bought; the latest 20 of these
    and of what was taken count. In its category and group a trait (brand, third of the price, each attribute) counts by
    its share among what was rejected, less its share among what was taken, and all traits together by their mean.
    """
    history = history_of(page, columns)
    rejected = _latest(history, _rejected(history, page.day))
    if not len(rejected) or not len(codes):
        return np.zeros(len(codes))
    products = np.concatenate([rejected, _latest(history, history.strongest >= ADDED)])
    related = _same(columns.texts["category"].codes, products, codes)
    related |= _same(columns.texts["group_id"].codes, products, codes)
    alike = np.stack([related & _same(trait, products, codes) for trait in _traits(columns, rejected)])
    split = len(rejected)
    against = alike[:, :split].sum(axis=1) / (related[:split].sum(axis=0) + 1)
    in_favour = alike[:, split:].sum(axis=1) / (related[split:].sum(axis=0) + 1)
    return np.asarray(np.maximum(against - in_favour, 0.0).mean(axis=0))


def _rejected(history: History, day: float) -> Mask:
    return (history.strongest < ADDED) & ((history.times > 1) | (history.first < day - VISIT))


def _latest(history: History, which: Mask) -> Codes:
    codes, last = history.codes[which], history.last[which]
    return codes[np.argsort(-last, kind="stable")[:_MOST]]


def _traits(columns: Columns, rejected: Codes) -> Iterator[Codes]:
    """Columns of codes, -1 for unknown; attributes only where a rejected product has a value."""
    yield columns.texts["brand"].codes
    yield np.asarray(columns.masks.get("price third", lambda: _price_third(columns.price_rank)))
    for name in columns.attributes:
        codes = columns.texts[name].codes
        if (codes[rejected] >= 0).any():
            yield codes


def _price_third(rank: Floats) -> Codes:
    third = np.minimum(np.nan_to_num(rank) * _THIRDS, _THIRDS - 1).astype(np.int32)
    return np.where(np.isnan(rank), np.int32(-1), third)


def _same(values: Codes, products: Codes, codes: Codes) -> Mask:
    own = values[products][:, None]
    return np.asarray((own == values[codes][None, :]) & (own >= 0))
