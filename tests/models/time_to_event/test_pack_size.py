"""What a pack holds is read in the ways in which shops write it, and nothing is read into what says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.time_to_event.pack_size import contents_of

OUNCE = 28.3495


@pytest.mark.parametrize(
    ("text", "amount", "kind"),
    [
        ("12 OZ", 12 * OUNCE, "g"),
        ("10 3/4 OZ", 10.75 * OUNCE, "g"),
        ("P    16 OZ", 16 * OUNCE, "g"),
        (".5 OZ", OUNCE / 2, "g"),
        ("6/12 OZ", 72 * OUNCE, "g"),
        ("6 PK/12 OZ", 72 * OUNCE, "g"),
        ("12 OZ 6 PK", 72 * OUNCE, "g"),
        ("10-1 OZ", 10 * OUNCE, "g"),
        ("144 OZ/12 PK", 144 * OUNCE, "g"),
        ("8 CT/16 OZ", 16 * OUNCE, "g"),
        ("5-LB BAG", 5 * 453.592, "g"),
        ("1/2 GAL", 4 * 473.176, "ml"),
        ("GAL", 8 * 473.176, "ml"),
        ("2x500 ml", 1000, "ml"),
        ("Mineral water 6 x 1,5 L, still", 9000, "ml"),
        ("Йогурт 4 х 125 г", 500, "g"),
        ("Молоко 3,2% 1 л", 1000, "ml"),
        ("Яйца 30 шт.", 30, "pieces"),
        ("6 PK", 6, "pieces"),
        ("14-18 CT", 16, "pieces"),
        ("2 DZ", 24, "pieces"),
        ("83.5 SQ FT", 83.5 * 0.092903, "sq_m"),
        ("1,000 ml", 1000, "ml"),
        ("1,125 l", 1125, "ml"),
        ("Vitamin C 500 mg, 60 tablets", 60, "pieces"),
    ],
)
def test_a_size_is_read(text: str, amount: float, kind: str) -> None:
    found = contents_of(text)
    assert found is not None
    assert found.amount == pytest.approx(amount)
    assert found.kind == kind


@pytest.mark.parametrize(
    "text",
    ["", "L", "XL", "size 42", "974246  PK", "0 OZ", "3-in-1", "5 o'clock", "10 lions", "100 % juice", "999999999 kg"],
)
def test_nothing_is_read_into_what_says_nothing(text: str) -> None:
    assert contents_of(text) is None


@given(
    st.integers(2, 24),
    st.sampled_from([100, 250, 330, 500]),
    st.sampled_from([" x ", "x", "×", "*", " х "]),
    st.sampled_from(["{} ml", "{}ml", "{} ML", "Water {} ml PET", "{} g", "{}г"]),
)
def test_a_bundle_is_as_much_as_its_packs(count: int, each: int, times: str, form: str) -> None:
    single, bundle = contents_of(form.format(each)), contents_of(form.format(f"{count}{times}{each}"))
    assert single is not None
    assert bundle is not None
    assert bundle.amount == pytest.approx(single.amount * count)
    assert bundle.kind == single.kind


@given(st.integers(1, 99), st.sampled_from([("kg", "g", 1000), ("l", "ml", 1000), ("cl", "ml", 10)]))
def test_units_of_one_kind_agree(number: int, units: tuple[str, str, int]) -> None:
    large, small, ratio = units
    assert contents_of(f"{number} {large}") == contents_of(f"{number * ratio} {small}")
    assert contents_of(f"{number},5 {large}") == contents_of(f"{number}.5 {large}")


@given(st.text(max_size=40) | st.from_regex(r"[0-9xх/.,\- ]{0,12}(oz|л|pk|kg|ct)", fullmatch=True))
def test_whatever_is_written_the_answer_is_plausible_or_none(text: str) -> None:
    found = contents_of(text)
    assert found is None or 0.1 <= found.amount <= 250_000
