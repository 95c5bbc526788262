"""The policies by name, and what is published of them as JSON.

To add a policy, write its file and put its class into `RECIPES`; the contract suite then runs it.
"""

from typing import Any

from models.policies.advantages import Prior
from models.policies.base import Policy
from models.policies.best_fixed import BestFixed
from models.policies.beta_bernoulli import BetaBernoulli
from models.policies.factored import Factored
from models.policies.factored_thompson import FactoredThompson
from models.policies.hour_of_week import HourOfWeek
from models.policies.organic import Organic
from models.policies.rule import Message, Rule
from models.policies.sequential import Sequential
from models.policies.thompson import LinearThompson
from models.policies.uniform import Uniform
from models.recipes import built, described

_ALL: tuple[type[Policy], ...] = (
    Rule,
    Uniform,
    BestFixed,
    BetaBernoulli,
    LinearThompson,
    FactoredThompson,
    Factored,
    Sequential,
)
RECIPES: dict[str, type[Policy]] = {recipe.name: recipe for recipe in _ALL}
_PARTS: tuple[type[Any], ...] = (Message, Prior, Organic)
_PUBLISHED: dict[str, type[Any]] = {
    **RECIPES,
    **{part.name: part for part in _PARTS},
    HourOfWeek.name: HourOfWeek,
}
"""The hours of the week decide nothing, but are fitted and saved as policies are, which get slot scores from them."""


def to_json(recipe: Policy) -> str:
    """A recipe as JSON, with its parts.

    >>> to_json(Uniform())
    '{"recipe": "uniform", "silence": 0.03}'
    """
    return described(recipe, _PUBLISHED)


def from_json(text: str) -> Policy:
    """The recipe that `to_json` wrote. Raises ValueError for a name or a parameter that this version does not know.

    >>> from_json('{"recipe": "rule", "series": [{"recipe": "message", "channel": "email", "delay": "24h"}]}').series
    (Message(channel='email', delay='24h', argument='', incentive='', hour=''),)
    """
    recipe: Policy = built(text, _PUBLISHED)
    return recipe
