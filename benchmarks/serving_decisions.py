"""Decisions and events over HTTP, measured beside a BentoML endpoint that does nothing.

    make demo                                                # once: the households, their orders, their features
    python -m benchmarks.serving_decisions FOLDER            # copies the demo's stores below FOLDER

Rounds alternate between the two services, so a neighbour on the machine slows both. What is compared is CPU time a
request of a service's processes, and beside it rates. Every household has left a cart behind; previews of decisions are
what is decided before the disk, and whatever is committed is about a household that was not asked about before.
"""

import os
import shutil
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer

from benchmarks import serving_world
from benchmarks.claim import Claim, commit, machine, write
from benchmarks.load import Load, Service, at_rate, closed, request, started
from benchmarks.serving import interval
from features.database import open_database
from features.events import Body, Event, Line
from features.log import EVENTS, Log, to_record
from models.registry import Registry
from pipelines.demo_decision import POLICY, begin
from pipelines.refresh import build_features, materialize_features
from pipelines.serve import environment
from pipelines.settings import Settings
from pipelines.verbs.answers import terminal
from serving.access.key_table import KeyTable

PART = "decisions"
CALLERS = 32
SLOTS = 24
DATA = "Complete Journey: 2,469 households, each with a cart left behind; real log, features, policy and commit"
_BANK = f"[points.cart_recovery]\nmost_slots = {SLOTS}\n"


@dataclass(frozen=True)
class Row:
    """What is measured, beside which words of the goal; `must` is a bound from below of a ratio or a rate."""

    measure: str
    must: float
    words: tuple[str, str]


BEFORE_DISK = Row(f"decision over {SLOTS} slots before the disk, of the no-op's rate by CPU", 1.9, ("1.9", "4"))
COMMITTED = Row("decisions committed a second", 300.0, ("300/s", "1,000/s"))
ACCEPTED = Row("single events on disk, of the no-op's rate by CPU", 5.0, ("5", "6"))
ON_DISK = Row("events on disk a second, one a request", 2_000.0, ("2,000/s", "5,000/s"))


def settings_of(folder: Path) -> Settings:
    """Where everything of the shop stands."""
    return serving_world.settings_of(folder).model_copy(update={"action_bank": folder / "bank.toml"})


def build(folder: Path, demo: Settings) -> list[str]:
    """A copy of the demo's shop, in which every household has just left a cart behind; returns the households."""
    settings = settings_of(folder)
    if not folder.exists():
        folder.mkdir(parents=True)
        shutil.copy(demo.database_url.removeprefix("sqlite:///"), folder / "kairos.db")
        shutil.copy(demo.privacy_key, settings.privacy_key)
        shutil.copytree(demo.history, folder / "history")
        shutil.copy(demo.mlflow_uri.removeprefix("sqlite:///"), folder / "mlflow.db")
        now = datetime.now(UTC)
        build_features(settings, now, now)
        materialize_features(settings, lambda _: None)
    (folder / "bank.toml").write_text(_BANK)
    log = Log(open_database(settings.database_url), EVENTS)
    users = sorted({record.user_id for records in log.scan() for record in records if record.user_id})
    now = datetime.now(UTC)
    log.append([to_record(_added(user, now - timedelta(hours=2), now)) for user in users])
    begin(settings, Registry(settings.mlflow_uri, settings.mlflow_artifacts), terminal())
    return users


def _added(user: str, at: datetime, now: datetime) -> Event:
    line = Line(product_id="951590", price=Decimal("4.99"), quantity=2)
    body = Body(cart_id=f"cart-{user}", currency="USD", timezone="America/New_York", lines=(line,))
    return Event(
        message_id=uuid.uuid4().hex, type="product_added", occurred_at=at, received_at=now, user_id=user, body=body
    )


def questions(users: Sequence[str], headers: dict[str, str], preview: bool) -> list[bytes]:
    """A question about the cart of each."""
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    return [
        request(
            "/v1/decisions",
            {
                "decision_point": "cart_recovery",
                "subject": {"user_id": user},
                "trigger": {"id": f"cart-{user}", "type": "cart_abandoned", "at": since},
                "context": {"timezone": "America/New_York"},
                "preview": preview,
            },
            headers,
        )
        for user in users
    ]


def views(users: Sequence[str], headers: dict[str, str], number: int) -> list[bytes]:
    """So many page views, each with an id of its own, as every message id counts once."""
    run = uuid.uuid4().hex
    properties: dict[str, Any] = {"product_id": "951590", "price": 4.99, "currency": "USD"}
    return [
        request(
            "/v1/track",
            {
                "event": "Product Viewed",
                "userId": users[place % len(users)],
                "messageId": f"{run}-{place}",
                "properties": properties,
            },
            headers,
        )
        for place in range(number)
    ]


def main(
    folder: Annotated[Path, typer.Argument(help="where the copy of the shop is, or is to be made")],
    rounds: Annotated[int, typer.Option(help="turns of each service")] = 4,
    seconds: Annotated[float, typer.Option(help="of each turn")] = 3.0,
) -> None:
    """Copy, serve, measure, print, write."""
    folder = folder.resolve()
    users = np.random.default_rng(1).permutation(build(folder, Settings())).tolist()
    settings = settings_of(folder)
    keys = KeyTable(open_database(settings.database_url))
    headers = {"authorization": f"Bearer {keys.create('sk', 'benchmark', datetime.now(UTC)).secret}"}
    began, claims = time.process_time(), []
    with ExitStack() as stack:
        noop = stack.enter_context(
            started("benchmarks.noop_service:NoOp", environment(Settings(), os.environ), folder / "noop.log")
        )
        nothing = [request("/noop", {"user_id": "u1", "limit": 20})]
        own = environment(settings, {**os.environ, "KAIROS_RATE_SECRET": "1000000", "KAIROS_RATE_ADDRESS": "1000000"})
        ours = stack.enter_context(started("serving.service:Kairos", own, folder / "kairos.log"))
        _live(ours, headers, users[0])
        previews = questions(users, headers, preview=True)
        fresh = questions(users, headers, preview=False)
        closed(ours, previews, CALLERS, 2), closed(noop, nothing, CALLERS, 1)

        def events() -> list[bytes]:
            return views(users, headers, round(6_000 * seconds))

        for row, asked in ((BEFORE_DISK, [previews] * rounds), (ACCEPTED, [events() for _ in range(rounds)])):
            turns = [(closed(noop, nothing, CALLERS, seconds), closed(ours, some, CALLERS, seconds)) for some in asked]
            claims.append(_over_noop(row, turns, began))
        peak = closed(ours, events(), CALLERS, seconds)
        claims.append(_rate(ON_DISK, peak, None, began))
        half = len(fresh) // 2
        peak = closed(ours, fresh[:half], CALLERS, seconds)
        if len(peak.milliseconds) > half:
            raise ValueError(f"{half} households were not enough for {seconds} s; ask for fewer seconds")
        rate = 0.5 * peak.rate
        steady = at_rate(ours, fresh[half:], rate, min(2 * seconds, half / rate))
        claims.append(_rate(COMMITTED, peak, steady, began))
    write(claims, "serving", PART)


def _live(service: Service, headers: dict[str, str], user: str) -> None:
    """Wait until the policy decides."""
    (asked,) = questions([user], headers, preview=True)
    body = asked.split(b"\r\n\r\n", 1)[1]
    told = {**headers, "content-type": "application/json"}
    deadline = time.monotonic() + 120
    with httpx.Client(base_url=service.url, headers=told, timeout=10) as client:
        while time.monotonic() < deadline:
            answer = client.post("/v1/decisions", content=body)
            if answer.is_success and answer.json()["degraded_reason"] is None:
                return
            time.sleep(0.5)
    raise RuntimeError(f"{POLICY} did not decide within two minutes: {answer.text[:300]}")


def _over_noop(row: Row, turns: Sequence[tuple[Load, Load]], began: float) -> Claim:
    for noop, load in turns:
        typer.echo(f"{row.measure}\n  no-op {noop.words()}\n  ours  {load.words()}")
    ratios = [noop.cpu_us / load.cpu_us for noop, load in turns]
    ours = float(np.exp(np.log(ratios).mean()))
    beside = {
        "no-op, CPU us": float(np.median([noop.cpu_us for noop, _ in turns])),
        "ours, CPU us": float(np.median([load.cpu_us for _, load in turns])),
        "no-op, a second": float(np.median([noop.rate for noop, _ in turns])),
        "ours, a second": float(np.median([load.rate for _, load in turns])),
    }
    return _claim(row, ours, interval(ratios), beside, ours >= row.must, began)


def _rate(row: Row, peak: Load, steady: Load | None, began: float) -> Claim:
    typer.echo(f"{row.measure}\n  {peak.words()}" + (f"\n  at half {steady.words()}" if steady else ""))
    beside = {"CPU us": peak.cpu_us, "p99 ms at the peak": peak.percentile(99)}
    met = peak.rate >= row.must and set(peak.statuses) <= {200}
    if steady is not None:
        beside["p99 ms at half of the peak"] = steady.percentile(99)
        beside["CPU us at half of the peak"] = steady.cpu_us
        beside["refused at half of the peak, %"] = 100 * (1 - steady.statuses.get(200, 0) / len(steady.milliseconds))
        met = met and steady.percentile(99) <= 25 and set(steady.statuses) <= {200}
    return _claim(row, peak.rate, None, beside, met, began)


def _claim(
    row: Row, ours: float, within: tuple[float, float] | None, beside: dict[str, float], met: bool, began: float
) -> Claim:
    protocol = f"one worker, {CALLERS} callers on loopback, no-op and service in turn; CPU of the service's processes"
    return Claim(
        measure=row.measure,
        data=DATA,
        protocol=protocol,
        ours=ours,
        interval=within,
        baselines=beside,
        must=f"at least {row.words[0]}",
        goal=row.words[1],
        met=met,
        seeds=(1,),
        cpu_seconds=time.process_time() - began,
        machine=machine(),
        commit=commit(),
    )


if __name__ == "__main__":
    typer.run(main)
