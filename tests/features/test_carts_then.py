"""What lay abandoned then, from a log that went on, is what the table of carts told then."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from features.cart_kinds import KINDS
from features.cart_table import CartTable, Times
from features.carts_then import abandoned_then
from features.database import open_database
from features.identity import Identities
from features.log import EVENTS, Log, Record, moment
from tests.features.shop import day, happened

TIMES = Times(timedelta(hours=1), timedelta(days=2))
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["product_added", "product_removed", "product_viewed", "checkout_started", "order_completed"]),
        st.sampled_from(["u1", "u2", "?a"]),
        st.integers(0, 99),
        st.sampled_from(["milk", "tea"]),
    ),
    min_size=1,
    max_size=25,
)


def record_of(one: Any) -> Record:
    kind, who, hour, product = one
    order = f"o{hour}" if kind == "order_completed" else None
    return happened(kind, who, hour / 24, (product, 1, "2.50"), order=order)


@settings(max_examples=40, deadline=None)
@given(
    HAPPENINGS,
    st.integers(1, 110),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([None, Decimal("2.50"), Decimal("2.51"), Decimal(5)]),
)
def test_the_log_tells_of_then_what_the_table_told_then(
    happenings: Any, hour: int, ago: int, hours: int, kind: Any, least: Decimal | None
) -> None:
    records = sorted(map(record_of, happenings), key=lambda record: record.occurred_at)
    then, instant = day(hour / 24), timedelta(microseconds=1)
    log = Log(open_database("sqlite://"), EVENTS)
    identities = Identities(log.engine)
    table = CartTable(log.engine, dict.fromkeys(KINDS, TIMES))
    known = [record for record in records if moment(record.occurred_at) < then]
    log.append(known)
    table.catch_up(log, identities)
    since = then - timedelta(hours=ago)
    until = since + timedelta(hours=hours)
    told = table.abandoned(then - instant, since, until, kind, least, limit=100)
    log.append(records[len(known) :])
    assert abandoned_then(log, identities, TIMES, then, since, until, kind, least) == told
    log.engine.dispose()
