from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalog import Product
from serving.rules.allow import allow
from serving.rules.arrange import arrange, depth, plain
from serving.rules.candidates import Candidate
from serving.rules.caps import capped
from serving.rules.columns import Columns
from serving.rules.filters import mask
from serving.rules.page import Page, Slot
from serving.rules.promotion import quota
from serving.rules.rules import Boost, Explore, Pin, Promoted, Rotation, Rules
from tests.serving.rules.shop import DAY, IDS, candidates, page, shop

SHOPS = [shop(seed) for seed in range(15)]
pins = st.lists(
    st.builds(Pin, position=st.integers(1, 12), item_id=st.sampled_from(list(IDS)))
    | st.builds(Pin, position=st.integers(1, 12), filter=st.sampled_from(["brand == 'X'", "price > 3"])),
    max_size=3,
    unique_by=lambda pin: pin.position,
).map(tuple)
rules = st.builds(
    Rules,
    exclude_viewed=st.booleans(),
    min_relevance=st.sampled_from([None, "low", "high"]),
    boost=st.sampled_from([(), (Boost("brand == 'Y'", 3.0), Boost("price > 3", 0.2))]),
    rotation=st.sampled_from([None, Rotation(0.5), Rotation(1.0)]),
    avoid_rejected=st.booleans(),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    caps=st.sampled_from([{}, {"brand": 1}, {"brand": 2, "category.1": 2}, {"attributes.colour": 2, "group_id": 1}]),
    promoted=st.none() | st.builds(Promoted, st.just("brand == 'Z'"), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0])),
    pin=pins,
    explore=st.none() | st.builds(Explore, st.sampled_from([0.0, 0.1, 0.4, 1.0]), st.just(30.0)),
)
seeds = st.integers(0, 10_000)


@settings(max_examples=150)
@given(rules, st.integers(0, 14), seeds, st.integers(1, 14), st.integers(0, 25))
def test_laws_of_every_answer(rules, number, seed, limit, count):
    _, columns = SHOPS[number]
    found = candidates(seed, columns, count)
    asked = page(seed, columns)
    slots = arrange(rules, asked, columns, found, limit)
    again = arrange(rules, page(seed, columns), columns, found, limit, allow(rules, asked, columns))
    assert slots == again, "the same input gives the same answer, whoever made the mask"
    codes = columns.codes([slot.item_id for slot in slots])
    assert len(slots) <= limit
    assert len(set(codes.tolist())) == len(codes)
    assert allow(rules, asked, columns)[codes].all()
    for name, most in rules.caps.items():
        counts = Counter(value for value in capped(name, columns)[codes].tolist() if value >= 0)
        assert max(counts.values(), default=0) <= most, name
    marked = [bool(rules.promoted and mask(columns, rules.promoted.filter)[code]) for code in codes]
    assert [slot.promoted for slot in slots] == marked
    assert sum(marked) <= quota(rules, len(slots)) if rules.promoted else not any(marked)
    since = columns.number("since")
    for slot, code in zip(slots, codes, strict=True):
        assert slot.explored == (slot.propensity is not None)
        assert not slot.explored or (0 < slot.propensity <= 1 and DAY - since[code] <= 30 and not slot.promoted)
    if rules.explore is None or not rules.explore.share:
        assert not any(slot.explored for slot in slots)


@given(seeds, st.integers(0, 14), st.integers(1, 14), st.integers(0, 25))
def test_without_rules_the_order_of_the_models_stands(seed, number, limit, count):
    _, columns = SHOPS[number]
    found = candidates(seed, columns, count)
    asked = page(seed, columns)
    may = allow(Rules(), asked, columns)
    first = {}
    for id_, score, source, _ in found:
        if id_ != "unknown" and may[columns.codes([id_])[0]]:
            first.setdefault(id_, Slot(id_, score, source))
    assert arrange(Rules(), asked, columns, found, limit) == list(first.values())[:limit]


@settings(max_examples=150)
@given(rules, st.integers(0, 14), seeds, st.integers(1, 14), st.sampled_from(list(IDS)))
def test_a_pin_that_may_stand_stands_at_its_place(rules, number, seed, limit, id_):
    _, columns = SHOPS[number]

    pinned = replace(rules, pin=(Pin(min(3, limit), id_),), promoted=None)
    asked = page(seed, columns)
    slots = arrange(pinned, asked, columns, candidates(seed, columns, 20), limit)
    ids = [slot.item_id for slot in slots]
    if allow(pinned, asked, columns)[columns.codes([id_])[0]]:
        assert ids.index(id_) == min(3, limit, len(ids)) - 1
    else:
        assert id_ not in ids


def test_a_pin_by_filter_takes_the_best_candidate_then_what_is_popular():
    columns = _columns(brands="XYXY")
    found = [Candidate("d", 4.0, "als"), Candidate("a", 3.0, "als"), Candidate("c", 2.0, "als")]
    rules = Rules(pin=(Pin(1, filter="brand == 'X'"),))
    assert arrange(rules, Page(DAY), columns, found, 3)[0] == Slot("a", 3.0, "pinned")
    assert arrange(rules, Page(DAY), columns, found[:1], 2) == [Slot("a", 0.0, "pinned"), Slot("d", 4.0, "als")]


def test_boost_raises_and_buries():
    columns = _columns(brands="XYXY")
    found = [
        Candidate("a", 4.0, "als"),
        Candidate("b", 3.0, "als"),
        Candidate("c", 2.0, "als"),
        Candidate("d", 1.0, "als"),
    ]
    ranked = arrange(Rules(boost=(Boost("brand == 'Y'", 2.0),)), Page(DAY), columns, found, 4)
    assert [slot.item_id for slot in ranked] == ["b", "a", "c", "d"]
    ranked = arrange(Rules(boost=(Boost("brand == 'X'", 0.1),)), Page(DAY), columns, found, 4)
    assert [slot.item_id for slot in ranked] == ["b", "d", "a", "c"]
    assert ranked[0].score == 3.0, "the score is the model's"


def test_what_was_shown_in_vain_sinks():
    columns = _columns(brands="XXXX")
    found = [Candidate("a", 4.0, "als"), Candidate("b", 3.0, "als"), Candidate("c", 2.0, "als")]
    asked = Page(DAY, shown={"a": 2, "b": 0})
    assert _ids(arrange(Rules(rotation=Rotation(0.2)), asked, columns, found, 3)) == "bac"
    assert _ids(arrange(Rules(rotation=Rotation(1.0)), asked, columns, found, 3)) == "bca"
    assert _ids(arrange(Rules(), asked, columns, found, 3)) == "abc"


def test_the_least_relevance_is_measured_by_the_best_of_the_same_source():
    columns = _columns(brands="XXXX")
    found = [
        Candidate("a", 4.0, "als"),
        Candidate("b", 1.0, "als"),
        Candidate("c", 800.0, "popularity"),
        Candidate("d", 30.0, "popularity"),
    ]
    assert _ids(arrange(Rules(min_relevance="high"), Page(DAY), columns, found, 4)) == "ac"
    assert _ids(arrange(Rules(min_relevance="medium"), Page(DAY), columns, found, 4)) == "abc"


def test_promoted_products_are_spread_and_come_from_the_catalogue_where_no_model_found_any():
    columns = _columns(brands="XXXXXXXXZZ", ids="abcdefghij")
    found = [Candidate(id_, 9.0 - place, "als") for place, id_ in enumerate("abcdefgh")]
    slots = arrange(Rules(promoted=Promoted("brand == 'Z'", 0.25)), Page(DAY), columns, found, 8)
    assert [place for place, slot in enumerate(slots, 1) if slot.promoted] == [3, 7]
    assert {slot.source for slot in slots if slot.promoted} == {"promoted"}


def test_a_short_answer_promotes_less():
    columns = _columns(brands="XZZZ")
    slots = arrange(Rules(promoted=Promoted("brand == 'Z'", 0.5)), Page(DAY), columns, [Candidate("a", 1.0, "als")], 10)
    assert sum(slot.promoted for slot in slots) == 1
    assert len(slots) == 2


def test_depth_leaves_room_to_choose_from():
    assert depth(Rules(), 7) == 7
    assert depth(Rules(caps={"brand": 1}), 7) == 100
    assert depth(Rules(diversity=0.1), 50) == 250


def _ids(slots):
    return "".join(slot.item_id for slot in slots)


def _columns(brands, ids="abcd"):
    products = {id_: Product(product_id=id_, brand=brand) for id_, brand in zip(ids, brands, strict=True)}
    return Columns.build(np.array(list(ids), object), products)


@settings(max_examples=60)
@given(st.integers(0, 14), seeds, st.integers(1, 14), st.integers(0, 25))
def test_under_plain_rules_the_short_way_leads_where_the_long_way_leads(number, seed, limit, count):
    _, columns = SHOPS[number]
    found, asked = candidates(seed, columns, count), page(seed, columns)
    general = Rules(explore=Explore(0.0))
    assert plain(Rules(exclude_viewed=True))
    assert not plain(general)
    assert arrange(Rules(), asked, columns, found, limit) == arrange(general, asked, columns, found, limit)
