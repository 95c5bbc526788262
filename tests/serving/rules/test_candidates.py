import numpy as np

from features.catalog import Product
from serving.rules.candidates import Candidate, weighed
from serving.rules.columns import Columns
from serving.rules.page import Page
from serving.rules.rules import Boost, Rotation, Rules
from tests.serving.rules.shop import DAY

COLUMNS = Columns.build(
    np.array(list("abc"), object), {id_: Product(product_id=id_, brand=id_.upper()) for id_ in "abc"}
)
ALL = np.ones(3, bool)


def test_what_is_unknown_forbidden_or_found_before_is_left_out():
    found = [
        Candidate("x", 9.0, "als"),
        Candidate("b", 4.0, "als"),
        Candidate("a", 2.0, "als"),
        Candidate("b", 1.0, "popularity"),
        Candidate("c", 1.0, "popularity"),
    ]
    kept = weighed(Rules(), Page(DAY), COLUMNS, found, np.array([True, True, False]))
    assert kept.codes.tolist() == [1, 0]
    assert kept.scores.tolist() == [4.0, 2.0]
    assert kept.sources == ("als", "als")
    assert kept.weight.tolist() == [1.0, 0.5]


def test_one_recommender_that_was_asked_two_things_has_two_scales():
    found = [Candidate("a", 900.0, "als", 0), Candidate("b", 9.0, "als", 1), Candidate("c", 1.0, "als", 1)]
    kept = weighed(Rules(min_relevance="medium"), Page(DAY), COLUMNS, found, ALL)
    assert kept.codes.tolist() == [0, 1]
    assert kept.weight.tolist() == [1.0, 1.0]
    once = weighed(Rules(min_relevance="medium"), Page(DAY), COLUMNS, [each._replace(stage=0) for each in found], ALL)
    assert once.codes.tolist() == [0]


def test_weights_multiply():
    rules = Rules(boost=(Boost("brand == 'A'", 3.0), Boost("brand in ['A', 'B']", 2.0)), rotation=Rotation(0.5))
    found = [Candidate("a", 4.0, "als"), Candidate("b", 4.0, "als"), Candidate("c", 4.0, "als")]
    kept = weighed(rules, Page(DAY, shown={"a": 2, "c": 1}), COLUMNS, found, ALL)
    assert kept.weight.tolist() == [1.5, 2.0, 0.5]
    assert kept.by_weight.tolist() == [1, 0, 2]


def test_nothing_found_is_nothing_kept():
    kept = weighed(Rules(avoid_rejected=True, min_relevance="low"), Page(DAY, shown={"a": 1}), COLUMNS, [], ALL)
    assert not len(kept.codes)
