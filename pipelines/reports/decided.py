"""What was decided at each decision point of the action bank, and what came of it: what several reports begin with."""

from collections.abc import Iterator
from datetime import datetime

from features.outcomes import Outcome, outcomes
from pipelines.policies import logs
from pipelines.settings import Settings
from serving.decisions.bank import Bank
from serving.decisions.bank_file import BankFile
from training.policy.journal import Journal, gathered_by_point


def decided(settings: Settings, as_of: datetime) -> Iterator[tuple[str, Bank, Journal, list[Outcome]]]:
    """Each decision point with all of its decisions and their outcomes as known at `as_of`, one point at a time."""
    bank, known = BankFile(settings.action_bank).read(), logs(settings)
    try:
        identities = known.identities.table()
        for point, records, journal in gathered_by_point(known.decisions, bank.points, identities):
            yield point, bank, journal, outcomes(known.events, known.decisions, known.identities, records, as_of)
    finally:
        known.events.engine.dispose()
