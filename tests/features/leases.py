"""Leases that nobody loses as his machine stands still, for tests of who is kept out and of what is done meanwhile."""

from datetime import timedelta
from functools import partial

from features.alone import alone

AGES = timedelta(hours=1)
"""Longer than any machine stands still, so that who has it has it as long as the test wants."""

alone_for_ages = partial(alone, lasting=AGES)
"""To be put in the place of `alone` for all who ask in a test: a lease much longer than one's own binds nobody."""
