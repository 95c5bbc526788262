"""What people call a group of products: the last step of its category, or nothing where a product must speak for it."""

from models.time_to_event.groups import OF_PRODUCT, OF_VARIANTS
from models.time_to_event.substitutes import LEARNED

_WITHOUT_A_NAME = (OF_PRODUCT, OF_VARIANTS, LEARNED)


def group_name(unit_id: str) -> str | None:
    """The name of a group by its id; None where it has none of its own, and is best called by a product in it.

    >>> group_name("Grocery/Fruit - shelf stable/Pears"), group_name("product:food-2kg")
    ('Pears', None)
    """
    if unit_id.startswith(_WITHOUT_A_NAME):
        return None
    return unit_id.rstrip("/").rpartition("/")[2] or None
