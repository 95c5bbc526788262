"""What the benchmarks of restocking share: which lines count, who is asked when, everybody fitted and judged alike."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks.claim import Claim, commit, machine
from models.time_to_event.base import FittedTimeToEvent, TimeToEvent
from models.time_to_event.durations import HORIZON, Durations
from models.time_to_event.family import RECIPES
from models.time_to_event.purchases import Purchases
from training.bootstrap import paired
from training.replenishment.baselines import BASELINES
from training.replenishment.timing import ALL, LESS_IS_BETTER, Timing, judge_timing

Level = Literal["group", "product"]

OURS = "hazard"
_LEFT_OUT = "FUEL|MISC|COUPON|GIFT CARD"
_MOST_PACKS = 12


@dataclass(frozen=True)
class Sitting:
    """An exam that was sat: the outcomes, and the CPU-seconds of each fit."""

    timing: Timing
    exam: Durations
    fits: Mapping[str, float]
    models: Mapping[str, FittedTimeToEvent]


def counted(folder: Path) -> pd.DataFrame:
    """The lines of Complete Journey that count, with what is known of their products."""
    lines = pd.read_parquet(
        folder / "transactions.parquet",
        columns=["household_id", "product_id", "quantity", "sales_value", "transaction_timestamp"],
    ).merge(pd.read_parquet(folder / "products.parquet"), on="product_id")
    category = lines.product_category
    dropped = category.isna() | category.str.contains(_LEFT_OUT, na=True) | (lines.quantity <= 0)
    return lines[~dropped & ~lines.department.isin(["FUEL", "MISCELLANEOUS", "COUPON"])]


def complete_journey(folder: Path, level: Level = "group") -> Purchases:
    """One unit a `product_category|product_type` in its department, or a product in its group."""
    lines = counted(folder)
    group = lines.product_category + "|" + lines.product_type.astype(str)
    price = lines.sales_value / lines.quantity
    usual = price.groupby(lines.product_id).transform("median")
    return purchases_of(
        lines.household_id,
        lines.product_id.astype(str) if level == "product" else group,
        group if level == "product" else lines.department,
        lines.transaction_timestamp,
        lines.quantity.clip(upper=_MOST_PACKS),
        (price / usual.where(usual > 0)).clip(0, 3),
    )


def purchases_of(
    customers: pd.Series, units: pd.Series, parents: pd.Series, dates: pd.Series, packs: pd.Series, prices: pd.Series
) -> Purchases:
    """Lines in columns as purchases; the parent of a unit is the one that most of its lines name."""
    who, ids = pd.factorize(customers, sort=True)
    what, unit_ids = pd.factorize(units, sort=True)
    parent = parents.groupby(what).agg(lambda named: named.value_counts().index[0])
    of, parent_ids = pd.factorize(parent.to_numpy(object), sort=True)
    day = (dates.dt.floor("D") - pd.Timestamp(0)) // pd.Timedelta(days=1)
    return Purchases.of(
        who.astype(np.int32),
        what.astype(np.int32),
        day.to_numpy(np.int32),
        packs.to_numpy(np.float64),
        prices.to_numpy(np.float64),
        np.asarray(unit_ids, object),
        of.astype(np.int32),
        np.asarray(parent_ids, object),
        len(ids),
        int(day.max()),
    )


def sit(
    purchases: Purchases,
    asked: Sequence[int],
    origins: Sequence[int],
    entrants: Mapping[str, TimeToEvent] | None = None,
) -> Sitting:
    """Fit `entrants` (all recipes when None) and the baselines on `origins` with labels until the day before the first
    of `asked`, and judge them on all pairs that are watched on these days."""
    known = Durations.of(purchases.until(min(asked) - 1), origins, HORIZON)
    future = Durations.of(purchases, asked, HORIZON)
    recipes = {**(named() if entrants is None else entrants), **BASELINES}
    models: dict[str, FittedTimeToEvent] = {}
    fits: dict[str, float] = {}
    for name, recipe in recipes.items():
        started = time.process_time()
        models[name] = recipe.fit(known)
        fits[name] = time.process_time() - started
    return Sitting(judge_timing({"need": models}, {"need": future}, tuple(BASELINES)), future, fits, models)


def named() -> dict[str, TimeToEvent]:
    """Every recipe with its defaults, but for those that are baselines already."""
    there = set(map(type, BASELINES.values()))
    return {name: recipe() for name, recipe in RECIPES.items() if recipe not in there}


@dataclass(frozen=True)
class Owed:
    """A measure of a stratum, and what is owed: at most or at least as much, whichever is better."""

    measure: str
    must: float | None = None
    goal: float | None = None
    stratum: str = ALL

    @property
    def less(self) -> bool:
        """Whether less is better."""
        return self.measure in LESS_IS_BETTER or self.measure.startswith("ece")


def claims(
    sitting: Sitting, owed: Sequence[Owed], data: str, protocol: str, rng: np.random.Generator, ours: str = OURS
) -> list[Claim]:
    """A row for each thing owed; intervals are those of the measure, by resampled customers."""
    return [_claim(sitting, one, data, protocol, rng, ours) for one in owed]


def _claim(sitting: Sitting, one: Owed, data: str, protocol: str, rng: np.random.Generator, ours: str) -> Claim:
    parts = {outcome.name: outcome.parts[one.stratum] for outcome in sitting.timing.outcomes}
    value = parts[ours].mean(one.measure)
    sign = "<=" if one.less else ">="
    met = None if one.must is None else (value <= one.must if one.less else value >= one.must)
    interval = None
    if one.measure in parts[ours].values:
        values = parts[ours].values[one.measure]
        found = paired(values, np.zeros(len(values)), rng)
        interval = (found.low, found.high)
    return Claim(
        measure=one.measure if one.stratum == ALL else f"{one.measure}, {one.stratum} purchases known",
        data=data,
        protocol=protocol,
        ours=value,
        interval=interval,
        baselines={name: part.mean(one.measure) for name, part in parts.items() if name != ours},
        must=None if one.must is None else f"{sign} {one.must:g}",
        goal=None if one.goal is None else f"{sign} {one.goal:g}",
        met=met,
        seeds=(),
        cpu_seconds=sitting.fits[ours],
        machine=machine(),
        commit=commit(),
    )
