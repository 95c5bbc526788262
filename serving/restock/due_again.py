"""The replenishment model as one of the recommenders, `due_again`, knowing the products of now.

Apart from the champion, which follows the registry: an export has the model already.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from features.assortment import described
from features.catalog import Changes
from models.catalogue import Catalogue
from models.recommenders.base import days
from models.recommenders.buy_again import BuyAgain, FittedBuyAgain
from models.recommenders.due_again import FittedDueAgain
from models.time_to_event.replenishment import FittedReplenishment
from serving.bundle import Bundle
from serving.placements import DUE_AGAIN


def following(model: FittedReplenishment, changes: Changes, now: datetime) -> FittedReplenishment:
    """The model with the groups of products that are new or other, as the catalogue tells of them now."""
    if not changes.products:
        return model
    told: Any = described(changes.products, {}, None)
    catalogue = Catalogue(days(now), told.item_ids, told.texts, told.numbers)
    return replace(model, groups=model.groups.extended(catalogue))


def with_due_again(bundle: Bundle, model: FittedReplenishment) -> Bundle:
    """The bundle with `due_again` among its recommenders; as it is where its version does not know `buy_again`."""
    buyer = bundle.members.get(BuyAgain.name)
    if not isinstance(buyer, FittedBuyAgain):
        return bundle
    return replace(bundle, members={**bundle.members, DUE_AGAIN: FittedDueAgain(model, buyer)})
