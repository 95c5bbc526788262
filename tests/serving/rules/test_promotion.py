from hypothesis import given
from hypothesis import strategies as st

from serving.rules.page import Slot
from serving.rules.promotion import places, quota, within_share
from serving.rules.rules import Promoted, Rules


@given(st.integers(0, 20), st.integers(0, 20))
def test_places_are_free_and_as_many_as_there_are(count, size):
    free = [3 * place for place in range(size)]
    assert places(count, free) <= set(free)
    assert len(places(count, free)) == min(count, size)


def test_the_quota_is_rounded_down_but_not_by_the_error_of_a_float():
    assert quota(Rules(promoted=Promoted("true", 0.29)), 100) == 29
    assert quota(Rules(promoted=Promoted("true", 0.29)), 10) == 2
    assert quota(Rules(), 10) == 0


@given(st.lists(st.booleans(), max_size=20), st.floats(0, 1))
def test_the_share_holds_and_no_more_than_needed_is_taken(marks, share):
    rules = Rules(promoted=Promoted("true", share))
    slots = [Slot(str(place), 0.0, "als", promoted=mark) for place, mark in enumerate(marks)]
    kept = within_share(rules, slots)
    assert sum(slot.promoted for slot in kept) <= quota(rules, len(kept))
    assert [slot for slot in kept if not slot.promoted] == [slot for slot in slots if not slot.promoted]
    assert kept == [slot for slot in slots if slot in kept]
    promoted = sum(slot.promoted for slot in kept)
    if promoted < sum(marks):
        assert promoted + 1 > quota(rules, len(kept) + 1)
