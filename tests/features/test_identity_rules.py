"""Whose an id is does not depend on the order in which links are told, and follows from those that are left."""

from hypothesis import given
from hypothesis import strategies as st

from features.events import Body
from features.identity_rules import components, earliest, links_of, owners

USERS = st.sampled_from(["u1", "u2", "u3"])
LINKS = st.lists(st.tuples(st.just("anonymous"), st.sampled_from(["a1", "a2"]), USERS, st.integers(0, 3)))


@given(LINKS, st.randoms(use_true_random=False))
def test_who_was_first_owns_an_id_whatever_the_order(links: list[tuple[str, str, str, int]], random: object) -> None:
    shuffled = links + links[:2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert owners(shuffled) == owners(links)
    assert earliest(shuffled) == earliest(links)
    for id_, user in owners(links).items():
        assert (min(since for _, own, _, since in links if own == id_), user) == min(
            (since, named) for _, own, named, since in links if own == id_
        )


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_a_component_goes_by_its_smallest_id(pairs: list[tuple[int, int]]) -> None:
    root = components((str(left), str(right)) for left, right in pairs)
    assert all(root[str(left)] == root[str(right)] for left, right in pairs)
    assert all(name == min(id_ for id_, own in root.items() if own == name) for name in root.values())


def test_an_alias_takes_an_id_of_either_kind_over_and_nobody_his_own() -> None:
    assert links_of(("aliased", 1, "u1", None, Body(previous_id="x"))) == [
        ("user", "x", "u1", 1),
        ("anonymous", "x", "u1", 1),
    ]
    assert links_of(("aliased", 1, "u1", None, Body(previous_id="u1"))) == []
    assert links_of(("aliased", 1, None, "a1", '{"previous_id":"x"}')) == []
    assert links_of(("product_viewed", 1, "u1", "a1", '{"previous_id":"x"}')) == [("anonymous", "a1", "u1", 1)]


def test_an_alias_that_cannot_be_read_stops_nothing() -> None:
    """The links that do not depend on it hold, and what else is wrong with it is of no use here."""
    for damaged in ("", "[]", '{"previous_id":5}', "[" * 100_000, '{"previous_id":"x"'):
        assert links_of(("aliased", 1, "u1", "a1", damaged)) == [("anonymous", "a1", "u1", 1)]
    assert len(links_of(("aliased", 1, "u1", None, '{"previous_id":"x","rating":"good"}'))) == 2
