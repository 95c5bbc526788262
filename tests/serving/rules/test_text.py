import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.rules.text import Text

values = st.lists(st.none() | st.sampled_from(["", "a", "a/b", "a/b/c", "b"]), max_size=12)


@given(values, values, st.data())
def test_replacing_is_replacing_and_leaves_the_old_alone(old, new, data):
    places = data.draw(st.permutations(range(len(old)))) if old else []
    new = new[: len(old)]
    text = Text.of(old)
    changed = text.replaced(np.array(places[: len(new)], np.int64), new)
    expected = list(old)
    for place, value in zip(places, new, strict=False):
        expected[place] = value
    assert changed.levels.values[changed.codes].tolist() == expected
    assert text.levels.values[text.codes].tolist() == old
    assert len(set(changed.levels.values.tolist())) == len(changed.levels.values)


@given(values)
def test_two_products_share_a_step_if_they_share_the_path_to_it(found):
    text = Text.of(found)
    steps = text.levels.paths[text.codes]
    for one, mine in zip(found, steps, strict=True):
        for other, its in zip(found, steps, strict=True):
            for depth in range(steps.shape[1]):
                prefixes = [(value or "").split("/")[: depth + 1] if value else [] for value in (one, other)]
                same = prefixes[0] == prefixes[1] and len(prefixes[0]) == depth + 1
                assert (mine[depth] == its[depth] and mine[depth] >= 0) == same
