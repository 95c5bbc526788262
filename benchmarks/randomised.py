"""Evaluation against real randomised truth: does it say what the untouched half then shows?

    python -m benchmarks.randomised /path/to/data [--resamples 200]

Hillstrom (64,000 customers; men's, women's or no letter at random) and Starbucks (10 offers at random, six waves to the
same customers): one half is thinned into a log by a biased policy whose propensities are known, the value of another
policy is estimated from it, and the truth is what that policy's own customers did in the other half. Mail slots that
are known to do nothing are a test for claims. The folder holds `hillstrom/`, `starbucks_offers/`, `email_slots/`.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from scipy.stats import chi2_contingency

from benchmarks.claim import Claim, commit, machine, write
from models.arrays import Floats
from models.off_policy.intervals import Clusters
from models.policies.contexts import Contexts
from models.policies.eligible import Eligible
from models.policies.logged import LoggedDecisions
from training.policy.canary import Canary
from training.policy.gate import Candidate, Rules, judge
from training.policy.value import Compared, value

_CONSOLE = Console(markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Trial:
    """A randomised experiment: each row got one of `count` actions with the same chance, whatever it was like."""

    name: str
    contexts: Contexts
    actions: NDArray[np.int64]
    outcomes: Floats
    customers: NDArray[np.int64]
    one: Eligible
    """The actions of a single decision."""

    @property
    def design(self) -> Floats:
        """The contexts on one scale, a constant before them; what is not known is the mean."""
        known = self.contexts.values
        known = np.where(np.isnan(known), np.nanmean(known, axis=0), known)
        known = (known - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
        return np.column_stack([np.ones(len(known)), known])

    @property
    def count(self) -> int:
        """How many actions there are."""
        return len(self.one.codes)

    def thinned(
        self, rng: np.random.Generator, rows: NDArray[np.int64], wanted: Floats
    ) -> tuple[LoggedDecisions, NDArray[np.int64]]:
        """What a policy with probabilities `wanted` (rows, actions) would have logged, by rejection; and whose rows."""
        kept = rng.random(len(rows)) < wanted[np.arange(len(rows)), self.actions[rows]] / wanted.max()
        mine = rows[kept]
        n = len(mine)
        eligible = self.one.take(np.zeros(n, np.int64))
        chosen = np.arange(n, dtype=np.int64) * self.count + self.actions[mine]
        log = LoggedDecisions(
            self.contexts.take(mine),
            eligible,
            chosen,
            wanted[kept][np.arange(n), self.actions[mine]],
            self.outcomes[mine],
            np.ones(n, bool),
            self.customers[mine],
            np.arange(n, dtype=np.int64),
            np.ones(n, np.int64),
            np.arange(n, dtype=np.float64),
        )
        return log, mine


def hillstrom(folder: Path) -> Trial:
    """Visits within two weeks of no letter, one about men's or one about women's things."""
    rows = pd.read_csv(folder / "hillstrom" / "hillstrom.csv")
    known = rows[["recency", "history", "mens", "womens", "newbie"]].assign(
        history=np.log1p(rows.history),
        web=rows.channel == "Web",
        phone=rows.channel == "Phone",
        urban=rows.zip_code == "Urban",
        rural=rows.zip_code == "Rural",
    )
    letters = {"No E-Mail": 0, "Mens E-Mail": 1, "Womens E-Mail": 2}
    one = Eligible.of([[({}, {}), *(({"channel": "email", "argument": who}, {}) for who in ("mens", "womens"))]])
    return Trial(
        "Hillstrom, visits",
        Contexts(tuple(known.columns), known.to_numpy(np.float64)),
        rows.segment.map(letters).to_numpy().astype(np.int64),
        rows.visit.to_numpy(np.float64),
        np.arange(len(rows), dtype=np.int64),
        one,
    )


def starbucks(folder: Path) -> Trial:
    """Offers completed; 16,994 customers were sent one of ten in up to six waves."""
    rows = pd.read_parquet(folder / "starbucks_offers" / "offer_log.parquet")
    offers = rows.drop_duplicates("offer_id").sort_values("offer_id")
    made = [
        (
            {
                "channel": "social" if offer["ch_social"] else "web" if offer["ch_web"] else "email",
                "argument": str(offer["offer_type"]),
                "incentive": f"{offer['reward']:g}",
                "delay": f"{offer['duration']:g}h",
                "hour": f"{offer['difficulty']:g}",
            },
            {"discount": float(offer["reward"])},
        )
        for offer in offers.to_dict("records")
    ]
    known = pd.DataFrame(
        {
            "age": rows.age.where(rows.age < 118),
            "income": rows.income,
            "female": rows.gender == "F",
            "male": rows.gender == "M",
            "member_since": pd.to_datetime(rows.became_member_on.astype(str)).astype("int64") / 8.64e13,
            "wave": rows.offer_received_time,
        }
    )
    return Trial(
        "Starbucks, offers completed",
        Contexts(tuple(known.columns), known.to_numpy(np.float64)),
        np.searchsorted(offers.offer_id.to_numpy(str), rows.offer_id.to_numpy(str)).astype(np.int64),
        rows.offer_completed.to_numpy(np.float64),
        pd.factorize(rows.customer_id)[0].astype(np.int64),
        Eligible.of([made]),
    )


@dataclass(frozen=True)
class Personal:
    """What became of a policy that chooses for each customer: whether the gate admitted it, whether its canary then
    promoted it, and whether customers of neither say that it is better than one action for all."""

    admitted: bool
    promoted: bool
    better: bool


@dataclass(frozen=True)
class Checked:
    """By resample: what was estimated, the interval's half width, and what the other half showed, with its error."""

    estimates: Floats
    errors: Floats
    truths: Floats
    noise: Floats
    personal: tuple["Personal", ...]

    @property
    def coverage(self) -> float:
        """How often the estimate and the truth differ by no more than both their errors explain at 95 %."""
        return float((np.abs(self.estimates - self.truths) <= 1.96 * np.hypot(self.errors, self.noise)).mean())

    @property
    def fates(self) -> dict[str, int]:
        """How many personal policies came how far, and how many of these should not have."""
        admitted = [one for one in self.personal if one.admitted]
        promoted = [one for one in self.personal if one.promoted]
        return {
            "personal policies": len(self.personal),
            "admitted to a canary": len(admitted),
            "of these no better": sum(not one.better for one in admitted),
            "promoted": len(promoted),
            "of those no better": sum(not one.better for one in promoted),
        }

    @property
    def bias(self) -> tuple[float, float]:
        """The mean difference and how much of it chance explains (1.96 standard errors of one half's truth)."""
        return float((self.estimates - self.truths).mean()), float(1.96 * np.sqrt((self.noise**2).mean()))


def check(trial: Trial, resamples: int, rng: np.random.Generator) -> Checked:
    """Split customers in halves, thin one, estimate a fixed action from it, hold it against the other half.

    Also asks the gate, and then a canary, about a personal policy, learned from a tenth, against the best for all.
    """
    found: list[tuple[float, float, float, float]] = []
    personal = []
    ids = np.unique(trial.customers)
    for turn in range(resamples):
        half = np.isin(trial.customers, rng.choice(ids, len(ids) // 2, replace=False))
        ours, rest = np.flatnonzero(half), np.flatnonzero(~half)
        wanted = _biased(trial, ours, rng)
        log, mine = trial.thinned(rng, ours, wanted)
        action = turn % trial.count
        valued = value(Compared(log, _always(trial, len(log), action)))
        error = (valued.chosen.value.high - valued.chosen.value.low) / 3.92
        same = rest[trial.actions[rest] == action]
        truth = Clusters.of(trial.outcomes[same], trial.customers[same])
        found.append((valued.chosen.value.mean, error, truth.mean, truth.error))
        if turn % 4 == 0:
            personal.append(_personal(trial, log, mine, rest, rng))
    columns = np.array(found).T
    return Checked(columns[0], columns[1], columns[2], columns[3], tuple(personal))


def _biased(trial: Trial, rows: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """A policy that follows the contexts, at random, with a floor of a tenth of an even share."""
    known = trial.design[rows]
    scores = np.exp(0.5 * known @ rng.normal(size=(known.shape[1], trial.count)))
    shares: Floats = 0.9 * scores / scores.sum(axis=1, keepdims=True) + 0.1 / trial.count
    return shares


def _always(trial: Trial, n: int, action: int) -> Floats:
    target = np.zeros((n, trial.count))
    target[:, action] = 1.0
    return target.ravel()


def _personal(
    trial: Trial, log: LoggedDecisions, ours: NDArray[np.int64], rest: NDArray[np.int64], rng: np.random.Generator
) -> Personal:
    """What a ridge on a tenth of the other half likes for each customer, against what it likes for all. Half of the
    rest of that half are the canary's customers, the others say what is true."""
    taught = np.isin(np.arange(len(trial.actions)), rng.choice(rest, len(rest) // 10, replace=False))
    liked = np.empty((len(trial.actions), trial.count))
    design = trial.design
    for action in range(trial.count):
        mine = taught & (trial.actions == action)
        penalty = 50.0 * np.eye(design.shape[1])
        penalty[0, 0] = 0.0
        solved = np.linalg.solve(design[mine].T @ design[mine] + penalty, design[mine].T @ trial.outcomes[mine])
        liked[:, action] = design @ solved
    best = int(liked[taught].mean(axis=0).argmax())
    own = np.eye(trial.count)[liked.argmax(axis=1)]
    for_all = np.eye(trial.count)[np.full(len(liked), best)]
    compared = Compared(log, own[ours].ravel(), for_all[ours].ravel())
    verdict = judge(Candidate("personal", -1, -1), compared, np.arange(len(log)), rules=Rules(effective=200.0))
    untold = rest[~taught[rest]]
    ids = np.unique(trial.customers[untold])
    tried = np.isin(trial.customers[untold], rng.choice(ids, len(ids) // 2, replace=False))
    canary, judges = untold[tried], untold[~tried]
    promoted = verdict.passed and _canary(trial, canary, own, for_all, rng)
    apart = trial.count * (own - for_all)[judges, trial.actions[judges]] * trial.outcomes[judges]
    return Personal(verdict.passed, promoted, float(apart.mean()) > 0)


def _canary(trial: Trial, rows: NDArray[np.int64], own: Floats, for_all: Floats, rng: np.random.Generator) -> bool:
    """Whether the comparison of half of these customers, who get the personal policy, with the others promotes it.

    Who was sent, at random, what their group's policy would send, stands for the group.
    """
    group = (rng.random(int(trial.customers.max()) + 1) < 0.5)[trial.customers[rows]]
    wanted = np.where(group[:, None], own[rows], for_all[rows])[np.arange(len(rows)), trial.actions[rows]] > 0
    log, _ = trial.thinned(rng, rows[wanted], np.ones((int(wanted.sum()), trial.count)))
    return Canary(share=0.5, days=np.inf).judge(log, group[wanted], np.inf).outcome == "promote"


def slots(folder: Path) -> tuple[float, Floats]:
    """The chance of such differences between time slots by chance alone, and each slot's share of opened mails."""
    rows = pd.read_csv(folder / "email_slots" / "data_email_campaign.csv")
    table = pd.crosstab(rows.Time_Email_sent_Category, rows.Email_Status > 0)
    shares: Floats = (table[True] / table.sum(axis=1)).to_numpy(np.float64)
    return float(chi2_contingency(table).pvalue), shares


def claimed(folder: Path) -> int:
    """How many slots the gate would put in place of the mix of all: none should be."""
    rows = pd.read_csv(folder / "email_slots" / "data_email_campaign.csv")
    known = rows[
        ["Email_Type", "Subject_Hotness_Score", "Email_Campaign_Type", "Total_Past_Communications", "Word_Count"]
    ]
    labels = sorted(rows.Time_Email_sent_Category.unique())
    one = Eligible.of([[({"channel": "email", "hour": f"slot {label}"}, {}) for label in labels]])
    n = len(rows)
    taken = np.searchsorted(labels, rows.Time_Email_sent_Category.to_numpy())
    shares = np.bincount(taken) / n
    log = LoggedDecisions.of(
        Contexts(tuple(known.columns), known.to_numpy(np.float64)),
        one.take(np.zeros(n, np.int64)),
        np.arange(n, dtype=np.int64) * len(labels) + taken,
        shares[taken],
        (rows.Email_Status > 0).to_numpy().astype(np.float64),
    )
    passed = 0
    for slot in range(len(labels)):
        target = np.tile(np.eye(len(labels))[slot], n)
        passed += judge(Candidate(f"slot {slot}", -1, -1), Compared(log, target), np.arange(n)).passed
    return passed


def main() -> None:
    """Check both trials and the slots, print and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the three data sets")
    parser.add_argument("--resamples", type=int, default=200)
    asked = parser.parse_args()
    rows = []
    for trial in (hillstrom(asked.data), starbucks(asked.data)):
        started = time.process_time()
        checked = check(trial, asked.resamples, np.random.default_rng(1))
        cpu = time.process_time() - started
        bias, chance = checked.bias
        _CONSOLE.print(
            f"{trial.name}: coverage {checked.coverage:.3f}, bias {bias:+.4f} (chance {chance:.4f}), {checked.fates}"
        )
        words = f"{asked.resamples} resamples; bias {bias:+.5f}, {chance:.5f} is chance; personal policies are "
        words += "promoted by the gate and then a canary, and judged by customers of neither"
        good = 0.93 <= checked.coverage <= 0.97 and abs(bias) <= chance and not checked.fates["of those no better"]
        must = "0.93 to 0.97, no bias, none promoted that is no better"
        row = _claim(f"{trial.name}: coverage", trial.name, words, checked.coverage, must, good, cpu)
        rows.append(replace(row, baselines={name: float(count) for name, count in checked.fates.items()}))
    started = time.process_time()
    passed, (chance, shares) = claimed(asked.data), slots(asked.data)
    _CONSOLE.print(f"slots: {passed} claimed better; opened {shares.round(4)}, p = {chance:.2f}")
    words = f"each slot for everybody against what was sent; differences by chance alone p = {chance:.2f}"
    cpu = time.process_time() - started
    rows.append(_claim("time slots that do nothing: claimed", "email_slots", words, passed, "0", passed == 0, cpu))
    write(rows, "decisions", "randomised")


def _claim(measure: str, data: str, protocol: str, ours: float, must: str, met: bool, cpu: float) -> Claim:
    return Claim(measure, data, protocol, ours, None, {}, must, must, met, (1,), cpu, machine(), commit())


if __name__ == "__main__":
    main()
