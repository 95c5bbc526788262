"""The recommenders by name, and recipes as JSON: what a published version says about how it was made.

To add a recommender, write its file and put its class into `RECIPES`; the contract suite then runs it.
"""

from models.recipes import built, described
from models.recommenders.als import ALS
from models.recommenders.base import Recommender
from models.recommenders.blend import Blend
from models.recommenders.bought_together import BoughtTogether
from models.recommenders.buy_again import BuyAgain
from models.recommenders.category_popularity import CategoryPopularity
from models.recommenders.content import Content
from models.recommenders.ease import EASE
from models.recommenders.fallback import Fallback
from models.recommenders.item_item import ItemItem
from models.recommenders.new import New
from models.recommenders.popularity import Popularity
from models.recommenders.recently_viewed import RecentlyViewed
from models.recommenders.rp3beta import RP3Beta
from models.recommenders.sasrec import SASRec
from models.recommenders.sequence_rules import SequenceRules
from models.recommenders.session_knn import SessionKNN
from models.recommenders.suite import Suite
from models.recommenders.trending import Trending
from models.recommenders.two_stage import TwoStage

_ALL: tuple[type[Recommender], ...] = (
    Popularity,
    CategoryPopularity,
    Trending,
    New,
    RP3Beta,
    ItemItem,
    EASE,
    BoughtTogether,
    RecentlyViewed,
    BuyAgain,
    SequenceRules,
    SessionKNN,
    SASRec,
    Content,
    ALS,
    Blend,
    Fallback,
    TwoStage,
    Suite,
)
RECIPES: dict[str, type[Recommender]] = {recipe.name: recipe for recipe in _ALL}


def to_json(recipe: Recommender) -> str:
    """A recipe as JSON, with those inside it.

    >>> to_json(Popularity(half_life=14.0))
    '{"recipe": "popularity", "half_life": 14.0, "window": null}'
    """
    return described(recipe, RECIPES)


def from_json(text: str) -> Recommender:
    """The recipe that `to_json` wrote. Raises ValueError for a name or a parameter that this version does not know.

    >>> from_json('{"recipe": "popularity", "half_life": 14.0}')
    Popularity(half_life=14.0, window=None)
    """
    recipe: Recommender = built(text, RECIPES)
    return recipe
