"""Recommendations over HTTP, measured against a BentoML endpoint that does nothing, both running side by side.

    make demo                                       # once: the households, their orders, the catalogue
    python -m benchmarks.serving FOLDER             # builds the shop below FOLDER when it is not there; takes minutes

Rounds alternate between the two services, so a neighbour on the machine slows both. What is compared is CPU time a
request of a service's processes (the commit of what was shown included), and beside it rates.
"""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer
from scipy import stats

from benchmarks import serving_world
from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from benchmarks.load import Load, Service, at_rate, closed, request, started
from features.database import open_database
from pipelines.serve import environment
from pipelines.settings import Settings
from serving.access.key_table import KeyTable

PART = "recommendations"
CALLERS = 32
_DATA = "Complete Journey: its 20,000 most bought products, 2,469 households; real features, log and commit"
_PATH = "/v1/recommendations"
_OF_WORKERS = 50
"""Candidates where one worker is compared with two."""

_SETTLE = 5.0
"""Seconds after which the sockets of a steady load are shared out over the workers."""

_RATES = (200, 400)
"""Requests a second at even distances, of shops that ask for less than half of what there is."""

_MUSTS = {50: ("at least 0.8", "1.2", 0.8), 200: ("at least 0.45", "0.8", 0.45)}


@dataclass(frozen=True)
class Round:
    """One turn of each service."""

    noop: Load
    ours: Load

    @property
    def ratio(self) -> float:
        """How many of our requests one of the no-op's CPU time is worth."""
        return self.noop.cpu_us / self.ours.cpu_us


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean of ratios, by Student's t of their logarithms.

    >>> low, high = interval([0.9, 1.0, 1.1])
    >>> low < 1 < high
    True
    """
    logs = np.log(values)
    half = stats.t.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / np.sqrt(len(logs))
    return float(np.exp(logs.mean() - half)), float(np.exp(logs.mean() + half))


def bodies(folder: Path, secret: str, limit: int = 10) -> list[bytes]:
    """The home page of every household, in random order."""
    users = serving_world.customers(folder)
    users = np.random.default_rng(1).permutation(users).tolist()
    headers = {"authorization": f"Bearer {secret}"}
    return [request(_PATH, {"subject": {"user_id": user}, "limit": limit}, headers) for user in users]


def live(service: Service, secret: str, folder: Path, candidates: int) -> None:
    """Promote the ranker over so many candidates, and wait until the service answers with it."""
    serving_world.promote(folder, candidates)
    number = str(1 + list(serving_world.DEPTHS).index(candidates))
    deadline = time.monotonic() + 120
    with httpx.Client(base_url=service.url, headers={"authorization": f"Bearer {secret}"}, timeout=10) as client:
        while time.monotonic() < deadline:
            model = client.get("/v1/version").json().get("model")
            if model and model["version"] == number:
                return
            time.sleep(0.5)
    raise RuntimeError(f"version {number} did not go live within two minutes")


def main(
    folder: Annotated[Path, typer.Argument(help="where the shop is, or is to be built")],
    rounds: Annotated[int, typer.Option(help="turns of each service")] = 5,
    seconds: Annotated[float, typer.Option(help="of each turn")] = 4.0,
    two: Annotated[bool, typer.Option(help="measure two workers too")] = True,
) -> None:
    """Build, serve, measure, print, write."""
    folder = folder.resolve()
    serving_world.build(folder, Settings())
    secret = (
        KeyTable(open_database(serving_world.settings_of(folder).database_url))
        .create("sk", "benchmark", datetime.now(UTC))
        .secret
    )
    asked = bodies(folder, secret)
    began = time.process_time()
    claims: list[Claim] = []
    single: list[Load] = []
    with ExitStack() as stack:
        noop = stack.enter_context(
            started("benchmarks.noop_service:NoOp", environment(Settings(), os.environ), folder / "noop.log")
        )
        nothing = [request("/noop", {"user_id": "u1", "limit": 20})]
        ours = stack.enter_context(
            started("serving.service:Kairos", served(folder, 1), folder / "kairos.log", "/livez")
        )
        for candidates in serving_world.DEPTHS:
            live(ours, secret, folder, candidates)
            closed(ours, asked, CALLERS, 2), closed(noop, nothing, CALLERS, 1)
            turns = [
                Round(closed(noop, nothing, CALLERS, seconds), closed(ours, asked, CALLERS, seconds))
                for _ in range(rounds)
            ]
            for turn in turns:
                typer.echo(f"{candidates:4d} no-op {turn.noop.words()}\n     ours  {turn.ours.words()}")
            if candidates == _OF_WORKERS:
                single = [turn.ours for turn in turns]
            claims.append(_over_noop(candidates, turns, ours.idle(seconds), time.process_time() - began))
    if two:
        with started("serving.service:Kairos", served(folder, 2), folder / "kairos2.log", "/livez") as pair:
            live(pair, secret, folder, _OF_WORKERS)
            closed(pair, asked, CALLERS, 3)
            double = [closed(pair, asked, CALLERS, seconds) for _ in range(rounds)]
            rates = (*_RATES, 0.5 * max(load.rate for load in double))
            *calm, steady = [at_rate(pair, asked, rate, seconds, settle=_SETTLE) for rate in rates]
        for load in (*double, *calm, steady):
            typer.echo(f"   2 workers {load.words()}")
        claims += _workers(single, double, calm, steady, time.process_time() - began)
    write(claims, "serving", PART)
    text = table(claims)
    typer.echo(text)
    replace_section(ROOT / "README.md", "serving", text)


def table(claims: Sequence[Claim]) -> str:
    """The rows for people."""
    lines = ["| measure | ours | must | goal | met | beside it |", "|---|---:|---|---|---|---|"]
    for claim in claims:
        low, high = claim.interval or (claim.ours, claim.ours)
        within = f" ({low:.2f} to {high:.2f})" if claim.interval else ""
        beside = ", ".join(f"{name} {value:,.0f}" for name, value in claim.baselines.items())
        met = "yes" if claim.met else "no"
        lines.append(
            f"| {claim.measure} | {claim.ours:,.2f}{within} | {claim.must} | {claim.goal} | {met} | {beside} |"
        )
    return "\n".join([f"{claims[0].data}. {claims[0].protocol}. {claims[0].machine}.", "", *lines])


def served(folder: Path, workers: int) -> Mapping[str, str]:
    """The environment of a service over the shop below `folder`."""
    settings = serving_world.settings_of(folder).model_copy(update={"workers": workers})
    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    more = {
        "KAIROS_RATE_SECRET": "100000",
        "KAIROS_RUN_FOLDER": str(run),
        "KAIROS_FEATURE_TIMEOUT_MS": "2000",
    }
    return {**environment(settings, os.environ), **more}


def _over_noop(candidates: int, turns: Sequence[Round], idle: float, spent: float) -> Claim:
    ratios = [turn.ratio for turn in turns]
    must, goal, least = _MUSTS[candidates]
    mean = float(np.exp(np.mean(np.log(ratios))))
    return Claim(
        measure=f"personal recommendation, {candidates} candidates ranked by LightGBM 100 x 31, over the tuned no-op",
        data=_DATA,
        protocol=f"CPU time a request of the no-op's processes over ours; {len(turns)} alternating turns of "
        f"{turns[0].ours.seconds:.0f} s, {CALLERS} callers each; 10 items with reasons and fields",
        ours=mean,
        interval=interval(ratios),
        baselines={
            "no-op CPU us": float(np.mean([turn.noop.cpu_us for turn in turns])),
            "ours CPU us": float(np.mean([turn.ours.cpu_us for turn in turns])),
            "no-op rate": float(np.mean([turn.noop.rate for turn in turns])),
            "ours rate": float(np.mean([turn.ours.rate for turn in turns])),
            "ours CPU ms a second while idle": idle,
            "ours p50 ms": float(np.mean([turn.ours.percentile(50) for turn in turns])),
            "ours p99 ms": float(np.mean([turn.ours.percentile(99) for turn in turns])),
        },
        must=must,
        goal=goal,
        met=mean >= least,
        seeds=(1,),
        cpu_seconds=spent,
        machine=machine(),
        commit=commit(),
    )


def _workers(
    single: Sequence[Load], double: Sequence[Load], calm: Sequence[Load], steady: Load, spent: float
) -> list[Claim]:
    one, two = max(load.rate for load in single), max(load.rate for load in double)
    common = {"data": _DATA, "seeds": (1,), "cpu_seconds": spent, "machine": machine(), "commit": commit()}
    return [
        Claim(
            measure="two workers over one, recommendations a second",
            protocol=f"the best turn of each with {CALLERS} callers, 50 candidates; the client shares the two cores",
            ours=two / one,
            interval=None,
            baselines={"one worker rate": one, "two workers rate": two},
            must="at least 1.6",
            goal="1.9",
            met=two / one >= 1.6,
            **common,  # type: ignore[arg-type]
        ),
        Claim(
            measure="recommendations a second on 2 workers",
            protocol=f"the best turn with {CALLERS} callers, 50 candidates; p90 at half of that rate",
            ours=two,
            interval=None,
            baselines={
                "p90 ms at half": steady.percentile(90),
                "p50 ms at half": steady.percentile(50),
                "rate at half": steady.rate,
                "CPU us at half": steady.cpu_us,
                "CPU us at the peak": float(np.mean([load.cpu_us for load in double])),
                **{f"p90 ms at {rate} a second": load.percentile(90) for rate, load in zip(_RATES, calm, strict=True)},
            },
            must="at least 1,000, p90 below 7 ms",
            goal="the same",
            met=two >= 1_000 and steady.percentile(90) < 7,
            **common,  # type: ignore[arg-type]
        ),
    ]


if __name__ == "__main__":
    typer.run(main)
