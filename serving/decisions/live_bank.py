"""The action bank as it is configured now, and what was promised of it today: both follow what changes."""

import logging

from features.log import Log
from serving.decisions.bank import Bank
from serving.decisions.bank_file import BankFile
from serving.decisions.budgets import Budgets
from serving.metrics import Metrics

log = logging.getLogger(__name__)


class LiveBank:
    """Read once when it is made, which raises what the file raises; from then on a wrong file changes nothing."""

    def __init__(self, file: BankFile, decisions: Log, metrics: Metrics) -> None:
        self.file = file
        self.decisions = decisions
        self.metrics = metrics
        self.now: Bank = file.read()
        """The bank that holds."""

        self.budgets = Budgets(decisions, self.now.zone)
        """What was promised of its incentives."""

    def follow(self) -> None:
        """Take over what the file says now, if it is another one."""
        if not self.file.changed():
            return
        try:
            bank = self.file.read()
        except (ValueError, OSError) as error:
            self.metrics.refresh_failures.add()
            log.error("the action bank stays as it was: %s", error)
            return
        if bank.zone != self.budgets.zone.key:
            self.budgets = Budgets(self.decisions, bank.zone)
        self.now = bank
        log.info("the action bank is that of %s", self.file.path)
