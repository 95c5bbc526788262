"""A shop of two weeks in which chance made groups, as reports and as logs: what the pages about decisions show."""

from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np

from features.database import open_database
from features.decisions import Option, Refusal
from features.reports.finding import Finding
from features.reports.policy_value import GateVerdict
from features.reports.table import ReportTable
from models.policies.rule import Message, Rule
from tests.serving.world import NOW
from tests.training.policy.planted import MAIL, POINT, Planted, hours, logs_at
from training.policy.dataset import Logs
from training.reports.entrants import entrants
from training.reports.policy_value import policy_value
from training.reports.uplift import uplift

RULE = Rule((Message("email", "24h", "reminder"),)).fit()
SHARES = {"policy": 0.75, "random": 0.0, "baseline": 0.0, "holdout": 0.25}
COUNT = 800
BEGAN = NOW - timedelta(days=COUNT / 24)


def plant(mailed: float = 0.6, spared: float = 0.1, kept: Logs | None = None) -> Planted:
    """Half of the policy's customers get a mail, the holdout none; how often each buys."""
    rng, shop = np.random.default_rng(4), Planted(kept=kept or logs_at())
    for number in range(COUNT):
        at, key, who = BEGAN + hours(number), f"d{number}", f"simulated-{number}"
        holdout, send = number % 4 == 0, number % 2 == 1
        options = (Option(probability=0.5), msgspec.structs.replace(MAIL, send_at=at + hours(24), probability=0.5))
        told = {"refused": (Refusal(reason="no_consent", channel="sms"),), "explored": number % 10 == 1}
        more = {"arm": "holdout", "learnable": False} if holdout else told
        shop.decided(key, who, at, send and not holdout, options, **more)
        if send and not holdout:
            shop.sent(key, who, at + hours(24))
        if rng.random() < (mailed if send and not holdout else spared):
            shop.ordered(who, at + hours(30), "20")
    return shop


def keep(folder: Path, shop: Planted) -> None:
    """Its reports in the database of the shop in `folder`, computed as of now."""
    logs = shop.logs
    before = GateVerdict("2", NOW, "refused", "not better <b>yet</b>", "1", None, None)
    found = Finding.of("too_few_decisions", {"decisions": 12, "needed": 1_000})
    coded = GateVerdict("3", NOW, "pending", "too few by far", "1", None, None, (found,))
    trial = Finding.of("canary_worse", {"difference": -0.5, "low": -0.75, "high": -0.25, "customers": 900})
    tried = GateVerdict("4", NOW, "passed", "admitted", "1", "worse", "it is worse", (), (trial,))
    seen = shop.history(NOW)
    value = policy_value(seen, POINT, "cart-policy", "1", RULE, (tried, coded, before), NOW)
    caused = uplift(entrants(logs, POINT, NOW, days=7.0), POINT, SHARES, NOW)
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    try:
        table = ReportTable(engine)
        table.save("policy-value", POINT, value)
        table.save("uplift", POINT, caused)
    finally:
        engine.dispose()


def live(folder: Path) -> None:
    """Its decisions and orders in the logs of the shop in `folder`, for whoever computes reports there."""
    logs = plant(kept=logs_at(f"sqlite:///{folder / 'kairos.db'}")).logs
    logs.events.engine.dispose()
