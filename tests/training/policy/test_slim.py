"""Slim decisions say what the others say, and many of them keep what they have in common once."""

import msgspec

from features.decisions import Decided
from features.log import Record
from tests.training.policy.planted import MAIL, POINT, START, Planted, hours
from training.policy.slim import Once, slim_decided, slim_option, slim_record


def two() -> list[Record]:
    shop = Planted()
    for key in ("a", "b"):
        shop.decided(key, key)
    return list(shop.logs.decisions.read(0, 10))


def test_only_options_and_context_are_gone() -> None:
    (record, _), once = two(), Once()
    whole = msgspec.json.decode(record.payload, type=Decided)
    slim = slim_decided(whole, once)
    assert msgspec.structs.replace(slim, options=whole.options, context=whole.context) == whole
    assert slim_option(whole.options[1], once) == whole.options[1]


def test_what_two_say_alike_is_one_object() -> None:
    once = Once()
    first, second = (slim_decided(msgspec.json.decode(one.payload, type=Decided), once) for one in two())
    assert first.customer_id != second.customer_id
    for name in ("terms", "decision_point", "arm", "mode", "policy", "policy_version"):
        assert getattr(first, name) is getattr(second, name), name


def test_a_slim_record_says_what_was_chosen() -> None:
    record = two()[0]
    whole = msgspec.json.decode(record.payload, type=Decided)
    told = msgspec.json.decode(slim_record(record, whole, whole.options[1]).payload, type=Decided)
    assert told.options[told.chosen] == msgspec.structs.replace(MAIL, send_at=START + hours(24))
    assert told.decision_point == POINT
