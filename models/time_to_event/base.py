"""What a time-to-event model is: fitted on durations, asked about pairs, answering with curves. Read this page first.

A curve says how likely it is that the next purchase has not happened h days after the day of asking. The likely day,
the interval around it and "due within a week" follow from it and are written once, in `curves.py`. Everything else in
this folder is a variation on the two Protocols below, or what they speak in: `purchases.py`, `pairs.py`,
`durations.py`.
"""

from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from models.arrays import Floats, Ids
from models.time_to_event.durations import Durations
from models.time_to_event.pairs import Pairs


class FittedTimeToEvent(Protocol):
    """Holds arrays and answers; frozen, so it can be shared by threads.

    Laws, which the contract suite states for every member: a curve starts at 1 and never rises; a batch answers as its
    rows one by one; more days without a purchase never bring the due date nearer in the calendar; units and customers
    that it never saw get an answer; saving and loading changes nothing; no customer is stored.
    """

    @property
    def name(self) -> str:
        """What it is called in answers and tables, e.g. `bg_nbd`."""
        ...

    @property
    def unit_ids(self) -> Ids:
        """The units that it learned about, sorted; others are answered by what is known of their department, or all."""
        ...

    @property
    def day(self) -> int:
        """The last day that it learned from, in days since 1970: whoever evaluates it looks here for a leak."""
        ...

    def survival(self, pairs: Pairs, horizons: Floats) -> Floats:
        """The probability of no purchase within `horizons` days (ascending, from 0 on) after each pair's day.

        Shape (pairs, horizons).
        """
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that was fitted, by name, for `npz`."""
        ...


class TimeToEvent(Protocol):
    """A recipe: a frozen dataclass of hyper-parameters, whose defaults are tuned ones."""

    name: ClassVar[str]

    def fit(self, durations: Durations) -> FittedTimeToEvent:
        """Learn from everything in `durations`."""
        ...

    def restore(self, arrays: dict[str, NDArray[Any]]) -> FittedTimeToEvent:
        """The fitted model whose `arrays()` were saved."""
        ...
