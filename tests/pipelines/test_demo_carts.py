"""What the demo lets made customers say of carts: each item once, as the household did, and by nobody real."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipelines.demo_carts as demo_carts
from features.database import open_database
from features.decisions import RESTOCK_CART
from features.log import DECISIONS, Log, Record, microseconds
from features.simulated import is_made
from pipelines.demo_carts import CARTS, RUN, offered
from pipelines.settings import Settings
from serving.restock.choice import Line

AT = datetime(2017, 12, 4, tzinfo=UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
UNITS = [f"food/{number}" for number in range(6)]


def cart(who: str = "7") -> Record:
    return Record("rc_1", RESTOCK_CART, microseconds(AT), microseconds(AT), f"{RUN}{who}", None, "{}")


@given(
    st.lists(st.sampled_from(UNITS), unique=True, max_size=6),
    st.dictionaries(st.sampled_from(UNITS), st.integers(1, 3), max_size=6),
)
def test_each_item_gets_one_word_and_it_is_the_one_of_what_was_bought(
    offered_units: list[str], bought: Mapping[str, int]
) -> None:
    lines = [Line(f"p-{unit}", unit, 2, 0.5, "due") for unit in offered_units]
    events = list(demo_carts._words(cart(), lines, bought, NOW))
    said = {line.product_id: (event.body.feedback, line.quantity) for event in events for line in event.body.lines}
    assert len(said) == sum(len(event.body.lines) for event in events) == len(lines)
    for line in lines:
        packs = bought.get(line.unit_id, 0)
        word = "rejected" if not packs else "ordered" if packs == 2 else "edited"
        assert said[line.product_id] == (word, float(packs or 2))
    assert all(is_made(event.user_id) and event.body.cart_id == "rc_1" and event.occurred_at > AT for event in events)
    assert all(event.received_at == NOW for event in events), "a log receives nothing in the past"
    assert len({event.message_id for event in events}) == len(events)


def test_who_did_not_shop_again_says_nothing() -> None:
    assert not list(demo_carts._words(cart(), [Line("p", "food/0", 2, 0.5, "due")], None, NOW))


@pytest.mark.parametrize("others", [0, 3])
def test_carts_are_offered_once_whoever_was_offered_one_before(tmp_path: Path, others: int) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'kairos.db'}")
    log = Log(open_database(settings.database_url), DECISIONS)
    log.append([replace(cart(), key=f"rc_{place}", user_id=f"u{place}") for place in range(others)])
    assert not offered(settings)
    log.append([replace(cart(str(place)), key=f"rc_of_{place}") for place in range(CARTS)])
    assert offered(settings)
