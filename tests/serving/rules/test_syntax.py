import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serving.rules.syntax import MAX_LENGTH, FilterError, parse
from serving.rules.tree import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_MEMBERS,
    AllOf,
    AnyOf,
    Comparison,
    Flag,
    Membership,
    Name,
    Negated,
    Truth,
    Value,
)

WORDS = ["price", "brand", "in_stock", "attributes", "and", "or", "not", "in", "&&", "||", "!", "==", "<=", "(", ")"]
WORDS += ["[", "]", ",", "'a'", '"b"', "'", "\\", "3", "-1.5e3", "true", "null", ".", "startsWith", "contains(", " "]


@pytest.mark.parametrize(
    ("text", "position", "told"),
    [
        ("", 1, "found the end"),
        ("price <", 8, "found the end"),
        ("price < 3 brand == 'X'", 11, "found brand"),
        ("price = 3", 7, "expected =="),
        ("price < 3 && £", 14, "found £"),
        ("brand == 'X", 10, "no closing '"),
        ('brand == "X', 10, 'no closing "'),
        ("brand in ['X', brand]", 16, "found brand"),
        ("(price < 3", 11, "expected )"),
        ("title.endswith('x')", 15, "found ("),
        ("title.contains(3)", 16, "expected a text in quotes"),
        ("1 < price < 3", 11, "found <"),
        (r"brand == 'a\q'", 12, r"no escape \q"),
        ("brand ==\n  %", 12, "found %"),
    ],
)
def test_an_error_says_where_and_what(text, position, told):
    with pytest.raises(FilterError) as error:
        parse(text)
    assert error.value.position == position
    assert told in str(error.value)
    assert error.value.columns == ()


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
    | st.lists(st.sampled_from(WORDS)).map("".join)
)
@example("!" * 1_999 + "a")
@example("(" * 2_000)
@example("a\x00b")
@example("\ud800")
def test_whatever_the_text_there_is_a_tree_or_a_filter_error(text):
    found = None
    try:
        parse(text)
    except FilterError as error:
        found = error
    assert found is None or (1 <= found.position <= len(text) + 1 and str(found))


def test_words_and_signs_are_the_same():
    signs = parse("!in_stock && price < 3 || brand == 'X'")
    assert _unplaced(parse("not in_stock and price < 3 or brand == 'X'")) == _unplaced(signs)
    assert _unplaced(parse('(((!in_stock) && (price < 3)) || (brand == "X"))')) == _unplaced(signs)


def test_and_binds_closer_than_or_and_not_closest():
    tree = parse("a or b and not c or d")
    assert isinstance(tree, AnyOf)
    assert isinstance(tree.parts[1], AllOf)
    assert isinstance(tree.parts[1].parts[1], Negated)


@pytest.mark.parametrize("name", ["android", "order", "nothing", "inner", "true_price", "цвет", "attributes.in"])
def test_a_name_may_begin_with_or_follow_a_word_of_the_language(name):
    assert parse(name if "." not in name else f"{name} == 1")


def test_names_of_attributes_with_any_sign_stand_in_brackets():
    assert parse("attributes['colour of lid'] == 'red'").left == Name("attributes.colour of lid", 1)
    assert parse("attributes.contains.contains('x')").column == Name("attributes.contains", 1)


def test_literals():
    assert parse("a in ['it\\'s', \"\\\"\", -1.5e1, true, null, 'ß\\n']") == Membership(
        Name("a", 1),
        (Value("it's", 7), Value('"', 16), Value(-15.0, 22), Value(True, 30), Value(None, 36), Value("ß\n", 42)),
    )
    assert parse("a in []") == Membership(Name("a", 1), ())
    assert parse("true") == Truth(True, 1)
    assert parse("in_stock") == Flag(Name("in_stock", 1))
    assert parse("3 < price") == Comparison(Value(3.0, 1), "<", Name("price", 5), 3)


def test_text_and_nesting_have_limits():
    fits = "a == '" + "x" * (MAX_LENGTH - 7) + "'"
    assert parse(fits)
    with pytest.raises(FilterError, match="at most 2,000 characters"):
        parse(fits + " ")
    assert parse("!" * MAX_DEPTH + "a")
    with pytest.raises(FilterError, match="nested 32 deep"):
        parse("!" * (MAX_DEPTH + 1) + "a")
    with pytest.raises(FilterError, match="nested 32 deep"):
        parse("(a && " * 40 + "b" + ")" * 40)


def test_what_a_filter_may_ask_has_a_limit():
    conditions = [f"a < {number}" for number in range(10, 10 + MAX_CONDITIONS)]
    assert parse(" || ".join(conditions))
    for more in ("b > 1", "b in ['x']", "b", "true", "b.contains('x')", "3 < b"):
        text = " || ".join([*conditions[:20], f"!({' && '.join(conditions[20:])})", more])
        with pytest.raises(FilterError, match="at most 50 conditions") as error:
            parse(text)
        assert error.value.position == len(text) - len(more) + 1


def test_a_list_has_a_limit():
    members = [str(number) for number in range(100, 100 + MAX_MEMBERS)]
    assert len(parse(f"a in [{','.join(members)}]").values) == MAX_MEMBERS
    text = f"a in [{','.join(members)},7]"
    with pytest.raises(FilterError, match="at most 200 values, this one 201") as error:
        parse(text)
    assert error.value.position == len(text) - 1


def _unplaced(tree):
    """A tree as text without its places."""
    import re

    return re.sub(r"at=\d+", "", repr(tree))
