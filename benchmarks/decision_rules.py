"""Rules and slots over every time zone and the nights on which clocks are set: does anything get through that must not?

    python -m benchmarks.decision_rules           # ten million messages, any of which a policy may send

Customers in every IANA zone abandon carts within days of a night on which their clock is set. Whatever is offered to
the policy is judged anew by other means: local times by pandas, caps by counting every period. Then one of the offers
is drawn, and at its time the check decides, after purchases and messages of other campaigns came in between.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.claim import ROOT, Claim, commit, machine, replace_section, write
from features.contact import Contact, Said, Touch
from features.decisions import DECISION, Decided, Option, Terms
from features.log import Record, microseconds
from features.person import Person
from models.arrays import Floats, Mask
from serving.bundle import Shelf
from serving.decisions.bank import Bank, Caps, Channel
from serving.decisions.check import verdict
from serving.decisions.default_bank import DEFAULT
from serving.decisions.facts import Facts
from serving.decisions.past import Past
from serving.decisions.question import Question
from serving.decisions.quiet_hours import LocalHours
from serving.decisions.schemas import DecisionContext
from serving.decisions.sends import Planned
from serving.decisions.situation import Situation, Somebody
from serving.decisions.slots import propose
from serving.decisions.zones import Place, zone_named, zone_names
from serving.schemas import Subject

SEED = 5
YEAR = 2026
BANKS = 60
STEPS = 3
EVERY = 20
"""Of so many episodes one has the caps of all its offers counted anew; those of what is sent are counted always."""

DATA = "simulated: episodes around the nights on which clocks are set, banks and histories drawn at random"
_DAY = 86_400
_MINUTES = 1_440
_LAST = 1_000
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_PERIODS = ((_DAY, "day"), (7 * _DAY, "week"), (30 * _DAY, "month"))

app = typer.Typer(add_completion=False)
console = Console(width=160)


@dataclass
class Judged:
    """What was offered and sent, and what of it was wrong; `clocks` are instants that other ways to tell the time take
    for open, and how many of them are not."""

    offered: int = 0
    decisions: int = 0
    recounted: int = 0
    sent: int = 0
    bought_before: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    clocks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Episode:
    """One abandoned cart: where the customer is, and what they got from others before and while it lasts."""

    bank: Bank
    place: Place
    now: datetime
    touches: tuple[Touch, ...]
    later: tuple[Touch, ...]
    planned: tuple[Planned, ...]
    bought_at: datetime | None
    scores: Sequence[float] | None


@app.command()
def main(messages: Annotated[int, typer.Option(help="how many offers are to be judged")] = 10_000_000) -> None:
    """Simulate, judge, print, write."""
    rng = np.random.default_rng(SEED)
    banks = [_bank(rng) for _ in range(BANKS)]
    zones = sorted(zone_names())
    started = time.process_time()
    judged = Judged()
    share = -(-messages // len(zones))
    for number, zone in enumerate(track(zones, "zones", console=console)):
        _zone(rng, zone, banks, (number + 1) * share, judged)
    spent = time.process_time() - started
    text = (
        f"{judged.offered:,} messages were offered in {judged.decisions:,} decisions over {len(zones)} zones, and "
        f"{judged.wrong.total()} of them broke a rule ({judged.recounted:,} had their caps and gaps counted anew, all "
        f"of them their local time). {judged.sent:,} were sent at their time after the check, which refused "
        f"{judged.checks.total() - judged.sent:,}; {judged.wrong['bought']} of the {judged.bought_before:,} that were "
        f"asked for after a purchase were let through. A clock with the offset of the moment of deciding sends "
        f"{_per_million(judged, 'decided'):,.0f} of a million messages into closed hours here, the shop's own clock "
        f"{_per_million(judged, 'shop'):,.0f}. {spent:.0f} CPU-s, seed {SEED}. {machine()}."
    )
    console.print(text, markup=False)
    console.print(f"wrong: {dict(judged.wrong)}; check: {dict(judged.checks)}", markup=False)
    write(_claims(judged, spent), "decisions", "decision_rules")
    if "<!-- decision_rules -->" in (ROOT / "README.md").read_text():
        replace_section(ROOT / "README.md", "decision_rules", text)


def _zone(rng: np.random.Generator, name: str, banks: Sequence[Bank], upto: int, judged: Judged) -> None:
    """Episodes in one zone until `upto` messages were offered in all, their local times judged together."""
    zone, nights = zone_named(name), _nights(name)
    offers: list[tuple[Facts, tuple[Option, ...]]] = []
    number = judged.offered
    while number < upto:
        night = nights[int(rng.integers(len(nights)))]
        episode = _episode(rng, zone, night, banks[int(rng.integers(len(banks)))])
        for facts, options in _played(rng, episode, judged):
            offers.append((facts, options))
            number += len(options) - 1
            judged.decisions += 1
            if judged.decisions % EVERY == 0:
                judged.recounted += len(options) - 1
                judged.wrong["caps"] += sum(_overfull(facts, option) for option in options[1:])
    judged.offered = number
    closed, clocks = _closed(rng, offers, name)
    judged.wrong["hours"] += closed
    judged.clocks.update(clocks)


def _played(rng: np.random.Generator, episode: Episode, judged: Judged) -> Iterator[tuple[Facts, tuple[Option, ...]]]:
    """The decisions of one episode, and what is then sent of them: each message after a check at its time."""
    point, contact = episode.bank.points["cart_recovery"], _contact(episode.touches)
    facts = Facts(episode.bank, point, episode.now, episode.now, episode.place, contact, value=100.0)
    facts = replace(facts, planned=episode.planned)
    for step in range(1, STEPS + 1):
        options = propose(facts, episode.scores, float(rng.random())).options
        yield facts, options
        option = options[int(rng.integers(len(options)))]
        if option.send_at is None:
            return
        asked = option.send_at + timedelta(seconds=int(rng.integers(0, 600)) if rng.random() < 0.2 else 0)
        came = tuple(touch for touch in episode.later if touch.at <= asked and touch not in contact.touches)
        contact = _contact((*contact.touches, *came))
        bought = episode.bought_at is not None and episode.bought_at <= asked
        reason = _check(facts, option, step, asked, contact, episode)
        judged.checks[reason or ""] += 1
        judged.bought_before += bought
        judged.wrong["bought"] += bought and reason is None
        if reason is not None:
            return
        judged.sent += 1
        facts = replace(facts, now=asked, contact=contact, messages=step)
        judged.wrong["sent too often"] += _overfull(facts, msgspec.structs.replace(option, send_at=asked))
        contact = _contact((*contact.touches, Touch(asked, option.channel or "", "sent", f"dec_{step}")))
        facts = replace(facts, contact=contact)


def _check(facts: Facts, option: Option, step: int, asked: datetime, contact: Contact, episode: Episode) -> str | None:
    """What `POST /v1/decisions/check` says at the moment `asked`."""
    named = facts.place.zone.key if facts.place.known else None
    valid_until = facts.trigger_at + timedelta(hours=facts.point.ttl_hours)
    decided = Decided(
        decision_point=facts.point.name,
        customer_id="u1",
        trigger_id="c1",
        trigger_type="cart_abandoned",
        trigger_at=facts.trigger_at,
        step=step,
        arm="policy",
        mode="online",
        policy="uniform",
        policy_version=None,
        context={"cart_value": 100.0},
        options=(option,),
        chosen=0,
        propensity=1.0,
        terms=Terms(margin=0.3, window_hours=168.0, unsubscribe_cost=0.0, complaint_cost=0.0),
        valid_until=valid_until,
        timezone=named,
    )
    when = microseconds(facts.now)
    record = Record(f"dec_{step}", DECISION, when, when, "u1", None, "", _LAST)
    others = [_other(decided, plan, when) for plan in facts.planned]
    question = Question(
        point=facts.point,
        subject=Subject(user_id="u1"),
        at=asked,
        trigger_id="c1",
        trigger_type="cart_abandoned",
        trigger_at=facts.trigger_at,
        earliest=asked,
        latest=valid_until,
        max_messages=facts.point.max_messages,
        step=step,
        context=DecisionContext(timezone=named),
    )
    bought = episode.bought_at
    orders = [microseconds(bought)] if bought is not None and bought <= asked else []
    somebody = Somebody(Person("u1", ("u1",), ()), others)
    situation = Situation(somebody, orders, contact, None, facts.place)
    return verdict(record, decided, question, situation, episode.bank, Shelf()).reason


def _other(decided: Decided, plan: Planned, when: int) -> Past:
    """The decision of another episode that planned a message."""
    option = Option(1.0, plan.channel, plan.at)
    other = msgspec.structs.replace(decided, trigger_id="c0", options=(option,))
    payload = msgspec.json.encode(other).decode()
    return Past.of(Record(plan.decision_id, DECISION, when, when, "u1", None, payload, 1))


def _closed(
    rng: np.random.Generator, offers: Sequence[tuple[Facts, tuple[Option, ...]]], name: str
) -> tuple[int, Counter[str]]:
    """How many offers lie in hours in which they must not, and what two other clocks would have done instead."""
    rows = [
        (option.send_at.timestamp(), facts, facts.bank.channels[option.channel or ""])
        for facts, options in offers
        for option in options[1:]
        if option.send_at is not None
    ]
    if not rows:
        return 0, Counter()
    at = np.array([row[0] for row in rows])
    quiet, legal = (_spans([getattr(channel, hours) for _, _, channel in rows]) for hours in ("quiet", "legal"))
    margin = np.array([facts.margin_minutes for _, facts, _ in rows])
    wrong = np.zeros(len(rows), bool)
    minute = _minutes(at, name)
    for shift in range(-120, 121, 10):
        within = np.abs(shift) <= margin
        wrong |= within & ~_open((minute + shift) % _MINUTES, quiet, legal)
    decided = np.array([facts.now.timestamp() for _, facts, _ in rows])
    anywhen = decided + rng.random(len(rows)) * 4 * _DAY
    offset = (_minutes(decided, name) - _minutes(decided, "UTC")) * 60
    clocks: Counter[str] = Counter()
    really = _open(_minutes(anywhen, name), quiet, legal)
    for clock, shown in (("decided", _minutes(anywhen + offset, "UTC")), ("shop", _minutes(anywhen, "UTC"))):
        taken = _open(shown, quiet, legal)
        clocks[clock] += int(taken.sum())
        clocks[f"{clock} wrong"] += int((taken & ~really).sum())
    return int(wrong.sum()), clocks


def _minutes(at: Floats, name: str) -> Floats:
    """The minute of the day that a clock in the zone shows at each instant."""
    local = pd.DatetimeIndex(at.astype("datetime64[s]"), tz="UTC").tz_convert(name)
    return np.asarray(60 * local.hour + local.minute)


def _spans(hours: Sequence[LocalHours | None]) -> Floats:
    return np.array([(np.nan, np.nan) if one is None else (one.start, one.end) for one in hours], np.float64)


def _open(minute: Floats, quiet: Floats, legal: Floats) -> Mask:
    def within(hours: Floats) -> Mask:
        start, end = hours.T
        over = start > end
        after, before = minute >= start, minute < end
        return np.asarray(np.where(over, after | before, after & before), np.bool_)

    return np.asarray(~within(quiet) & (np.isnan(legal[:, 0]) | within(legal)), np.bool_)


def _overfull(facts: Facts, option: Option) -> bool:
    """Whether a message would make any period hold more than it may, or lie too close to another: by counting."""
    if option.send_at is None:
        return False
    at, channel = option.send_at.timestamp(), facts.bank.channels[option.channel or ""]
    sent = [(touch.at.timestamp(), touch.channel) for touch in facts.contact.touches if touch.kind == "sent"]
    done = {touch.decision_id for touch in facts.contact.touches}
    sent += [(plan.at.timestamp(), plan.channel) for plan in facts.planned if plan.decision_id not in done]
    for name, caps, gap in (
        (channel.name, channel.caps, channel.min_gap_hours),
        (None, facts.point.caps, facts.point.min_gap_hours),
    ):
        times = [when for when, of in sent if name in (None, of)]
        if any(abs(when - at) < gap * 3_600 for when in times):
            return True
        for period, limit in _PERIODS:
            most = getattr(caps, limit)
            if most is None:
                continue
            ends = [at, *(when for when in times if at < when < at + period)]
            if any(1 + sum(end - period < when <= end for when in times) > most for end in ends):
                return True
    return False


def _nights(name: str) -> list[datetime]:
    """The noons before the clock is set; two ordinary days where it never is."""
    noons = pd.date_range(f"{YEAR}-01-01 12:00", periods=365, freq="D", tz="UTC")
    clock = noons.tz_convert(name).tz_localize(None) - noons.tz_localize(None)
    changed = np.flatnonzero(np.diff(clock.to_numpy()))
    chosen = changed if len(changed) else np.array([90, 270])
    return [noons[place].to_pydatetime() for place in chosen]


def _episode(rng: np.random.Generator, zone: ZoneInfo, night: datetime, bank: Bank) -> Episode:
    """A cart that was abandoned up to four days before the night, or on the day after it."""
    now = night + timedelta(seconds=int(rng.integers(-4 * _DAY, _DAY)))
    channels = [*bank.channels, "of somebody else"]

    def touches(number: int, since: float, until: float) -> tuple[Touch, ...]:
        times = sorted(now + timedelta(days=float(day)) for day in rng.uniform(since, until, number))
        return tuple(Touch(at, channels[int(rng.integers(len(channels)))], "sent") for at in times)

    planned = tuple(Planned(touch.at, touch.channel, f"other_{n}") for n, touch in enumerate(touches(1, 0, 6)))
    return Episode(
        bank=bank,
        place=Place(zone, True) if rng.random() < 0.8 else Place(zone, False),
        now=now,
        touches=touches(int(rng.integers(0, 6)), -32, 0),
        later=touches(int(rng.integers(0, 3)), 0, 6),
        planned=planned if rng.random() < 0.2 else (),
        bought_at=now + timedelta(days=float(rng.uniform(0, 5))) if rng.random() < 0.4 else None,
        scores=rng.normal(0, 0.5, 168).tolist() if rng.random() < 0.5 else None,
    )


def _bank(rng: np.random.Generator) -> Bank:
    """The default one with hours, caps and gaps of its own; the shop is in UTC."""

    def hours(first: int, last: int, length: int) -> LocalHours:
        start = int(rng.integers(first, last))
        return LocalHours(start % _MINUTES, (start + length) % _MINUTES)

    def caps() -> Caps:
        return Caps(*np.sort(rng.integers(1, 9, 3)).tolist())

    channels = {}
    for name in ("email", "sms", "web_push", "push"):
        quiet = hours(18 * 60, 27 * 60, int(rng.integers(60, 12 * 60))) if rng.random() < 0.8 else None
        legal = hours(5 * 60, 10 * 60, int(rng.integers(10 * 60, 16 * 60))) if rng.random() < 0.4 else None
        gap = float(rng.choice([0, 6, 20, 48]))
        channels[name] = Channel(name, 0.001, quiet, legal, caps(), gap)
    point = replace(
        DEFAULT.points["cart_recovery"],
        channels=tuple(channels),
        rule=(),
        most_hours=6,
        most_slots=240,
        caps=caps(),
        min_gap_hours=float(rng.choice([0, 6, 12])),
    )
    return Bank(channels, DEFAULT.arguments, {}, {point.name: point})


def _contact(touches: Sequence[Touch]) -> Contact:
    return Contact(tuple(sorted(touches, key=lambda touch: touch.at)), {("", ""): Said("granted", _BEGINNING)})


def _per_million(judged: Judged, clock: str) -> float:
    return 1e6 * judged.clocks[f"{clock} wrong"] / max(judged.clocks[clock], 1)


def _claims(judged: Judged, spent: float) -> list[Claim]:
    of_bought = judged.wrong["bought"]
    of_rules = judged.wrong.total() - of_bought
    protocol = (
        f"{judged.offered:,} offers in {judged.decisions:,} decisions, every IANA zone, nights of {YEAR} on which "
        f"clocks are set; {judged.sent:,} sent after the check"
    )
    return [
        Claim(
            measure=measure,
            data=DATA,
            protocol=protocol,
            ours=float(ours),
            interval=None,
            baselines=baselines,
            must="0",
            goal="0",
            met=ours == 0 and enough,
            seeds=(SEED,),
            cpu_seconds=spent,
            machine=machine(),
            commit=commit(),
        )
        for measure, ours, baselines, enough in (
            (
                "offers that break a rule",
                of_rules,
                {
                    "per million, with the offset of the moment of deciding": _per_million(judged, "decided"),
                    "per million, by the shop's clock": _per_million(judged, "shop"),
                },
                judged.offered >= 10_000_000,
            ),
            ("messages after a purchase, when the check is called", of_bought, {}, judged.bought_before > 1_000),
        )
    ]


if __name__ == "__main__":
    app()
