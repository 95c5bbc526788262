"""The funnel counts what outcomes say: it never grows, its branches add up, and what tools claim is no order."""

from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.outcomes import Outcome
from features.reports.funnel import Funnel, Stage, StageName
from tests.training.policy.planted import MAIL, POINT, SILENCE, START, Planted, hours
from training.policy.dataset import History
from training.reports.funnel import funnel

LATER = START + timedelta(days=30)
COUNT = 18
FLAGS = (
    "delivered",
    "opened",
    "clicked",
    "opened_by_machine",
    "clicked_by_machine",
    "bounced",
    "complained",
    "unsubscribed",
    "claimed",
)


@cache
def shop() -> History:
    """Decisions of two channels, two arguments and three steps, a third of them silence; of none came anything."""
    planted = Planted()
    sms = msgspec.structs.replace(MAIL, channel="sms", argument="")
    for number in range(COUNT):
        offered = (SILENCE, sms if number % 2 else MAIL)
        planted.decided(
            f"d{number}", f"c{number % 5}", START + hours(number), number % 3 > 0, offered, step=1 + number % 3
        )
    return planted.history(LATER)


def told(outcomes: list[Outcome]) -> Funnel:
    return funnel(shop().journal, outcomes, POINT, LATER, LATER)


@st.composite
def fates(draw: st.DrawFn) -> list[Outcome]:
    """Anything that may come of decisions, also what makes no sense."""
    found = []
    for one in shop().outcomes:
        flags: dict[str, Any] = {name: draw(st.booleans()) for name in FLAGS}
        orders = draw(st.integers(0, 2))
        ids = tuple(f"o{draw(st.integers(0, 3))}" for _ in range(orders))
        sent = one.decided_at + hours(1) if draw(st.booleans()) else None
        more: dict[str, Any] = {
            "orders": orders,
            "order_ids": ids,
            "activated_at": sent,
            "matured": draw(st.booleans()),
        }
        found.append(msgspec.structs.replace(one, **flags, **more))
    return found


@given(fates())
@settings(deadline=None, max_examples=40)
def test_no_stage_has_more_than_the_one_before_and_branches_add_up(outcomes: list[Outcome]) -> None:
    found = told(outcomes)
    for stages in (found.stages, *(branch.stages for branch in found.branches)):
        counts = [stage.count for stage in stages]
        assert counts == sorted(counts, reverse=True)
        for before, stage in pairwise(stages):
            assert stage.of_before is not None
            assert (stage.of_before.count, stage.of_before.of) == (stage.count, before.count)
            assert (stage.of_all.count, stage.of_all.of) == (stage.count, stages[0].count)
            assert stage.bought.of == stage.count
    for factor in ("channel", "argument", "step"):
        some = [branch for branch in found.branches if branch.by == factor]
        for place, whole in enumerate(found.stages):
            assert sum(branch.stages[place].count for branch in some) == whole.count
            assert sum(branch.stages[place].bought.count for branch in some) == whole.bought.count
        assert sum(branch.claimed for branch in some) == found.claimed


@given(fates())
@settings(deadline=None, max_examples=40)
def test_counts_are_those_of_the_outcomes(outcomes: list[Outcome]) -> None:
    found = told(outcomes)
    ripe = [one for one in outcomes if one.matured]
    by_name = {stage.name: stage for stage in found.stages}
    assert (by_name["decided"].count, found.immature) == (len(ripe), len(outcomes) - len(ripe))
    assert by_name["to_send"].count == sum(one.channel is not None for one in ripe)
    for stage_ in found.stages[3:-1]:
        assert stage_.reported == sum(getattr(one, stage_.name) for one in ripe)
    assert by_name["activated"].reported == sum(one.activated_at is not None for one in ripe)
    clicked = [one for one in ripe if one.clicked and one.channel is not None]
    opened = [one for one in ripe if (one.clicked or one.opened) and one.channel is not None]
    nearest: list[tuple[StageName, list[Outcome]]] = [("clicked", clicked), ("opened", opened)]
    for name, some in nearest:
        assert (by_name[name].count if name in by_name else 0) == len(some)
    bought = [one for one in ripe if one.orders]
    assert by_name["decided"].bought.count == by_name["ordered"].reported == len(bought)
    if clicked:
        assert by_name["ordered"].count == sum(one.orders > 0 for one in clicked)
    assert found.orders == len({(one.customer_id, id_) for one in ripe for id_ in one.order_ids})
    assert found.orders <= found.counted
    assert found.claimed == sum(one.claimed for one in ripe)
    assert found.claimed_only == sum(one.claimed and not one.orders for one in ripe)
    assert found.unclaimed == sum(one.orders > 0 and not one.claimed for one in ripe)
    assert found.opened_by_machines == sum(one.opened_by_machine and not one.opened for one in ripe)


def test_steps_of_which_nobody_tells_are_left_out() -> None:
    planted = Planted()
    for number in range(6):
        planted.decided(f"d{number}", f"c{number}")
        planted.sent(f"d{number}", f"c{number}", START + hours(24))
    planted.happened("message_clicked", "c1", START + hours(25), decision_id="d1", channel="email")
    for number in range(3):
        planted.ordered(f"c{number}", START + hours(30), "10")
    told = planted.history(LATER)
    clicked = funnel(told.journal, told.outcomes, POINT, LATER, LATER)
    assert ([one.count for one in clicked.stages], clicked.untold) == ([6, 6, 6, 1, 1, 1, 1], ())
    silent = [msgspec.structs.replace(one, clicked=False) for one in told.outcomes]
    found = funnel(told.journal, silent, POINT, LATER, LATER)
    assert [(one.name, one.count) for one in found.stages][3:] == [("ordered", 3)]
    assert found.untold == ("delivered", "opened", "clicked")
    assert all(len(branch.stages) == 4 for branch in found.branches)


def stage(found: Funnel, name: str) -> Stage:
    return next(one for one in found.stages if one.name == name)


def test_a_claim_makes_no_order_and_a_machine_no_reader() -> None:
    planted = Planted()
    for number in range(3):
        planted.decided(f"d{number}", f"c{number}")
        planted.sent(f"d{number}", f"c{number}", START + hours(24))
    planted.happened("message_converted", "c0", START + hours(25), decision_id="d0", channel="email")
    planted.happened("email_opened", "c1", START + hours(25), decision_id="d1", machine=True)
    planted.ordered("c2", START + hours(25), "10")
    seen = planted.history(LATER)
    found = funnel(seen.journal, seen.outcomes, POINT, LATER, LATER)
    assert (found.claimed, found.claimed_only, found.unclaimed, found.orders) == (1, 1, 1, 1)
    assert (found.untold, found.opened_by_machines, stage(found, "delivered").count) == (("opened", "clicked"), 1, 1)
    assert stage(found, "decided").bought.count == 1
    assert stage(found, "ordered").count == 0, "whom it was delivered to did not order"


def test_one_order_in_two_windows_is_one_order() -> None:
    planted = Planted()
    planted.decided("d1", "ann")
    planted.decided("d2", "ann", START + hours(5), step=2)
    planted.ordered("ann", START + hours(10), "10", key="o1")
    seen = planted.history(LATER)
    found = funnel(seen.journal, seen.outcomes, POINT, LATER, LATER)
    assert (found.orders, found.counted) == (1, 2)


def test_open_windows_wait_and_what_is_decided_later_is_not_there() -> None:
    planted = Planted()
    for number in range(4):
        planted.decided(f"d{number}", f"c{number}", START + timedelta(days=2 * number))
    when = START + timedelta(days=5)
    seen = planted.history(when)
    found = funnel(seen.journal, seen.outcomes, POINT, when, when)
    assert (stage(found, "decided").count, found.immature) == (2, 1)
    assert (found.since, found.until) == (START, START + timedelta(days=2))


@pytest.mark.parametrize("count", [0, 1])
def test_almost_nothing_makes_sense(count: int) -> None:
    planted = Planted()
    for number in range(count):
        planted.decided(f"d{number}", "ann")
    seen = planted.history(LATER)
    found = funnel(seen.journal, seen.outcomes, POINT, LATER, LATER)
    assert [one.count for one in found.stages] == [count, count, 0, 0, 0, 0, 0]
    assert found.stages[3].of_sent is not None
    assert found.stages[3].of_sent.value is None
