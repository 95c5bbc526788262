"""What a run leaves behind besides a model: what it was about, on which data, and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Snapshot:
    """The data that a model was trained on, so that a run can be told from another and repeated."""

    name: str
    digest: str
    since: datetime
    until: datetime
    interactions: int
    customers: int
    products: int


@dataclass(frozen=True)
class Evidence:
    """Parameters, metrics, tables and figures by name, and the same in words."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    snapshot: Snapshot
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    card: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
