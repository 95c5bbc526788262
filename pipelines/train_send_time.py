"""The verb `train send-time`: in which hours of the week customers are there, from the history to a challenger."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console

from features.compute import visible
from features.database import open_database
from features.privacy.personal import identities_to_learn_from
from models.registry import Registry
from pipelines.refresh import end_of_history
from pipelines.settings import Settings
from pipelines.train import TrainReport
from serving.decisions.bank_file import BankFile
from serving.decisions.zones import zone_named
from training.send_time import Trained, train

_SEED = 0


def train_send_time(settings: Settings, registry: Registry, until: datetime | None) -> Trained:
    """Train on everything before `until`, the end of the history when None, on the clock of the shop's own zone."""
    identities = identities_to_learn_from(open_database(settings.database_url))
    end = until or end_of_history(settings)
    with visible(settings.history, identities, end) as seen:
        visits = seen.visits()
    zone: ZoneInfo = zone_named(BankFile(settings.action_bank).read().zone)
    return train(visits, zone, registry, end, np.random.default_rng(_SEED))


def report(trained: Trained) -> dict[str, Any]:
    """The short form."""
    version = trained.version
    return asdict(TrainReport(version.number, version.run_id, trained.passed, version.tags["gate.words"]))


def print_trained(trained: Trained, console: Console) -> None:
    """What the gate says."""
    colour, word = ("green", "passed") if trained.passed else ("red", "refused")
    console.print(f"Gate: [{colour}]{word}[/{colour}]. {trained.version.tags['gate.words']}", highlight=False)
    console.print(f"{trained.version.name} {trained.version.number} is the challenger now.")
