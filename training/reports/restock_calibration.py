"""How true the forecasts of the live version came, from the table that was kept with it when it was judged."""

from io import StringIO

import pandas as pd

from features.reports.restock_calendar import Bin, Calibration
from training.reports.wilson import share

DAYS = 14
"""The window that the gate looks at, too."""


def calibration(csv: str | None, model_version: str, days: int = DAYS) -> Calibration | None:
    """From the table of `training.replenishment.honesty`; None without one, or where it has nothing of this window."""
    if csv is None:
        return None
    told = pd.read_csv(StringIO(csv))
    told = told[told["days"] == days].sort_values("foreseen")
    if told.empty:
        return None
    error = float(((told["foreseen"] - told["happened"]).abs() * told["pairs"]).sum() / told["pairs"].sum())
    bins = tuple(
        Bin(round(float(foreseen), 5), share(round(happened * pairs), int(pairs)))
        for foreseen, happened, pairs in zip(told["foreseen"], told["happened"], told["pairs"], strict=True)
    )
    return Calibration(model_version, days, round(error, 5), bins)
