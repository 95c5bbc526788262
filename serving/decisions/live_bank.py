"""The action bank as it is configured now, and what was promised of it today: both follow what changes."""

import logging
from collections.abc import Collection
from dataclasses import replace

from features.log import Log
from features.privacy.personal import PURPOSE
from serving.decisions.bank import Bank
from serving.decisions.bank_file import BankFile
from serving.decisions.budgets import Budgets
from serving.decisions.default_bank import DEFAULT
from serving.metrics import Metrics

UNREADABLE = "action_bank_unreadable"

log = logging.getLogger(__name__)


class LiveBank:
    """A wrong file changes nothing. One that is wrong when the service begins silences it until somebody mends it.

    Whoever began with it cannot know what the shop allows, and the default would write where the file says not to. So
    every decision point of the default is there and off; what else the service answers needs no bank.
    """

    def __init__(self, file: BankFile, decisions: Log, metrics: Metrics) -> None:
        self.file = file
        self.decisions = decisions
        self.metrics = metrics
        self._silent = _silenced(DEFAULT)
        try:
            self.now: Bank = file.read()
            """The bank that holds."""
        except (ValueError, OSError) as error:
            self.now = self._silent
            metrics.refresh_failures.add()
            log.error("nothing is sent until the action bank can be read: %s", error)

        self.budgets = Budgets(decisions, self.now.zone)
        """What was promised of its incentives."""

    def lacking(self, bank: Bank) -> str | None:
        """Why decisions by `bank`, which held here, are degraded; None when they are not."""
        return UNREADABLE if bank is self._silent else None

    def channels(self) -> Collection[str] | None:
        """By which channels messages may go; None while the file that names them cannot be read."""
        bank = self.now
        return None if self.lacking(bank) is not None else bank.channels.keys()

    def purposes(self) -> Collection[str] | None:
        """For which purposes words about consent count; None while the file that names them cannot be read."""
        bank = self.now
        if self.lacking(bank) is not None:
            return None
        return {channel.purpose for channel in bank.channels.values()} | {PURPOSE}

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


def _silenced(bank: Bank) -> Bank:
    return replace(bank, points={name: replace(point, mode="off") for name, point in bank.points.items()})
