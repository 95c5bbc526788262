"""The report `audit`: who did what at the console."""

from dataclasses import dataclass
from datetime import datetime

from features.acts import Done


@dataclass(frozen=True)
class Audit:
    """The latest acts, the newest first."""

    as_of: datetime
    computed_at: datetime
    acts: tuple[Done, ...]
