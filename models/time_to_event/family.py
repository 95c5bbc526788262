"""The time-to-event models by name, and what is published of them as JSON.

To add a model, write its file and put its class into `RECIPES`; the contract suite then runs it.
"""

from models.recipes import built, described
from models.time_to_event.base import TimeToEvent
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.hazard import Hazard
from models.time_to_event.log_logistic import LogLogistic
from models.time_to_event.log_normal import LogNormal
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.mixture import Mixture
from models.time_to_event.product_choice import ProductChoice
from models.time_to_event.quantity import Quantity
from models.time_to_event.replenishment import Replenishment
from models.time_to_event.weibull import Weibull

_ALL: tuple[type[TimeToEvent], ...] = (
    MeanInterval,
    BGNBD,
    LogNormal,
    LogLogistic,
    Weibull,
    Mixture,
    Hazard,
)
RECIPES: dict[str, type[TimeToEvent]] = {recipe.name: recipe for recipe in _ALL}
_PUBLISHED = {
    **RECIPES,
    Replenishment.name: Replenishment,
    Quantity.name: Quantity,
    ProductChoice.name: ProductChoice,
}
"""A version holds a whole replenishment; the models in it are its parts."""


def to_json(recipe: Replenishment | TimeToEvent) -> str:
    """A recipe as JSON, with those inside it.

    >>> to_json(MeanInterval())
    '{"recipe": "mean_interval"}'
    """
    return described(recipe, _PUBLISHED)


def from_json(text: str) -> Replenishment | TimeToEvent:
    """The recipe that `to_json` wrote. Raises ValueError for a name or a parameter that this version does not know.

    >>> from_json('{"recipe": "replenishment", "need": {"recipe": "mean_interval"}, "origins": 7}').origins
    7
    """
    recipe: Replenishment | TimeToEvent = built(text, _PUBLISHED)
    return recipe
