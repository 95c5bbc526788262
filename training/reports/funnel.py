"""From a decision to an order, step by step: what is lost where, by channel, argument and step of the series.

Engines do not tell everything: a click comes without an opening, an opening without a delivery. A step was therefore
reached when it or a later one was reported, and no step has more decisions than the one before. A step of which no tool
ever tells is left out: whoever has no news of clicks has not lost all customers there.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np

from features import simulated
from features.outcomes import Outcome
from features.reports.funnel import Branch, Factor, Funnel, Stage, StageName
from features.reports.stretch import NEWEST, Stretch
from models.arrays import Ids, Mask
from training.policy.journal import Journal
from training.reports.wilson import share

_FLAGS = ("delivered", "opened", "clicked", "opened_by_machine", "clicked_by_machine", "bounced", "complained")


_TOLD: tuple[StageName, ...] = ("delivered", "opened", "clicked")
"""What only some tools report."""

_SENT = 2
"""The place of the stage that later ones are also compared with."""


def funnel(
    journal: Journal,
    outcomes: Sequence[Outcome],
    decision_point: str,
    as_of: datetime,
    computed_at: datetime,
    stretch: Stretch = NEWEST,
) -> Funnel:
    """The funnel of the decisions of `journal`, all of one point and of `stretch`, whose `outcomes` as of that moment
    these are."""
    known = np.array([one.decided_at < as_of for one in outcomes], bool)
    rows = np.flatnonzero(known & np.array([one.matured for one in outcomes], bool))
    came = [outcomes[row] for row in rows.tolist()]
    reached, reported = _reached(came)
    bought = _true(came, "orders") | _true(came, "foreign_orders")
    untold = tuple(name for name in _TOLD if reached["activated"].any() and not reached[name].any())
    for name in untold:
        del reached[name], reported[name]
    reached["ordered"] = reached[list(reached)[-1]] & bought
    reported["ordered"] = bought
    claimed = _true(came, "claimed")
    labels = {factor: names[rows] for factor, names in _factors(journal).items()}
    machines = {kind: _true(came, f"{kind}_by_machine") & ~_true(came, kind) for kind in ("opened", "clicked")}
    moments = sorted(one.decided_at for one in came)
    different = {(one.customer_id, id_) for one in came for id_ in one.order_ids}
    return Funnel(
        as_of=as_of,
        computed_at=computed_at,
        decision_point=decision_point,
        since=moments[0] if moments else None,
        until=moments[-1] if moments else None,
        immature=int(known.sum()) - len(rows),
        stages=_stages(reached, reported, bought, np.ones(len(rows), bool)),
        untold=untold,
        branches=tuple(_branches(labels, reached, reported, bought, claimed)),
        opened_by_machines=int(machines["opened"].sum()),
        clicked_by_machines=int(machines["clicked"].sum()),
        bounced=int(_true(came, "bounced").sum()),
        unsubscribed=int(_true(came, "unsubscribed").sum()),
        complained=int(_true(came, "complained").sum()),
        sent_otherwise=sum(one.activated_channel not in (None, one.channel) for one in came),
        ambiguous=int(_true(came, "ambiguous").sum()),
        orders=len(different),
        counted=sum(len(set(one.order_ids)) for one in came),
        claimed=int(claimed.sum()),
        claimed_only=int((claimed & ~bought).sum()),
        unclaimed=int((bought & ~claimed).sum()),
        stretch=stretch,
        simulated=simulated.count(outcomes[row].customer_id for row in np.flatnonzero(known).tolist()),
    )


def _reached(came: Sequence[Outcome]) -> tuple[dict[StageName, Mask], dict[StageName, Mask]]:
    """Which decisions came to each stage, as far as what was reported implies, and which were reported there."""
    told = {name: _true(came, name) for name in _FLAGS}
    to_send = np.array([one.channel is not None for one in came], bool)
    activated = np.array([one.activated_at is not None for one in came], bool)
    clicked = to_send & told["clicked"]
    opened = clicked | to_send & told["opened"]
    arrived = told["delivered"] | told["opened_by_machine"] | told["clicked_by_machine"] | told["complained"]
    delivered = opened | to_send & arrived
    everything = np.ones(len(came), bool)
    reached: dict[StageName, Mask] = {
        "decided": everything,
        "to_send": to_send,
        "activated": delivered | to_send & (activated | told["bounced"]),
        "delivered": delivered,
        "opened": opened,
        "clicked": clicked,
    }
    reported: dict[StageName, Mask] = {
        "decided": everything,
        "to_send": to_send,
        "activated": activated,
        "delivered": told["delivered"],
        "opened": told["opened"],
        "clicked": told["clicked"],
    }
    return reached, reported


def _stages(
    reached: Mapping[StageName, Mask], reported: Mapping[StageName, Mask], bought: Mask, which: Mask
) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    sent = int((reached["activated"] & which).sum())
    for place, (name, there) in enumerate(reached.items()):
        count = int((there & which).sum())
        stages.append(
            Stage(
                name=name,
                count=count,
                reported=int((reported[name] & which).sum()),
                of_before=share(count, stages[-1].count) if stages else None,
                of_all=share(count, stages[0].count if stages else count),
                of_sent=share(count, sent) if place > _SENT else None,
                bought=share(int((there & which & bought).sum()), count),
            )
        )
    return tuple(stages)


def _branches(
    labels: Mapping[Factor, Ids],
    reached: Mapping[StageName, Mask],
    reported: Mapping[StageName, Mask],
    bought: Mask,
    claimed: Mask,
) -> Iterator[Branch]:
    for factor, of in labels.items():
        names = sorted({name for name in of if name is not None}, key=lambda name: (len(name), name))
        for name in [*names, *([None] if None in set(of) else [])]:
            which = np.array([label == name for label in of], bool)
            stages = _stages(reached, reported, bought, which)
            yield Branch(factor, name, stages, int((claimed & which).sum()))


def _factors(journal: Journal) -> dict[Factor, Ids]:
    """The channel, argument and step of every decision; silence has no channel and says nothing."""
    options = journal.options
    said = [None if option.channel is None else option.argument for option in options]
    return {
        "channel": np.array([option.channel for option in options], object),
        "argument": np.array(said, object),
        "step": np.array([str(one.step) for one in journal.decided], object),
    }


def _true(came: Sequence[Outcome], name: str) -> Mask:
    return np.array([bool(getattr(one, name)) for one in came], bool)
