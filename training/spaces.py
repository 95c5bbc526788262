"""Where tuning looks: for each recipe the parameters that matter and their ranges. What is not named keeps its value.

Half-lives and windows are choices rather than ranges, as None (keep everything) is one of them. A combinator's space is
of its own part; its sources are tuned by themselves.
"""

from collections.abc import Mapping

from optuna.distributions import CategoricalDistribution as Choice
from optuna.distributions import FloatDistribution as Real
from optuna.distributions import IntDistribution as Whole

from training.tune import Space

_HALF_LIFE = Choice([7.0, 20.0, 45.0, 90.0, 120.0, 180.0, None])
_FADING = {
    "fade_days": Real(3.0, 90.0, log=True),
    "fade": Real(0.1, 1.5),
}

SPACES: Mapping[str, Space] = {
    "popularity": {"half_life": Choice([1.0, 3.0, 7.0, 14.0, 30.0, None]), "window": Choice([7.0, 30.0, 90.0, None])},
    "category_popularity": {
        "half_life": Choice([7.0, 14.0, 30.0, 60.0, None]),
        "doubt": Real(1.0, 300.0, log=True),
        **_FADING,
    },
    "trending": {
        "lately": Real(2.0, 14.0, log=True),
        "usually": Real(28.0, 180.0, log=True),
        "doubt": Real(1.0, 100.0, log=True),
        "risk": Real(0.01, 0.3, log=True),
    },
    "new": {"half_life": Real(2.0, 30.0, log=True)},
    "buy_again": {
        "bought": Real(0.5, 1.5),
        "fade_days": Real(10.0, 180.0, log=True),
        "fade": Real(0.3, 2.0),
        "pace": Real(0.0, 1.0),
        "prior": Real(0.1, 3.0, log=True),
        "loyalty": Real(0.0, 2.0),
        "trend": Real(0.0, 1.0),
        "rest": Real(0.0, 0.95),
        "waking": Real(1.0, 30.0, log=True),
        "doubt": Real(0.5, 8.0, log=True),
    },
    "rp3beta": {
        "half_life": _HALF_LIFE,
        "power": Real(0.1, 0.75),
        "alpha": Real(0.5, 0.9),
        "beta": Real(0.0, 0.4),
        "trend": Real(0.3, 0.9),
        "neighbours": Whole(50, 300, log=True),
        "fade_days": Real(7.0, 60.0, log=True),
        "fade": Real(0.4, 0.8),
        "history_power": Real(0.25, 1.0),
        "repeat": Real(2.0, 32.0, log=True),
        "loyalty": Real(0.3, 0.8),
    },
    "item_item": {
        "half_life": _HALF_LIFE,
        "power": Real(0.1, 1.0),
        "window": Choice([0.1, 1.0, 7.0, 28.0, None]),
        "together": Real(0.0, 2.0),
        "shrinkage": Real(0.5, 100.0, log=True),
        "neighbours": Whole(50, 300, log=True),
        **_FADING,
        "history_power": Real(0.25, 1.0),
    },
    "ease": {
        "regularization": Real(10.0, 3000.0, log=True),
        "half_life": _HALF_LIFE,
        "power": Real(0.1, 1.0),
        "activity": Real(0.0, 1.0),
        **_FADING,
        "history_power": Real(0.25, 1.0),
    },
    "bought_together": {
        "half_life": _HALF_LIFE,
        "crowding": Real(0.0, 1.0),
        "shrinkage": Real(0.5, 100.0, log=True),
        "caution": Real(0.0, 2.0),
        "neighbours": Whole(50, 300, log=True),
    },
    "sequence_rules": {
        "steps": Whole(1, 30, log=True),
        "nearness": Real(0.0, 2.0),
        "backward": Real(0.0, 1.0),
        "power": Real(0.1, 1.0),
        "half_life": _HALF_LIFE,
        "alpha": Real(0.0, 1.0),
        "beta": Real(0.0, 1.0),
        "neighbours": Whole(50, 300, log=True),
        "fade": Real(0.1, 2.0),
    },
    "session_knn": {
        "recent": Whole(100, 3000, log=True),
        "neighbours": Whole(50, 1000, log=True),
        "fade": Real(0.1, 2.0),
        "idf": Real(0.0, 3.0),
        "length": Real(0.0, 1.0),
        "half_life": _HALF_LIFE,
        "repeat": Real(0.0, 2.0),
    },
    "als": {
        "factors": Choice([32, 64, 96, 128]),
        "regularization": Real(1.0, 30.0, log=True),
        "confidence": Real(0.3, 10.0, log=True),
        "iterations": Choice([4, 8]),
        "half_life": _HALF_LIFE,
        "power": Real(0.25, 1.0),
        **_FADING,
    },
    "sasrec": {
        "factors": Choice([32, 64, 128]),
        "blocks": Whole(1, 3),
        "epochs": Whole(4, 30, log=True),
        "negatives": Whole(128, 1024, log=True),
        "dropout": Real(0.0, 0.5),
        "rate": Real(3e-4, 5e-3, log=True),
        "sharpness": Real(8.0, 32.0, log=True),
        "window": Choice([0, 3, 5, 10]),
    },
    "content": {"rarity": Real(0.5, 5.0), "plainness": Real(0.0, 1.0), **_FADING},
    "blend": {"depth": Whole(50, 300, log=True), "prior": Real(5.0, 500.0, log=True)},
    "two_stage": {
        "depth": Whole(50, 300, log=True),
        "trees": Whole(50, 300, log=True),
        "leaves": Whole(7, 63, log=True),
        "learning_rate": Real(0.02, 0.2, log=True),
        "smallest_leaf": Whole(20, 500, log=True),
        "column_share": Real(0.3, 1.0),
        "l2": Real(0.1, 100.0, log=True),
    },
}
